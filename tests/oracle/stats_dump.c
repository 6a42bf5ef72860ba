// stats_dump.c - statistics of the float32 values of a file, as JSON: stats_dump FILE
#include "core/json.h"
#include "core/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
    static const double places[] = {0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0};
    dogb_arena arena = {0};
    dogbreed_tensor_stats stats = {0};
    struct stat info;
    FILE *file = argc == 2 && stat(argv[1], &info) == 0 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        return 2;
    }
    size_t count = (size_t)info.st_size / sizeof(float);
    float *values = dogb_alloc_raw(&arena, count + 1, sizeof *values);
    if (values == NULL || fread(values, sizeof *values, count, file) != count ||
        fclose(file) != 0) {
        return 2;
    }
    dogb_stats(&stats, values, count);
    json_t *object = dogb_json_object(&arena);
    json_t *quantiles = json_array();
    const struct {
        const char *name;
        double value;
    } all[] = {
        {"min", stats.minimum},
        {"max", stats.maximum},
        {"mean", stats.mean},
        {"std", stats.deviation},
        {"variance", dogb_stats_variance(&stats)},
        {"sum", dogb_stats_sum(&stats, count)},
        {"l1", dogb_stats_l1(&stats, count)},
        {"l2", stats.norm},
        {"zeros", stats.zero_share},
        {"abs_min", stats.absolute_minimum},
        {"abs_max", dogb_stats_absolute_maximum(&stats)},
        {"abs_mean", stats.absolute_mean},
        {"abs_variance", dogb_stats_absolute_variance(&stats)},
        {"nan", (double)stats.nan_count},
        {"inf", (double)stats.infinity_count},
    };
    double found[sizeof places / sizeof places[0]];
    dogb_stats_quantiles(found, values, count, places, sizeof places / sizeof places[0]);
    int rc = object == NULL ? -1 : dogb_json_set(object, "quantiles", quantiles);
    for (size_t i = 0; rc == 0 && i < sizeof all / sizeof all[0]; i++) {
        rc = dogb_json_set_real(object, all[i].name, all[i].value);
    }
    for (size_t i = 0; rc == 0 && i < sizeof places / sizeof places[0]; i++) {
        rc = dogb_json_add(quantiles, dogb_json_real(found[i]));
    }
    char *text = rc == 0 ? dogb_json_text_in(&arena, object, 0) : NULL;
    int failed = text == NULL || puts(text) < 0;
    dogb_arena_free(&arena);
    return failed ? 2 : 0;
}
