// inspect.c - looks at every file of a data set: its header, or all its pixels.
#include "dataset/check.h"

#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

enum { BOMB_RATIO = 1000 }; // decoded bytes per byte of the file that call for a look

typedef struct inspection {
    dogb_check *check;
    dogb_image_limits limits;
    pthread_mutex_t lock; // guards check->arena
} inspection;

// Sums of values and of squares, channel by channel. 48 = 16 pixels: a shape that compilers turn
// into vector code.
static void add_pixels(dogb_finding *finding, const dogb_image *image) {
    enum { LANES = 48, BLOCKS = 16384 }; // 16384 * 255^2 fits in 32 bits
    size_t size = (size_t)image->width * (size_t)image->height * 3;
    const uint8_t *from = image->pixels;
    while (size >= LANES) {
        uint32_t sums[LANES] = {0};
        uint32_t squares[LANES] = {0};
        size_t blocks = size / LANES < BLOCKS ? size / LANES : BLOCKS;
        for (size_t b = 0; b < blocks; b++, from += LANES) {
            for (int i = 0; i < LANES; i++) {
                uint32_t value = from[i];
                sums[i] += value;
                squares[i] += value * value;
            }
        }
        for (int i = 0; i < LANES; i++) {
            finding->sums[i % 3] += sums[i];
            finding->squares[i % 3] += squares[i];
        }
        size -= blocks * LANES;
    }
    for (size_t i = 0; i < size; i++) {
        uint32_t value = from[i];
        finding->sums[i % 3] += value;
        finding->squares[i % 3] += value * value;
    }
}

// One colour all over: n * sum of squares = (sum)^2 in each channel.
static int is_blank(const dogb_finding *finding) {
    uint64_t pixels = (uint64_t)finding->width * (uint64_t)finding->height;
    for (int c = 0; c < 3; c++) {
        uint64_t value = finding->sums[c] / pixels;
        if (value * pixels != finding->sums[c] || value * value * pixels != finding->squares[c]) {
            return 0;
        }
    }
    return 1;
}

static int is_misnamed(const char *path, int32_t format) {
    const char *dot = strrchr(path, '.');
    int png = dot != NULL && strcasecmp(dot, ".png") == 0;
    return png != (format == DOGB_FORMAT_PNG);
}

static void set_flags(dogb_finding *finding, const dogb_image_info *info, const char *path) {
    double decoded = (double)info->width * info->height * 3.0;
    const struct {
        int bit;
        int set;
    } flags[] = {{DOGB_FOUND_ORIENTED, info->orientation != 1},
                 {DOGB_FOUND_MISNAMED, is_misnamed(path, info->format)},
                 {DOGB_FOUND_WARNED, info->warnings > 0},
                 {DOGB_FOUND_BOMB, decoded > (double)BOMB_RATIO * (double)finding->bytes},
                 {DOGB_FOUND_GRAY, info->channels <= 2 && !info->palette},
                 {DOGB_FOUND_CMYK, info->cmyk},
                 {DOGB_FOUND_DEEP, info->depth > 8},
                 {DOGB_FOUND_ALPHA, info->alpha},
                 {DOGB_FOUND_PALETTE, info->palette},
                 {DOGB_FOUND_PROGRESSIVE, info->progressive}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        finding->flags |= flags[i].set ? 1u << flags[i].bit : 0;
    }
    finding->format = info->format;
    finding->width = info->width;
    finding->height = info->height;
}

static int look(inspection *in, dogb_finding *finding, dogb_arena *scratch, int64_t index) {
    const dogb_check *check = in->check;
    const char *path = dogb_dataset_path(check->dataset, index);
    size_t bytes_max = (size_t)dogb_dataset_options(check->dataset)->bytes_max;
    dogb_image_info info;
    finding->bytes = -1;
    if (!check->options.decode) { // a mapping: only the pages of the header are read
        dogb_map map;
        int rc = dogb_map_open(&map, scratch, path, bytes_max);
        if (rc < 0) {
            return rc;
        }
        finding->bytes = (int64_t)map.size;
        rc = dogb_image_probe(&info, map.data, map.size, &in->limits, path);
        if (rc == DOGBREED_OK) {
            set_flags(finding, &info, path);
        }
        return rc;
    }
    void *bytes = NULL;
    size_t size = 0;
    dogb_image image;
    int rc = dogb_file_read(&bytes, &size, scratch, path, bytes_max);
    if (rc < 0) {
        return rc;
    }
    finding->bytes = (int64_t)size;
    if ((rc = dogb_sha256_of(&finding->hash, bytes, size)) < 0 ||
        (rc = dogb_hash_put(check->dataset, index, &finding->hash, finding->bytes)) < 0) {
        return rc;
    }
    finding->hashed = 1;
    rc = dogb_image_decode(&image, &info, scratch, bytes, size, &in->limits, NULL, path);
    if (rc == DOGBREED_OK) {
        set_flags(finding, &info, path);
        add_pixels(finding, &image);
        finding->flags |= is_blank(finding) ? 1u << DOGB_FOUND_BLANK : 0;
    }
    return rc;
}

// Keeps the message without the path in front of it: the report names the file beside it.
static int keep_reason(inspection *in, dogb_finding *finding, int64_t index) {
    const char *text = dogbreed_error_message();
    const char *path = dogb_dataset_path(in->check->dataset, index);
    size_t length = strlen(path);
    if (strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0) {
        text += length + 2;
    }
    (void)pthread_mutex_lock(&in->lock);
    finding->reason = dogb_strdup(in->check->arena, text);
    (void)pthread_mutex_unlock(&in->lock);
    return finding->reason == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int inspect(int64_t index, void *userdata) {
    inspection *in = userdata;
    dogb_finding *finding = &in->check->findings[index];
    dogb_arena scratch = {0};
    int rc = look(in, finding, &scratch, index);
    dogb_arena_free(&scratch);
    if (rc == DOGBREED_ERROR_FORMAT || rc == DOGBREED_ERROR_UNSUPPORTED ||
        rc == DOGBREED_ERROR_IO || rc == DOGBREED_ERROR_NOT_FOUND) {
        finding->code = rc;
        finding->flags =
            1u << (rc == DOGBREED_ERROR_UNSUPPORTED ? DOGB_FOUND_UNSUPPORTED : DOGB_FOUND_BROKEN);
        rc = keep_reason(in, finding, index);
    }
    return rc;
}

int dogb_check_inspect(dogb_check *check) {
    inspection in = {.check = check};
    check->count = dogbreed_dataset_size(check->dataset);
    check->findings = dogb_alloc(check->arena, (size_t)check->count, sizeof *check->findings);
    if (check->findings == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (pthread_mutex_init(&in.lock, NULL) != 0) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    dogb_dataset_limits(&in.limits, check->dataset);
    int rc = dogb_parallel(dogb_thread_count(check->options.threads), check->count, inspect, &in);
    (void)pthread_mutex_destroy(&in.lock);
    return rc;
}
