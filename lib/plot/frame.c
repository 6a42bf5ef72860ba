// frame.c - what all charts have in common: title, axes with grid, ticks and labels.
#include "plot/chart.h"

#include <math.h>

const dogb_font dogb_font_title = {.size = 14, .color = DOGB_COLOR_TEXT, .bold = 1};
const dogb_font dogb_font_label = {.size = 12, .color = DOGB_COLOR_TEXT};
const dogb_font dogb_font_tick = {.size = 11, .color = DOGB_COLOR_FAINT};
static const dogb_font font_empty = {.size = 13, .anchor = 0.5, .color = DOGB_COLOR_FAINT};

enum { X_APART = 70, Y_APART = 42, TICK_WIDTH_MAX = 130, GAP = 6 };

dogb_font dogb_font_at(const dogb_font *font, double anchor) {
    dogb_font out = *font;
    out.anchor = anchor;
    return out;
}

double dogb_frame_title(dogb_drawing *drawing, const char *title, dogb_box box) {
    dogb_draw_text_within(drawing, &dogb_font_title, box.x, box.y + 14, title, box.width);
    return box.y + 24;
}

void dogb_frame_empty(dogb_drawing *drawing, const char *text, dogb_box plot) {
    dogb_draw_text_within(drawing, &font_empty, plot.x + plot.width / 2, plot.y + plot.height / 2,
                          text, plot.width);
}

static void line(dogb_drawing *drawing, uint32_t color, double x1, double y1, double x2,
                 double y2) {
    const double points[] = {x1, y1, x2, y2};
    dogb_draw_line(drawing, color, 1, points, 2);
}

// Ticks about so many pixels apart.
static void ticks_of(dogb_ticks *out, const dogb_scale *scale, double length, int apart) {
    dogb_scale_ticks(out, scale, (int32_t)fmax(2, length / apart));
}

static double text_width(dogb_drawing *drawing, const char *text, double most) {
    return fmin(dogb_draw_width(drawing, &dogb_font_tick, text), most);
}

// Texts that would touch the one before are left out.
void dogb_frame_x(dogb_drawing *drawing, const dogb_scale *scale, dogb_box plot) {
    dogb_ticks ticks;
    dogb_font font = dogb_font_at(&dogb_font_tick, 0.5);
    double bottom = plot.y + plot.height;
    double free_from = -INFINITY;
    ticks_of(&ticks, scale, plot.width, X_APART);
    double slot = scale->names == NULL ? plot.width : fmax(plot.width / ticks.count - GAP, 40);
    for (int32_t i = 0; i < ticks.count; i++) {
        double x = plot.x + plot.width * dogb_scale_place(scale, ticks.tick[i].value);
        const char *text = dogb_scale_text(scale, &ticks.tick[i]);
        double half = text_width(drawing, text, slot) / 2;
        if (scale->names == NULL) {
            line(drawing, DOGB_COLOR_GRID, x, plot.y, x, bottom);
        }
        line(drawing, DOGB_COLOR_FAINT, x, bottom, x, bottom + 4);
        if (x - half >= free_from) {
            dogb_draw_text_within(drawing, &font, x, bottom + 17, text, slot);
            free_from = x + half + GAP - 1;
        }
    }
    line(drawing, DOGB_COLOR_FAINT, plot.x, bottom, plot.x + plot.width, bottom);
    font = dogb_font_at(&dogb_font_label, 0.5);
    dogb_draw_text_within(drawing, &font, plot.x + plot.width / 2, bottom + DOGB_TICK_ROOM + 13,
                          scale->label, plot.width);
}

double dogb_frame_tick_width(dogb_drawing *drawing, const dogb_scale *scale, double height) {
    dogb_ticks ticks;
    double widest = 0;
    ticks_of(&ticks, scale, height, Y_APART);
    for (int32_t i = 0; i < ticks.count; i++) {
        const char *text = dogb_scale_text(scale, &ticks.tick[i]);
        widest = fmax(widest, text_width(drawing, text, TICK_WIDTH_MAX));
    }
    return widest;
}

void dogb_frame_y(dogb_drawing *drawing, const dogb_scale *scale, dogb_box plot, double left) {
    dogb_ticks ticks;
    dogb_font font = dogb_font_at(&dogb_font_tick, 1);
    ticks_of(&ticks, scale, plot.height, Y_APART);
    for (int32_t i = 0; i < ticks.count; i++) {
        double y = plot.y + plot.height * (1 - dogb_scale_place(scale, ticks.tick[i].value));
        if (scale->names == NULL) {
            line(drawing, DOGB_COLOR_GRID, plot.x, y, plot.x + plot.width, y);
        }
        dogb_draw_text_within(drawing, &font, plot.x - GAP, y + 4,
                              dogb_scale_text(scale, &ticks.tick[i]), TICK_WIDTH_MAX);
    }
    line(drawing, DOGB_COLOR_FAINT, plot.x, plot.y, plot.x, plot.y + plot.height);
    font = dogb_font_at(&dogb_font_label, 0.5);
    font.turned = 1;
    dogb_draw_text_within(drawing, &font, left + 12, plot.y + plot.height / 2, scale->label,
                          plot.height);
}
