// check_stats.c - sizes and pixel statistics of a data check.
#include "dataset/check.h"

#include "core/number.h"

#include <math.h>
#include <stdlib.h>

// Short sides: usual input sizes and powers of two. A bin reaches from its bound to the next one.
static const int32_t side_bounds[] = {1,   32,  64,  128,  224,  256, 299,
                                      384, 512, 768, 1024, 2048, 4096};

enum { BINS = sizeof side_bounds / sizeof side_bounds[0] };

// {"min", "median", "max", "mean"} of values, which are sorted.
static int add_range(json_t *parent, const char *name, double *values, int64_t count) {
    double sum = 0.0;
    json_t *item = json_object();
    if (dogb_json_set(parent, name, item) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (count == 0) {
        return DOGBREED_OK;
    }
    qsort(values, (size_t)count, sizeof *values, dogb_number_compare);
    for (int64_t i = 0; i < count; i++) {
        sum += values[i];
    }
    double median = (values[(count - 1) / 2] + values[count / 2]) / 2.0;
    return dogb_json_set_real(item, "min", values[0]) < 0 ||
                   dogb_json_set_real(item, "median", median) < 0 ||
                   dogb_json_set_real(item, "max", values[count - 1]) < 0 ||
                   dogb_json_set_real(item, "mean", sum / (double)count) < 0
               ? DOGBREED_ERROR_NO_MEMORY
               : DOGBREED_OK;
}

static double width_of(const dogb_finding *finding) {
    return finding->width;
}

static double height_of(const dogb_finding *finding) {
    return finding->height;
}

static double aspect_of(const dogb_finding *finding) {
    return (double)finding->width / (double)finding->height;
}

static double bytes_of(const dogb_finding *finding) {
    return (double)finding->bytes;
}

// Mean of the channels, 0..1.
static double brightness_of(const dogb_finding *finding) {
    double sum = (double)finding->sums[0] + (double)finding->sums[1] + (double)finding->sums[2];
    return sum / 765.0 / finding->width / finding->height;
}

static int add_measure(json_t *parent, const dogb_check *check, const char *name,
                       double (*measure)(const dogb_finding *)) {
    dogb_arena scratch = {0};
    int64_t count = 0;
    double *values = dogb_alloc(&scratch, (size_t)check->count, sizeof *values);
    int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int64_t i = 0; rc == DOGBREED_OK && i < check->count; i++) {
        if (check->findings[i].code == DOGBREED_OK) {
            values[count++] = measure(&check->findings[i]);
        }
    }
    rc = rc < 0 ? rc : add_range(parent, name, values, count);
    dogb_arena_free(&scratch);
    return rc;
}

static int add_histogram(json_t *parent, const dogb_check *check) {
    int64_t counts[BINS] = {0};
    json_t *list = json_array();
    if (dogb_json_set(parent, "short_side", list) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < check->count; i++) {
        const dogb_finding *finding = &check->findings[i];
        int32_t side = finding->width < finding->height ? finding->width : finding->height;
        int bin = BINS - 1;
        while (bin > 0 && side < side_bounds[bin]) {
            bin--;
        }
        counts[bin] += finding->code == DOGBREED_OK;
    }
    for (int bin = 0; bin < BINS; bin++) {
        json_t *item = json_object();
        if (dogb_json_add(list, item) < 0 ||
            dogb_json_set_int(item, "from", side_bounds[bin]) < 0 ||
            dogb_json_set_int(item, "count", counts[bin]) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

int dogb_check_add_sizes(json_t *root, const dogb_check *check) {
    static const struct {
        const char *name;
        double (*measure)(const dogb_finding *);
    } measures[] = {
        {"width", width_of}, {"height", height_of}, {"aspect", aspect_of}, {"bytes", bytes_of}};
    json_t *sizes = json_object();
    int rc = dogb_json_set(root, "sizes", sizes);
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof measures / sizeof measures[0]; i++) {
        rc = add_measure(sizes, check, measures[i].name, measures[i].measure);
    }
    return rc < 0 ? rc : add_histogram(sizes, check);
}

static int set_three(json_t *parent, const char *name, const double values[3]) {
    json_t *list = json_array();
    int rc = dogb_json_set(parent, name, list);
    for (int c = 0; rc == DOGBREED_OK && c < 3; c++) {
        rc = dogb_json_add(list, dogb_json_real(values[c]));
    }
    return rc;
}

int dogb_check_add_statistics(json_t *root, const dogb_check *check) {
    static const char *const names[DOGB_SPLIT_COUNT] = {"all", "train", "valid", "test"};
    double mean[3] = {0};
    double square[3] = {0};
    double deviation[3];
    int64_t count = 0;
    json_t *item = json_object();
    int rc = dogb_json_set(root, "statistics", item);
    for (int64_t i = 0; i < check->count; i++) {
        const dogb_finding *finding = &check->findings[i];
        int32_t split = dogb_record_of(check->dataset, i)->split;
        if (finding->code < 0 || (check->basis != DOGB_SPLIT_ALL && split != check->basis)) {
            continue;
        }
        double pixels = (double)finding->width * finding->height;
        for (int c = 0; c < 3; c++) { // every picture counts the same, whatever its size
            mean[c] += (double)finding->sums[c] / pixels / 255.0;
            square[c] += (double)finding->squares[c] / pixels / (255.0 * 255.0);
        }
        count++;
    }
    for (int c = 0; c < 3; c++) {
        mean[c] = count > 0 ? mean[c] / (double)count : 0.0;
        double variance = count > 0 ? square[c] / (double)count - mean[c] * mean[c] : 0.0;
        deviation[c] = sqrt(variance > 0.0 ? variance : 0.0);
    }
    if (rc < 0 || (rc = dogb_json_set_text(item, "split", names[check->basis])) < 0 ||
        (rc = dogb_json_set_int(item, "images", count)) < 0 ||
        (rc = set_three(item, "mean", mean)) < 0 ||
        (rc = set_three(item, "deviation", deviation)) < 0) {
        return rc;
    }
    return add_measure(item, check, "brightness", brightness_of);
}
