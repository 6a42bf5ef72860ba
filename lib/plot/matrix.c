// matrix.c - a confusion matrix: each row's shares as shades; of few classes the counts as numbers
// and the names, of many what is not 0.
#include "plot/chart.h"

#include <math.h>
#include <stdio.h>

enum { PALE = 0xf4f5f7, SIDE_NAMED = 10, SIDE_MOST = 64 };

double dogb_matrix_row(const dogb_matrix *m, size_t row) {
    double sum = 0;
    for (size_t i = 0; i < m->count; i++) {
        sum += m->values[row * m->count + i];
    }
    return sum;
}

uint32_t dogb_matrix_color(double value, double row) {
    return value > 0 ? dogb_color_shade(0.06 + 0.94 * (value / row)) : (0xff000000u | PALE);
}

typedef struct place {
    double left;
    double top;
    double side;
    double sum; // of the row
} place;

static void draw_cell(dogb_drawing *drawing, const dogb_matrix *m, const place *at, size_t row,
                      size_t column) {
    char digits[24];
    char note[400];
    double value = m->values[row * m->count + column];
    double share = at->sum > 0 ? value / at->sum : 0;
    double gap = at->side < SIDE_NAMED ? 0 : 1;
    dogb_box cell = {at->left + (double)column * at->side, at->top + (double)row * at->side,
                     at->side - gap, at->side - gap};
    dogb_font font = dogb_font_at(&dogb_font_tick, 0.5);
    dogb_draw_box(drawing, dogb_matrix_color(value, at->sum), cell);
    (void)snprintf(digits, sizeof digits, "%.0f", value);
    if (gap > 0 || row != column) {
        (void)snprintf(note, sizeof note, "%.150s taken for %.150s: %s", m->names[row],
                       m->names[column], digits);
        dogb_draw_note(drawing, note);
    }
    font.color = share > 0.45 ? DOGB_COLOR_WHITE : DOGB_COLOR_TEXT;
    if (value > 0 && cell.height > 10 && dogb_draw_width(drawing, &font, digits) < cell.width - 1) {
        dogb_draw_text(drawing, &font, cell.x + cell.width / 2, cell.y + cell.height / 2 + 4,
                       digits);
    }
}

static void draw_cells(dogb_drawing *drawing, const dogb_matrix *m, place at) {
    int small = at.side < SIDE_NAMED;
    if (small) {
        dogb_draw_box(
            drawing, 0xff000000u | PALE,
            (dogb_box){at.left, at.top, (double)m->count * at.side, (double)m->count * at.side});
    }
    for (size_t row = 0; row < m->count; row++) {
        at.sum = dogb_matrix_row(m, row);
        for (size_t column = 0; column < m->count; column++) {
            if (!small || m->values[row * m->count + column] > 0) {
                draw_cell(drawing, m, &at, row, column);
            }
        }
    }
    for (size_t i = 0; i < m->frame_count; i++) {
        double from = (double)m->frames[i].first * at.side;
        double to = from + (double)m->frames[i].count * at.side - (small ? 0 : 1);
        double points[] = {at.left + from, at.top + from, at.left + to,   at.top + from,
                           at.left + to,   at.top + to,   at.left + from, at.top + to,
                           at.left + from, at.top + from};
        dogb_draw_line(drawing, DOGB_COLOR_RED, 1.5, points, 5);
    }
}

static double widest_name(dogb_drawing *drawing, const dogb_matrix *m, double most) {
    double widest = 0;
    for (size_t i = 0; i < m->count; i++) {
        widest = fmax(widest, dogb_draw_width(drawing, &dogb_font_tick, m->names[i]));
    }
    return fmin(widest, most);
}

static double side_of(const dogb_matrix *m, dogb_box box, double room) {
    double wide = box.width - DOGB_LABEL_ROOM - room;
    double high = box.height - room - DOGB_LABEL_ROOM;
    return fmin(fmin(wide, high) / (double)m->count, SIDE_MOST);
}

static void draw_names(dogb_drawing *drawing, const dogb_matrix *m, const place *at, double room) {
    dogb_font name = dogb_font_at(&dogb_font_tick, 1);
    double bottom = at->top + (double)m->count * at->side;
    for (size_t i = 0; i < m->count; i++) {
        double middle = ((double)i + 0.5) * at->side + 4;
        name.turned = 0;
        dogb_draw_text_within(drawing, &name, at->left - 6, at->top + middle, m->names[i],
                              room - 8);
        name.turned = 1;
        dogb_draw_text_within(drawing, &name, at->left + middle, bottom + 6, m->names[i], room - 8);
    }
}

void dogb_matrix_draw(dogb_drawing *drawing, const dogb_matrix *m, dogb_box box) {
    double top = dogb_frame_title(drawing, m->title, box) + 6;
    dogb_box below = {box.x, top, box.width, box.y + box.height - top};
    double room = widest_name(drawing, m, box.width * 0.3) + 8;
    int named = side_of(m, below, room) >= SIDE_NAMED;
    room = named ? room : 4;
    place at = {box.x + DOGB_LABEL_ROOM + room, top, side_of(m, below, room), 0};
    double size = (double)m->count * at.side;
    dogb_font label = dogb_font_at(&dogb_font_label, 0.5);
    draw_cells(drawing, m, at);
    if (named) {
        draw_names(drawing, m, &at, room);
    }
    dogb_draw_text_within(drawing, &label, at.left + size / 2, top + size + room + 14, "predicted",
                          size);
    label.turned = 1;
    dogb_draw_text_within(drawing, &label, box.x + 12, top + size / 2, "true", size);
}
