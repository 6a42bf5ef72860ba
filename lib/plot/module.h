// module.h - between the library and dogbreed-plot.so, which links cairo and pango so that the
// library need not: it is opened when the first picture is drawn.
#ifndef DOGB_PLOT_MODULE_H
#define DOGB_PLOT_MODULE_H

#include <stddef.h>
#include <stdint.h>

enum { DOGB_PLOT_ABI = 2 };

enum {
    DOGB_SHAPE_LINE = 0,
    DOGB_SHAPE_AREA = 1,
    DOGB_SHAPE_MARK = 2,
    DOGB_SHAPE_TEXT = 3,
    DOGB_SHAPE_PHOTO = 4 // on pages of a PDF alone
};
enum {
    DOGB_MARK_DISC = 0,
    DOGB_MARK_RING = 1,
    DOGB_MARK_CROSS = 2,
    DOGB_MARK_DIAMOND = 3,
    DOGB_MARK_UP = 4, // triangles
    DOGB_MARK_DOWN = 5,
    DOGB_MARK_DASH = 6 // level
};

typedef struct dogb_shape {
    int32_t kind;   // DOGB_SHAPE_
    int32_t mark;   // DOGB_MARK_
    uint32_t color; // 0xAARRGGBB
    int32_t bold;   // TEXT
    int32_t turned; // TEXT: a quarter to the left
    int32_t reserved;
    double size;         // LINE: width; MARK: radius; TEXT: of the letters
    double anchor;       // TEXT
    size_t count;        // of points
    double *points;      // x, y of each
    const char *text;    // TEXT: what it says; others: shown under the pointer, or NULL
    const uint8_t *jpeg; // PHOTO, into the box of points: x, y, width, height
    size_t jpeg_size;
    int32_t columns; // pixels
    int32_t rows;
} dogb_shape;

#define DOGB_MARK_STROKE 1.4 // width of the lines of a ring and a cross

typedef struct dogb_pdf dogb_pdf; // of the module

typedef struct dogb_pdf_conf {
    double width; // of a page, points
    double height;
    const char *title;
    const char *date; // of making, "2026-01-31T12:00:00Z"
    int (*write)(void *userdata, const void *data, size_t size);
    void *userdata;
} dogb_pdf_conf;

// All return 0, or DOGBREED_ERROR_NO_MEMORY, IO. Texts are valid UTF-8.
typedef struct dogb_plot_module {
    uint32_t abi;
    uint32_t size;
    int (*text_width)(double *out, const char *text, double size, int32_t bold);
    int (*png)(const dogb_shape *shapes, size_t count, double width, double height, double scale,
               int (*write)(void *userdata, const void *data, size_t size), void *userdata);
    // Where a text breaks into lines of a width: the byte behind each line; *count of them, `most`
    // at most (the last one then takes the rest).
    int (*text_lines)(size_t *ends, size_t *count, size_t most, const char *text, double size,
                      int32_t bold, double width);
    int (*pdf_open)(dogb_pdf **out, const dogb_pdf_conf *conf);
    int (*pdf_page)(dogb_pdf *pdf, const dogb_shape *shapes, size_t count);
    // A line of the outline that leads to a page (from 1) and a height on it.
    int (*pdf_outline)(dogb_pdf *pdf, const char *title, int32_t page, double y);
    int (*pdf_close)(dogb_pdf *pdf); // writes the rest and frees it; once
} dogb_plot_module;

typedef const dogb_plot_module *(*dogb_plot_entry)(void); // dogb_plot_v1

#define DOGB_PLOT_FONT "DejaVu Sans, Noto Sans, Verdana, sans-serif"

// Where the outline of a mark bends, around 0, 0 with radius 1; 0: it is round.
size_t dogb_mark_outline(const double **points, int32_t mark);

// Opened once. UNSUPPORTED: it is not here; MISMATCH, IO, FORMAT: it does not fit.
int dogb_plot_open(const dogb_plot_module **out);

#endif
