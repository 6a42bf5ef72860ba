// page.h - a report as a list of blocks. Sections fill it; html.c and pdf.c show it; neither knows
// of the other. What fails is remembered: rc is looked at once, at the end.
#ifndef DOGB_REPORT_PAGE_H
#define DOGB_REPORT_PAGE_H

#include "plot/chart.h"

enum {
    DOGB_TONE_PLAIN = 0,
    DOGB_TONE_FAINT = 1,
    DOGB_TONE_GOOD = 2,
    DOGB_TONE_WARN = 3,
    DOGB_TONE_BAD = 4,
    DOGB_TONE_COUNT = 5
};

enum {
    DOGB_BLOCK_SECTION = 0,
    DOGB_BLOCK_HEADING = 1,
    DOGB_BLOCK_TEXT = 2,
    DOGB_BLOCK_FACTS = 3,
    DOGB_BLOCK_GRID = 4,
    DOGB_BLOCK_FIGURE = 5,
    DOGB_BLOCK_GALLERY = 6,
    DOGB_BLOCK_CODE = 7,
    DOGB_BLOCK_COUNT = 8
};

// A number that stands out.
typedef struct dogb_fact {
    const char *label;
    const char *value;
    const char *note; // below it; NULL: none
    int32_t tone;
    int32_t reserved;
} dogb_fact;

enum {
    DOGB_COLUMN_TEXT = 0,
    DOGB_COLUMN_NUMBER = 1, // to the right
    DOGB_COLUMN_SHARE = 2,  // a number with a bar of its value, 0 to 1
    DOGB_COLUMN_STATUS = 3, // a word in the colour of its tone
    DOGB_COLUMN_WIDE = 4    // sentences
};
typedef struct dogb_column {
    const char *title;
    int32_t kind; // DOGB_COLUMN_
    int32_t reserved;
} dogb_column;

typedef struct dogb_cell {
    const char *text;
    double value; // what rows are sorted by; NaN: the text
    int32_t tone;
    int32_t reserved;
} dogb_cell;

typedef struct dogb_page dogb_page;

typedef struct dogb_grid {
    dogb_page *page;
    const dogb_column *columns;
    size_t column_count;
    dogb_cell *cells; // row by row
    size_t count;     // of cells
    size_t capacity;
    int32_t sortable; // 1: readers may sort and search it
    int32_t reserved;
} dogb_grid;

// Draws at any size. The narrow one is for small screens and half columns.
typedef void (*dogb_draw_fn)(dogb_drawing *drawing, dogb_box box, const void *data);
typedef struct dogb_figure {
    const char *caption;
    const dogb_drawing *wide;
    const dogb_drawing *narrow; // NULL: the wide one, which scrolls
    int32_t half;               // 1: two stand side by side
    int32_t reserved;
} dogb_figure;

typedef struct dogb_thumb {
    const uint8_t *jpeg;
    size_t size;
    int32_t width;
    int32_t height;
    const char *lines[3]; // below it; NULL: none
    int32_t tones[3];
    int32_t reserved;
} dogb_thumb;

typedef struct dogb_gallery {
    const dogb_thumb *thumbs;
    size_t count;
} dogb_gallery;

typedef struct dogb_block {
    int32_t kind; // DOGB_BLOCK_
    int32_t tone; // TEXT
    const char *id;
    const char *text; // SECTION, HEADING, TEXT, CODE
    union {
        struct {
            const dogb_fact *items;
            size_t count;
        } facts;
        dogb_grid *grid;
        dogb_figure figure;
        dogb_gallery gallery;
    } of;
} dogb_block;

struct dogb_page {
    dogb_arena *arena;
    const char *title;
    const char *subtitle;
    const char *date;    // of writing
    int32_t refresh;     // seconds; 0: the page is finished
    int32_t no_pictures; // 1: the module that draws is not here
    dogb_block *blocks;
    size_t count;
    size_t capacity;
    int rc;
    int32_t reserved;
    dogb_block spare;     // written and never read, when memory is short
    dogb_grid spare_grid; // the same
};

void dogb_page_section(dogb_page *page, const char *id, const char *title);
void dogb_page_heading(dogb_page *page, const char *text);
void dogb_page_text(dogb_page *page, int32_t tone, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void dogb_page_facts(dogb_page *page, const dogb_fact *facts, size_t count); // copied
void dogb_page_code(dogb_page *page, const char *text);
void dogb_page_gallery(dogb_page *page, const dogb_thumb *thumbs, size_t count); // borrowed

// A table; columns are static or live as long as the page. Never NULL.
dogb_grid *dogb_page_grid(dogb_page *page, const dogb_column *columns, size_t count);
void dogb_grid_text(dogb_grid *grid, const char *text); // NULL: empty
void dogb_grid_tone(dogb_grid *grid, int32_t tone, const char *text);
void dogb_grid_number(dogb_grid *grid, double value, const char *text); // NaN: a dash
// `value` with so many decimals, times `factor`.
void dogb_grid_fixed(dogb_grid *grid, double value, double factor, int decimals);

// Two drawings by `draw`, 560 and 340 wide (full: 900 and 340). data is used at once.
enum { DOGB_FIGURE_HALF = 560, DOGB_FIGURE_FULL = 900, DOGB_FIGURE_NARROW = 340 };
void dogb_page_figure(dogb_page *page, const char *caption, double width, double height,
                      dogb_draw_fn draw, const void *data);
// Drawings that are there; narrow NULL: the wide one scrolls on small screens.
void dogb_page_drawing(dogb_page *page, const char *caption, const dogb_drawing *wide,
                       const dogb_drawing *narrow);

// 1: block number `index` is a figure of half the width.
int dogb_page_is_half(const dogb_page *page, size_t index);
// For dogb_page_figure: data is a dogb_chart, a dogb_histogram_chart.
void dogb_page_draw_chart(dogb_drawing *drawing, dogb_box box, const void *data);
void dogb_page_draw_histogram(dogb_drawing *drawing, dogb_box box, const void *data);

// Text in the page's arena; never NULL.
const char *dogb_page_format(dogb_page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *dogb_page_fixed(dogb_page *page, double value, int decimals); // "-" for NaN
const char *dogb_page_percent(dogb_page *page, double share, int decimals);
const char *dogb_page_seconds(dogb_page *page, double seconds); // "43 s", "2 min 10 s", "1.5 ms"
const char *dogb_page_count(dogb_page *page, double value);     // "2,377,592"
const char *dogb_page_bytes(dogb_page *page, double bytes);     // "244 MB"

int dogb_page_html(dogb_buffer *out, const dogb_page *page);
int dogb_page_pdf(dogb_buffer *out, const dogb_page *page);

// page.css and page.js, by core/scripts/embed.py, and their hashes as a policy writes them
extern const char dogb_page_style[];
extern const char dogb_page_script[];
extern const char dogb_page_style_hash[];
extern const char dogb_page_script_hash[];

#endif
