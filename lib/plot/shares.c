// shares.c - parts of one whole: one bar of pieces, and a legend of them with their numbers.
#include "plot/chart.h"

#include <math.h>

enum { BAR = 22, ROW = 20, GAP = 12 };

// Neighbours differ in any colour vision and in grey.
static const uint32_t colors[] = {DOGB_COLOR_BLUE,  DOGB_COLOR_ORANGE, 0xff56b4e9, DOGB_COLOR_RED,
                                  DOGB_COLOR_GREEN, 0xffcc79a7,        0xff8c8c8c, 0xff004c77,
                                  0xffb37b00,       0xff3f3f3f};

double dogb_shares_height(size_t count) {
    return 24 + 6 + BAR + GAP + ROW * (double)count + 16;
}

void dogb_shares_draw(dogb_drawing *drawing, const dogb_shares *shares, dogb_box box) {
    enum { COLORS = sizeof colors / sizeof colors[0] };
    double y = dogb_frame_title(drawing, shares->title, box) + 6;
    double sum = 0;
    for (size_t i = 0; i < shares->count; i++) {
        sum += fmax(shares->values[i], 0);
    }
    if (!(sum > 0)) {
        dogb_frame_empty(drawing, shares->empty, (dogb_box){box.x, y, box.width, BAR});
        return;
    }
    double x = box.x;
    for (size_t i = 0; i < shares->count; i++) {
        double width = box.width * fmax(shares->values[i], 0) / sum;
        dogb_draw_box(drawing, colors[i % COLORS], (dogb_box){x, y, fmax(width - 1, 0), BAR});
        x += width;
    }
    y += BAR + GAP;
    dogb_font right = dogb_font_at(&dogb_font_label, 1);
    for (size_t i = 0; i < shares->count; i++, y += ROW) {
        double room = dogb_draw_width(drawing, &dogb_font_label, shares->texts[i]) + GAP;
        dogb_draw_box(drawing, colors[i % COLORS], (dogb_box){box.x, y + 2, 11, 11});
        dogb_draw_text_within(drawing, &dogb_font_label, box.x + 18, y + 12, shares->names[i],
                              box.width - 18 - room);
        dogb_draw_text(drawing, &right, box.x + box.width, y + 12, shares->texts[i]);
    }
}
