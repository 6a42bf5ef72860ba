// page.c - see page.h.
#include "report/page.h"

#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static dogb_block *add(dogb_page *page, int32_t kind) {
    if (page->rc == DOGBREED_OK) {
        page->rc = dogb_grow(page->arena, &page->blocks, &page->capacity, page->count,
                             sizeof *page->blocks);
    }
    if (page->rc < 0) {
        return &page->spare;
    }
    dogb_block *block = &page->blocks[page->count++];
    *block = (dogb_block){.kind = kind, .id = "", .text = ""};
    return block;
}

static const char *keep(dogb_page *page, const char *text) {
    const char *copy = dogb_strdup(page->arena, text);
    if (copy == NULL) {
        page->rc = DOGBREED_ERROR_NO_MEMORY;
        return "";
    }
    return copy;
}

static const char *format_list(dogb_page *page, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = length < 0 ? NULL : dogb_alloc(page->arena, (size_t)length + 1, 1);
    if (text == NULL) {
        page->rc = DOGBREED_ERROR_NO_MEMORY;
        return "";
    }
    (void)vsnprintf(text, (size_t)length + 1, format, list);
    return text;
}

const char *dogb_page_format(dogb_page *page, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const char *text = format_list(page, format, list);
    va_end(list);
    return text;
}

// --- blocks

void dogb_page_section(dogb_page *page, const char *id, const char *title) {
    dogb_block *block = add(page, DOGB_BLOCK_SECTION);
    block->id = id;
    block->text = title;
}

void dogb_page_heading(dogb_page *page, const char *text) {
    add(page, DOGB_BLOCK_HEADING)->text = keep(page, text);
}

void dogb_page_text(dogb_page *page, int32_t tone, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const char *text = format_list(page, format, list);
    va_end(list);
    dogb_block *block = add(page, DOGB_BLOCK_TEXT);
    block->text = text;
    block->tone = tone;
}

void dogb_page_code(dogb_page *page, const char *text) {
    add(page, DOGB_BLOCK_CODE)->text = keep(page, text);
}

void dogb_page_facts(dogb_page *page, const dogb_fact *facts, size_t count) {
    dogb_fact *copy = dogb_alloc(page->arena, count, sizeof *copy);
    if (copy == NULL) {
        page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    memcpy(copy, facts, count * sizeof *copy);
    dogb_block *block = add(page, DOGB_BLOCK_FACTS);
    block->of.facts.items = copy;
    block->of.facts.count = count;
}

void dogb_page_gallery(dogb_page *page, const dogb_thumb *thumbs, size_t count) {
    dogb_block *block = add(page, DOGB_BLOCK_GALLERY);
    block->of.gallery = (dogb_gallery){thumbs, count};
}

// --- tables

dogb_grid *dogb_page_grid(dogb_page *page, const dogb_column *columns, size_t count) {
    dogb_grid *grid = dogb_alloc(page->arena, 1, sizeof *grid);
    if (grid == NULL) {
        page->rc = DOGBREED_ERROR_NO_MEMORY;
        page->spare_grid = (dogb_grid){.page = page};
        return &page->spare_grid;
    }
    *grid = (dogb_grid){.page = page, .columns = columns, .column_count = count};
    dogb_block *block = add(page, DOGB_BLOCK_GRID);
    block->of.grid = grid;
    return grid;
}

static void add_cell(dogb_grid *grid, const char *text, double value, int32_t tone) {
    dogb_page *page = grid->page;
    if (page->rc == DOGBREED_OK) {
        page->rc =
            dogb_grow(page->arena, &grid->cells, &grid->capacity, grid->count, sizeof *grid->cells);
    }
    if (page->rc == DOGBREED_OK) {
        grid->cells[grid->count++] =
            (dogb_cell){.text = keep(page, text), .value = value, .tone = tone};
    }
}

void dogb_grid_text(dogb_grid *grid, const char *text) {
    add_cell(grid, text == NULL ? "" : text, (double)NAN, DOGB_TONE_PLAIN);
}

void dogb_grid_tone(dogb_grid *grid, int32_t tone, const char *text) {
    add_cell(grid, text, (double)NAN, tone);
}

void dogb_grid_number(dogb_grid *grid, double value, const char *text) {
    add_cell(grid, isfinite(value) ? text : "\xe2\x80\x93", value, DOGB_TONE_PLAIN);
}

void dogb_grid_fixed(dogb_grid *grid, double value, double factor, int decimals) {
    dogb_grid_number(grid, value, dogb_page_fixed(grid->page, value * factor, decimals));
}

// --- figures

static const dogb_drawing *draw_one(dogb_page *page, double width, double height,
                                    const char *caption, dogb_draw_fn draw, const void *data) {
    enum { MARGIN = 8 };
    dogb_drawing *drawing = dogb_alloc(page->arena, 1, sizeof *drawing);
    if (drawing == NULL) {
        page->rc = DOGBREED_ERROR_NO_MEMORY;
        return NULL;
    }
    int rc = dogb_drawing_open(drawing, page->arena, width, height, caption);
    if (rc == DOGBREED_OK) {
        draw(drawing, (dogb_box){MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN}, data);
        rc = drawing->rc;
    }
    page->rc = rc < 0 ? rc : page->rc;
    return drawing;
}

static void add_figure(dogb_page *page, dogb_figure figure) {
    figure.caption = keep(page, figure.caption);
    add(page, DOGB_BLOCK_FIGURE)->of.figure = figure;
}

void dogb_page_figure(dogb_page *page, const char *caption, double width, double height,
                      dogb_draw_fn draw, const void *data) {
    if (page->no_pictures || page->rc < 0) {
        return;
    }
    dogb_figure figure = {.caption = caption, .half = width < DOGB_FIGURE_FULL};
    figure.wide = draw_one(page, width, height, caption, draw, data);
    figure.narrow = draw_one(page, DOGB_FIGURE_NARROW, fmin(height, 300), caption, draw, data);
    add_figure(page, figure);
}

void dogb_page_drawing(dogb_page *page, const char *caption, const dogb_drawing *wide,
                       const dogb_drawing *narrow) {
    if (page->rc == DOGBREED_OK) {
        add_figure(page, (dogb_figure){.caption = caption, .wide = wide, .narrow = narrow});
    }
}

int dogb_page_is_half(const dogb_page *page, size_t index) {
    return index < page->count && page->blocks[index].kind == DOGB_BLOCK_FIGURE &&
           page->blocks[index].of.figure.half;
}

void dogb_page_draw_chart(dogb_drawing *drawing, dogb_box box, const void *data) {
    dogb_chart_draw(drawing, data, box);
}

void dogb_page_draw_histogram(dogb_drawing *drawing, dogb_box box, const void *data) {
    dogb_histogram_draw(drawing, data, box);
}

// --- numbers

// With '.', whatever locale the program has set.
const char *dogb_page_fixed(dogb_page *page, double value, int decimals) {
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    char digits[40];
    if (!isfinite(value)) {
        return "\xe2\x80\x93";
    }
    if (fabs(value) >= 1e12) {
        dogb_number_text(digits, value);
        return keep(page, digits);
    }
    int64_t all = llround(fabs(value) * (double)powers[decimals]);
    const char *sign = value < 0 && all != 0 ? "-" : "";
    long long whole = (long long)(all / powers[decimals]);
    return decimals == 0 ? dogb_page_format(page, "%s%lld", sign, whole)
                         : dogb_page_format(page, "%s%lld.%0*lld", sign, whole, decimals,
                                            (long long)(all % powers[decimals]));
}

const char *dogb_page_percent(dogb_page *page, double share, int decimals) {
    return isfinite(share) ? dogb_page_format(page, "%s\xc2\xa0%%",
                                              dogb_page_fixed(page, 100 * share, decimals))
                           : "\xe2\x80\x93";
}

const char *dogb_page_seconds(dogb_page *page, double seconds) {
    if (!isfinite(seconds) || seconds < 0) {
        return "\xe2\x80\x93";
    }
    if (seconds < 1) {
        int micro = seconds < 1e-3;
        return dogb_page_format(page, "%s %s",
                                dogb_page_fixed(page, seconds * (micro ? 1e6 : 1e3), micro ? 0 : 1),
                                micro ? "\xc2\xb5s" : "ms");
    }
    if (seconds < 60) {
        return dogb_page_format(page, "%s s", dogb_page_fixed(page, seconds, seconds < 10 ? 1 : 0));
    }
    double minutes = floor(seconds / 60);
    return minutes < 60
               ? dogb_page_format(page, "%.0f min %.0f s", minutes, floor(seconds - 60 * minutes))
               : dogb_page_format(page, "%.0f h %.0f min", floor(minutes / 60),
                                  minutes - 60 * floor(minutes / 60));
}

const char *dogb_page_count(dogb_page *page, double value) {
    char digits[48];
    char out[64];
    size_t to = 0;
    if (!isfinite(value) || fabs(value) >= 1e15) {
        return dogb_page_fixed(page, value, 0);
    }
    int length = snprintf(digits, sizeof digits, "%.0f", value);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') {
            out[to++] = ',';
        }
        out[to++] = digits[i];
    }
    out[to] = '\0';
    return keep(page, out);
}

const char *dogb_page_bytes(dogb_page *page, double bytes) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (fabs(bytes) >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1000;
        unit++;
    }
    return isfinite(bytes)
               ? dogb_page_format(page, "%s %s",
                                  dogb_page_fixed(page, bytes, bytes < 10 && unit > 0), units[unit])
               : "\xe2\x80\x93";
}
