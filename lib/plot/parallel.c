// parallel.c - parallel coordinates: an upright axis for each parameter, a line for each trial.
#include "plot/chart.h"

#include "core/error.h"

#include <math.h>

enum { APART = 46, KEY_WIDTH = 160, KEY_STEPS = 40 };

// The colours and what their ends mean; to the left of x.
static void draw_key(dogb_drawing *drawing, const dogb_parallel *p, double x, double y) {
    dogb_font end = dogb_font_at(&dogb_font_tick, 1);
    double right = x - dogb_draw_width(drawing, &dogb_font_tick, p->best) - 6;
    double left = right - KEY_WIDTH;
    double step = (double)KEY_WIDTH / KEY_STEPS;
    for (int i = 0; i < KEY_STEPS; i++) {
        dogb_draw_box(drawing, dogb_color_shade((i + 0.5) / KEY_STEPS),
                      (dogb_box){left + i * step, y, step + (i < KEY_STEPS - 1 ? 0.5 : 0), 10});
    }
    dogb_draw_text(drawing, &dogb_font_tick, right + 6, y + 9, p->best);
    dogb_draw_text(drawing, &end, left - 6, y + 9, p->worst);
    double rest = dogb_draw_width(drawing, &dogb_font_tick, p->worst) + 12;
    dogb_draw_text(drawing, &end, left - 6 - rest, y + 9, p->label);
}

static double x_of(const dogb_parallel *p, dogb_box plot, size_t axis) {
    return p->scale_count < 2 ? plot.x + plot.width / 2
                              : plot.x + plot.width * (double)axis / (double)(p->scale_count - 1);
}

static double y_of(const dogb_scale *scale, dogb_box plot, double value) {
    double place = dogb_scale_place(scale, value);
    place = isnan(place) ? place : fmin(fmax(place, 0), 1);
    return plot.y + plot.height * (1 - place);
}

// A line's pieces between gaps; a piece of one point is a short dash.
static void draw_one(dogb_drawing *drawing, const dogb_parallel *p, dogb_box plot, size_t line,
                     double *points) {
    uint32_t color = dogb_color_shade(p->shades[line]);
    size_t count = 0;
    for (size_t axis = 0; axis <= p->scale_count; axis++) {
        double y = (double)NAN;
        if (axis < p->scale_count) {
            y = y_of(&p->scales[axis], plot, p->values[line * p->scale_count + axis]);
        }
        if (isfinite(y)) {
            points[2 * count] = x_of(p, plot, axis);
            points[2 * count + 1] = y;
            count++;
            continue;
        }
        if (count == 1) {
            points[2] = points[0] + 6;
            points[3] = points[1];
            points[0] -= 6;
            count = 2;
        }
        size_t before = drawing->count;
        dogb_draw_line(drawing, DOGB_COLOR_ALPHA(color, 200), 1.4, points, count);
        if (drawing->count > before && p->notes != NULL) {
            dogb_draw_note(drawing, p->notes[line]);
        }
        count = 0;
    }
}

static void draw_axis(dogb_drawing *drawing, const dogb_scale *scale, dogb_box plot, double x,
                      double room) {
    dogb_ticks ticks;
    dogb_font label = dogb_font_at(&dogb_font_label, 0.5);
    dogb_font font = dogb_font_tick;
    const double axis[] = {x, plot.y, x, plot.y + plot.height};
    font.color = DOGB_COLOR_TEXT;
    dogb_draw_line(drawing, DOGB_COLOR_FAINT, 1.2, axis, 2);
    dogb_scale_ticks(&ticks, scale, (int32_t)fmax(2, plot.height / APART));
    for (int32_t i = 0; i < ticks.count; i++) {
        const char *text = dogb_scale_text(scale, &ticks.tick[i]);
        double y = y_of(scale, plot, ticks.tick[i].value);
        double width = fmin(dogb_draw_width(drawing, &font, text), room - 24);
        const double tick[] = {x, y, x + 4, y};
        dogb_draw_line(drawing, DOGB_COLOR_FAINT, 1.2, tick, 2);
        dogb_draw_box(drawing, DOGB_COLOR_ALPHA(DOGB_COLOR_WHITE, 200),
                      (dogb_box){x + 5, y - 7, width + 4, 14});
        dogb_draw_text_within(drawing, &font, x + 7, y + 4, text, room - 24);
    }
    dogb_draw_text_within(drawing, &label, x, plot.y - 12, scale->label, room - 10);
}

void dogb_parallel_draw(dogb_drawing *drawing, const dogb_parallel *p, dogb_box box) {
    enum { SIDE = 60 };
    double top = dogb_frame_title(drawing, p->title, box);
    dogb_box plot = {box.x + SIDE, top + 44, box.width - 2 * SIDE,
                     box.y + box.height - top - 44 - 12};
    double room = p->scale_count < 2 ? box.width
                                     : fmin(plot.width / (double)(p->scale_count - 1), 2.4 * SIDE);
    double *points = dogb_alloc(drawing->arena, 2 * p->scale_count + 4, sizeof *points);
    if (points == NULL) {
        drawing->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    if (p->line_count == 0) {
        dogb_frame_empty(drawing, p->empty, plot);
        return;
    }
    draw_key(drawing, p, box.x + box.width, box.y + 3);
    for (size_t i = 0; drawing->rc == DOGBREED_OK && i < p->line_count; i++) {
        draw_one(drawing, p, plot, i, points);
    }
    for (size_t i = 0; i < p->scale_count; i++) {
        draw_axis(drawing, &p->scales[i], plot, x_of(p, plot, i), room);
    }
}
