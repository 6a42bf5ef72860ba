// time_series.c - processor, memory and GPU over the time of the run.
#include "report/time_parts.h"

#include "core/error.h"

#include <math.h>

enum { HEIGHT = 280, SERIES = 5, POINTS_MAX = 5000 };

static const struct {
    const char *key;
    const char *name;
    uint32_t color;
} shares[] = {{"cpu", "processor", DOGB_COLOR_BLUE},
              {"iowait", "waiting for disks", DOGB_COLOR_ORANGE},
              {"gpu", "GPU", DOGB_COLOR_GREEN},
              {"memory", "memory", DOGB_COLOR_RED},
              {"wait", "waiting for the loader", 0xff8c8c8c}};

// 0: nothing but gaps.
static size_t read(double **out, dogb_report *r, const json_t *values) {
    size_t count = json_array_size(values), i = 0, known = 0;
    const json_t *value = NULL;
    count = count < POINTS_MAX ? count : POINTS_MAX;
    *out = dogb_alloc(r->arena, count + 1, sizeof **out);
    if (*out == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return 0;
    }
    json_array_foreach(values, i, value) {
        if (i == count) {
            break;
        }
        (*out)[i] = dogb_number_of(value);
        known += isfinite((*out)[i]) != 0;
    }
    return known > 0 ? count : 0;
}

static double highest(const double *values, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        most = isfinite(values[i]) ? fmax(most, values[i]) : most;
    }
    return most;
}

void dogb_time_series(dogb_report *r, const json_t *object) {
    dogb_series series[SERIES];
    double *time = NULL;
    size_t points = read(&time, r, dogb_get_array(object, "time"));
    size_t count = 0;
    double most = 0;
    for (size_t i = 0; points > 1 && i < SERIES; i++) {
        double *values = NULL;
        size_t size = read(&values, r, dogb_get_array(object, shares[i].key));
        if (size > 0 && highest(values, size) <= 100.5) { // shares in percent
            series[count++] = (dogb_series){.name = shares[i].name,
                                            .kind = DOGB_SERIES_LINE,
                                            .color = shares[i].color,
                                            .x = time,
                                            .y = values,
                                            .count = size < points ? size : points};
            most = fmax(most, highest(values, size));
        }
    }
    if (count == 0 || r->page->rc < 0) {
        return;
    }
    dogb_chart chart = {.title = "The machine over time",
                        .empty = "no sample",
                        .x = dogb_scale_numbers("seconds", 0, time[points - 1], 0, 0),
                        .y = {.label = "used (%)", .high = 100},
                        .series = series,
                        .series_count = count};
    dogb_page_figure(r->page, "", DOGB_FIGURE_FULL, HEIGHT, dogb_page_draw_chart, &chart);
}
