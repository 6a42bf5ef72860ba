// bars.c - a bar for each name, from the left.
#include "plot/chart.h"

#include <math.h>

void dogb_bars_draw(dogb_drawing *drawing, const dogb_bars *bars, dogb_box box) {
    enum { GAP = 8, TEXT_ROOM = 64 };
    double top = dogb_frame_title(drawing, bars->title, box) + 6;
    double most = 0, left = 0;
    for (size_t i = 0; i < bars->count; i++) {
        most = fmax(most, bars->values[i]);
        left = fmax(left, dogb_draw_width(drawing, &dogb_font_label, bars->names[i]));
    }
    left = fmin(left, box.width * 0.4) + GAP;
    dogb_box plot = {box.x + left, top, box.width - left - TEXT_ROOM,
                     box.y + box.height - top - DOGB_TICK_ROOM - DOGB_LABEL_ROOM};
    if (bars->count == 0) {
        dogb_frame_empty(drawing, bars->empty, plot);
        return;
    }
    dogb_scale scale = {.label = bars->label, .high = most > 0 ? most : 1};
    dogb_frame_x(drawing, &scale, plot);
    double slot = plot.height / (double)bars->count;
    dogb_font name = dogb_font_at(&dogb_font_label, 1);
    for (size_t i = 0; i < bars->count; i++) {
        double middle = plot.y + slot * ((double)i + 0.5);
        double length = plot.width * dogb_scale_place(&scale, bars->values[i]);
        dogb_box bar = {plot.x, middle - 0.34 * slot, fmax(length, 1), 0.68 * slot};
        dogb_draw_box(drawing, DOGB_COLOR_BLUE, bar);
        dogb_draw_text_within(drawing, &name, plot.x - GAP, middle + 4, bars->names[i], left - GAP);
        dogb_draw_text(drawing, &dogb_font_label, plot.x + length + GAP, middle + 4,
                       bars->texts[i]);
    }
    const double axis[] = {plot.x, plot.y, plot.x, plot.y + plot.height};
    dogb_draw_line(drawing, DOGB_COLOR_FAINT, 1, axis, 2);
}
