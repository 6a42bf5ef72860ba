// board.c - stored tensors as TensorBoard shows them: histograms, and losses as curves, in a folder
// for each mode. It reads no stores, so they are written beside.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "debug/debug_internal.h"
#include "tensorboard/events.h"
#include "tensorboard/folder.h"

#include <string.h>

// Characters that tags may not have become '_', leading slashes go.
static char *tag_of(dogb_arena *arena, const char *name) {
    static const char allowed[] =
        "-/_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    char *tag = dogb_strdup(arena, name + strspn(name, "/"));
    for (char *p = tag; p != NULL && *p != '\0'; p++) {
        *p = strchr(allowed, *p) == NULL ? '_' : *p;
    }
    return tag;
}

// The event file of a mode, made at its first value; steps from there on are void in earlier ones.
static int open_file(dogbreed_debug *debug, int32_t mode, double now, dogb_buffer *out) {
    static const char *const names[DOGB_MODES] = {"", "TRAIN", "EVAL", "PREDICT", "GLOBAL"};
    char name[DOGB_BOARD_NAME_SIZE];
    dogb_board_name(name, now);
    char *folder = dogb_format(&debug->arena, "%s/tensorboard/%s", debug->directory, names[mode]);
    int rc = folder == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(folder);
    debug->boards[mode] = rc < 0 ? NULL : dogb_path_join(&debug->arena, folder, name);
    if (rc == DOGBREED_OK && debug->boards[mode] == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_board_version(out, now);
    dogb_board_restart(out, now, debug->moment.mode_step);
    return rc;
}

static int put(dogb_buffer *out, dogb_arena *arena, const dogb_subject *one,
               const dogb_board_place *place, const float *values, size_t count) {
    dogb_buckets histogram;
    if (one->tensor.what == DOGBREED_TENSOR_SCALAR) {
        const dogb_point_event point = {.tag = place->tag,
                                        .time = place->time,
                                        .step = place->step,
                                        .value = (double)values[0],
                                        .first = place->first};
        dogb_board_point(out, &point);
        return out->rc;
    }
    int rc = dogb_histogram_default(&histogram, arena, values, count);
    if (rc == DOGBREED_OK) {
        dogb_board_histogram(out, place, &histogram);
    }
    return rc < 0 ? rc : out->rc;
}

int dogb_debug_show(dogbreed_debug *debug, dogb_subject *one, const float *values, size_t count) {
    dogb_buffer out = {.arena = &debug->scratch};
    int32_t mode = debug->moment.mode;
    double now = dogb_clock_wall();
    int rc = debug->boards[mode] == NULL ? open_file(debug, mode, now, &out) : DOGBREED_OK;
    const dogb_board_place place = {
        .tag = rc < 0 ? NULL : tag_of(&debug->scratch, one->tensor.name),
        .time = now,
        .step = debug->moment.mode_step,
        .first = (one->boarded >> mode & 1) == 0,
    };
    if (rc == DOGBREED_OK && place.tag == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    rc = rc < 0 || count == 0 ? rc : put(&out, &debug->scratch, one, &place, values, count);
    one->boarded |= 1u << mode;
    return rc < 0 ? rc : dogb_file_append(debug->boards[mode], out.data, out.length);
}
