// histogram.c - upright bars between edges, with lines above them.
#include "plot/chart.h"

#include <math.h>
#include <string.h>

static double highest(const dogb_histogram_chart *h) {
    double most = h->high;
    for (size_t i = 0; h->high <= 0 && i < h->count; i++) {
        most = fmax(most, isfinite(h->values[i]) ? h->values[i] : 0);
    }
    return most > 0 ? most : 1;
}

static int has_bars(const dogb_histogram_chart *h) {
    for (size_t i = 0; i < h->count; i++) {
        if (isfinite(h->values[i]) && h->values[i] > 0) {
            return 1;
        }
    }
    return 0;
}

static void draw_bars(dogb_drawing *drawing, const dogb_histogram_chart *h, const dogb_scale *y,
                      dogb_box plot) {
    for (size_t i = 0; i < h->count; i++) {
        double left = plot.x + plot.width * dogb_scale_place(&h->x, h->edges[i]);
        double right = plot.x + plot.width * dogb_scale_place(&h->x, h->edges[i + 1]);
        double place = dogb_scale_place(y, h->values[i]);
        if (!isfinite(place) || place <= 0 || !isfinite(left) || !isfinite(right)) {
            continue;
        }
        double height = fmax(plot.height * fmin(place, 1), 1);
        double gap = fmin(fmin(0.07 * (right - left), 6), right - left > 2 ? 6 : 0);
        double width = right - left - 2 * gap;
        dogb_draw_box(drawing, h->color,
                      (dogb_box){left + (right - left - width) / 2, plot.y + plot.height - height,
                                 width, height});
        if (h->notes != NULL && h->notes[i] != NULL) {
            dogb_draw_note(drawing, h->notes[i]);
        }
    }
}

void dogb_histogram_draw(dogb_drawing *drawing, const dogb_histogram_chart *h, dogb_box box) {
    double top = h->title == NULL ? box.y : dogb_frame_title(drawing, h->title, box);
    top = dogb_chart_legend(drawing, h->series, h->series_count, box, top) + 6;
    double height = box.y + box.height - top - DOGB_TICK_ROOM - DOGB_LABEL_ROOM;
    dogb_scale y = {.label = h->label, .high = highest(h), .integers = h->integers};
    double left = DOGB_LABEL_ROOM + dogb_frame_tick_width(drawing, &y, height) + 8;
    dogb_box plot = {box.x + left, top, box.width - left - 16, height};
    if (!has_bars(h)) {
        dogb_frame_empty(drawing, h->empty, plot);
        return;
    }
    dogb_frame_x(drawing, &h->x, plot);
    dogb_frame_y(drawing, &y, plot, box.x);
    draw_bars(drawing, h, &y, plot);
    for (size_t i = 0; i < h->series_count; i++) {
        dogb_chart_series(drawing, &h->series[i], &h->x, &y, plot);
    }
}
