// pdf_grid.c - tables on sheets of paper: columns as wide as they need, the widest ones less where
// the sheet is too narrow; cells break into lines; the head comes again on each sheet.
#include "report/paper.h"

#include "core/error.h"

#include <math.h>

enum { COLUMNS_MAX = 64, GAP = 10, LEADING = 10, PAD = 4, BAR = 34, LINES_MAX = 12 };
static const dogb_font font_cell = {.size = 7.6, .color = 0xff1b1f24};
static const dogb_font font_head = {.size = 7.4, .color = 0xff5b6470, .bold = 1};

typedef struct layout {
    const dogb_grid *grid;
    double widths[COLUMNS_MAX];
    size_t count;
} layout;

static int is_right(const dogb_column *column) {
    return column->kind == DOGB_COLUMN_NUMBER || column->kind == DOGB_COLUMN_SHARE;
}

static double more_of(const dogb_column *column) {
    return column->kind == DOGB_COLUMN_SHARE ? BAR + 5 : 0;
}

static dogb_font font_of(const dogb_column *column) {
    dogb_font font = dogb_font_at(&font_cell, is_right(column));
    font.bold = column->kind == DOGB_COLUMN_STATUS;
    return font;
}

// Width of each column so that the sum is no more than what there is: wide ones give first.
static void fit(layout *l, double room) {
    double sum = 0;
    for (size_t i = 0; i < l->count; i++) {
        sum += l->widths[i];
    }
    double low = 0, high = room;
    for (int turn = 0; sum > room && turn < 40; turn++) { // a common bound, by halves
        double bound = (low + high) / 2, used = 0;
        for (size_t i = 0; i < l->count; i++) {
            used += fmin(l->widths[i], bound);
        }
        *(used > room ? &high : &low) = bound;
    }
    for (size_t i = 0; sum > room && i < l->count; i++) {
        l->widths[i] = fmin(l->widths[i], low);
    }
}

static void measure(layout *l, dogb_paper *p, const dogb_grid *grid) {
    *l = (layout){.grid = grid, .count = grid->column_count};
    l->count = l->count < COLUMNS_MAX ? l->count : COLUMNS_MAX;
    for (size_t i = 0; i < l->count; i++) {
        l->widths[i] = dogb_draw_width(&p->drawing, &font_head, grid->columns[i].title);
        for (size_t at = i; at < grid->count; at += grid->column_count) {
            dogb_font font = font_of(&grid->columns[i]);
            double width = dogb_draw_width(&p->drawing, &font, grid->cells[at].text);
            l->widths[i] = fmax(l->widths[i], width + more_of(&grid->columns[i]));
        }
        l->widths[i] += 0.5;
    }
    fit(l, DOGB_PAPER_INNER - GAP * (double)(l->count > 0 ? l->count - 1 : 0));
}

static void add_rule(dogb_paper *p, double y, uint32_t color) {
    const double line[] = {DOGB_PAPER_MARGIN, y, DOGB_PAPER_MARGIN + DOGB_PAPER_INNER, y};
    dogb_draw_line(&p->drawing, color, 0.5, line, 2);
}

static void add_head(dogb_paper *p, const layout *l) {
    double x = DOGB_PAPER_MARGIN;
    for (size_t i = 0; i < l->count; i++) {
        const dogb_column *column = &l->grid->columns[i];
        dogb_font font = dogb_font_at(&font_head, is_right(column));
        dogb_draw_text_within(&p->drawing, &font, is_right(column) ? x + l->widths[i] : x,
                              p->y + font.size, column->title, l->widths[i]);
        x += l->widths[i] + GAP;
    }
    p->y += LEADING + PAD;
    add_rule(p, p->y - 2, 0xffb8bec6);
}

static void add_bar(dogb_paper *p, double right, double share) {
    double width = BAR * fmin(fmax(share, 0), 1);
    dogb_draw_box(&p->drawing, DOGB_PAPER_LINE, (dogb_box){right - BAR, p->y + 3, BAR, 4});
    if (width > 0) {
        dogb_draw_box(&p->drawing, 0xff0b66a5, (dogb_box){right - BAR, p->y + 3, width, 4});
    }
}

// Draws the cell, or counts its lines.
static size_t add_cell(dogb_paper *p, const layout *l, const dogb_cell *cell, size_t column,
                       double x, int32_t draw) {
    const dogb_column *c = &l->grid->columns[column];
    dogb_font font = font_of(c);
    double width = l->widths[column];
    double text_width = width - more_of(c);
    font.color = dogb_paper_colors[cell->tone];
    if (is_right(c)) {
        if (draw) {
            dogb_draw_text_within(&p->drawing, &font, x + text_width, p->y + font.size + 1,
                                  cell->text, text_width + 1);
        }
        if (draw && c->kind == DOGB_COLUMN_SHARE && isfinite(cell->value)) {
            add_bar(p, x + width, cell->value);
        }
        return 1;
    }
    const dogb_wrap wrap = {.width = width, .leading = LEADING, .most = LINES_MAX, .draw = draw};
    return dogb_draw_paragraph(&p->drawing, &font, x, p->y + font.size + 1, cell->text, wrap);
}

static void add_row(dogb_paper *p, const layout *l, const dogb_cell *cells) {
    size_t lines = 1;
    for (size_t i = 0; i < l->count; i++) {
        size_t own = add_cell(p, l, &cells[i], i, 0, 0);
        lines = own > lines ? own : lines;
    }
    double height = LEADING * (double)lines + PAD;
    if (p->y + height > DOGB_PAPER_BOTTOM) {
        dogb_paper_turn(p);
        add_head(p, l);
    }
    double x = DOGB_PAPER_MARGIN;
    for (size_t i = 0; i < l->count; i++) {
        (void)add_cell(p, l, &cells[i], i, x, 1);
        x += l->widths[i] + GAP;
    }
    p->y += height;
    add_rule(p, p->y - 1.5, DOGB_PAPER_LINE);
}

void dogb_paper_grid(dogb_paper *p, const dogb_grid *grid) {
    layout l;
    measure(&l, p, grid);
    if (l.count == 0 || grid->count < grid->column_count) {
        return;
    }
    dogb_paper_need(p, 4 * (LEADING + PAD));
    add_head(p, &l);
    for (size_t at = 0; p->drawing.rc == DOGBREED_OK && p->rc == DOGBREED_OK &&
                        at + grid->column_count <= grid->count;
         at += grid->column_count) {
        add_row(p, &l, &grid->cells[at]);
    }
    p->y += 8;
}
