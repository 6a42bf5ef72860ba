// matrix.c - a confusion matrix of few classes: each row's shares as shades, the counts as numbers.
#include "plot/chart.h"

#include <math.h>
#include <stdio.h>

double dogb_matrix_row(const dogb_matrix *m, size_t row) {
    double sum = 0;
    for (size_t i = 0; i < m->count; i++) {
        sum += m->values[row * m->count + i];
    }
    return sum;
}

uint32_t dogb_matrix_color(double value, double row) {
    return value > 0 ? dogb_color_shade(0.06 + 0.94 * (value / row)) : 0xfff4f5f7;
}

static void draw_cell(dogb_drawing *drawing, const dogb_matrix *m, size_t row, size_t column,
                      dogb_box cell) {
    char digits[24];
    char note[400];
    double sum = dogb_matrix_row(m, row);
    double value = m->values[row * m->count + column];
    double share = sum > 0 ? value / sum : 0;
    dogb_font font = dogb_font_at(&dogb_font_tick, 0.5);
    dogb_draw_box(drawing, dogb_matrix_color(value, sum),
                  (dogb_box){cell.x, cell.y, cell.width - 1, cell.height - 1});
    (void)snprintf(digits, sizeof digits, "%.0f", value);
    (void)snprintf(note, sizeof note, "%.150s taken for %.150s: %s", m->names[row],
                   m->names[column], digits);
    dogb_draw_note(drawing, note);
    font.color = share > 0.45 ? DOGB_COLOR_WHITE : DOGB_COLOR_TEXT;
    if (value > 0 && dogb_draw_width(drawing, &font, digits) < cell.width - 2 && cell.height > 11) {
        dogb_draw_text(drawing, &font, cell.x + (cell.width - 1) / 2,
                       cell.y + (cell.height - 1) / 2 + 4, digits);
    }
}

static double widest_name(dogb_drawing *drawing, const dogb_matrix *m, double most) {
    double widest = 0;
    for (size_t i = 0; i < m->count; i++) {
        widest = fmax(widest, dogb_draw_width(drawing, &dogb_font_tick, m->names[i]));
    }
    return fmin(widest, most);
}

void dogb_matrix_draw(dogb_drawing *drawing, const dogb_matrix *m, dogb_box box) {
    double top = dogb_frame_title(drawing, m->title, box) + 6;
    double room = widest_name(drawing, m, box.width * 0.3) + 8;
    double left = box.x + DOGB_LABEL_ROOM + room;
    double n = (double)m->count;
    double side = fmin((box.x + box.width - left) / n,
                       (box.y + box.height - top - room - DOGB_LABEL_ROOM) / n);
    side = fmin(side, 64);
    dogb_font name = dogb_font_at(&dogb_font_tick, 1);
    dogb_font label = dogb_font_at(&dogb_font_label, 0.5);
    for (size_t i = 0; i < m->count; i++) {
        double middle = ((double)i + 0.5) * side;
        for (size_t k = 0; k < m->count; k++) {
            draw_cell(drawing, m, i, k,
                      (dogb_box){left + (double)k * side, top + (double)i * side, side, side});
        }
        name.turned = 0;
        dogb_draw_text_within(drawing, &name, left - 6, top + middle + 4, m->names[i], room - 8);
        name.turned = 1;
        dogb_draw_text_within(drawing, &name, left + middle + 4, top + n * side + 6, m->names[i],
                              room - 8);
    }
    dogb_draw_text_within(drawing, &label, left + n * side / 2, top + n * side + room + 14,
                          "predicted", n * side);
    label.turned = 1;
    dogb_draw_text_within(drawing, &label, box.x + 12, top + n * side / 2, "true", n * side);
}
