// drawing.h - a picture as a list of shapes, in pixels from its upper left corner. The same list
// becomes SVG here and PNG in the module that draws (module.h), which also knows how wide a text
// is. What fails is remembered: rc is looked at once, at the end.
#ifndef DOGB_PLOT_DRAWING_H
#define DOGB_PLOT_DRAWING_H

#include "core/buffer.h"
#include "plot/module.h"

// Colours that people with any colour vision tell apart (Okabe and Ito), as 0xAARRGGBB.
#define DOGB_COLOR_BLUE 0xff0072b2u
#define DOGB_COLOR_ORANGE 0xffe69f00u
#define DOGB_COLOR_RED 0xffd55e00u
#define DOGB_COLOR_GREEN 0xff009e73u
#define DOGB_COLOR_TEXT 0xff222222u
#define DOGB_COLOR_FAINT 0xff767676u
#define DOGB_COLOR_GRID 0xffe4e4e4u
#define DOGB_COLOR_WHITE 0xffffffffu
#define DOGB_COLOR_ALPHA(COLOR, ALPHA) (((COLOR)&0xffffffu) | (uint32_t)(ALPHA) << 24)
// From pale (0) to dark blue (1), which reads in grey too; NaN: grey.
uint32_t dogb_color_shade(double share);

typedef struct dogb_drawing {
    dogb_arena *arena;
    const dogb_plot_module *module;
    const char *title; // for those who hear the picture
    double width;
    double height;
    dogb_shape *shapes;
    size_t count;
    size_t capacity;
    int rc;
    int32_t reserved;
} dogb_drawing;

typedef struct dogb_box {
    double x;
    double y;
    double width;
    double height;
} dogb_box;

typedef struct dogb_font {
    double size;
    double anchor; // 0: x is where the text begins, 0.5: its middle, 1: its end
    uint32_t color;
    int32_t bold;
    int32_t turned; // reads upwards
} dogb_font;

typedef struct dogb_wrap {
    double width;
    double leading;
    size_t most; // lines; at most DOGB_WRAP_MOST
    int32_t draw;
    int32_t reserved;
} dogb_wrap;
enum { DOGB_WRAP_MOST = 400 };

// UNSUPPORTED: the module that draws is not here; the message says how to get it.
int dogb_drawing_open(dogb_drawing *out, dogb_arena *arena, double width, double height,
                      const char *title);

// Texts are copied; what is no UTF-8, and control characters, are replaced.
void dogb_draw_line(dogb_drawing *drawing, uint32_t color, double width, const double *points,
                    size_t count);
void dogb_draw_area(dogb_drawing *drawing, uint32_t color, const double *points, size_t count);
void dogb_draw_box(dogb_drawing *drawing, uint32_t color, dogb_box box);
// note: shown under the pointer; NULL: none.
void dogb_draw_mark(dogb_drawing *drawing, int32_t mark, uint32_t color, double radius, double x,
                    double y, const char *note);
void dogb_draw_text(dogb_drawing *drawing, const dogb_font *font, double x, double y,
                    const char *text); // y: of the line that letters stand on
// The same, cut with "..." where it is wider than `width`.
void dogb_draw_text_within(dogb_drawing *drawing, const dogb_font *font, double x, double y,
                           const char *text, double width);
double dogb_draw_width(dogb_drawing *drawing, const dogb_font *font, const char *text);
// A text in lines of a width, the first one's letters on y, `leading` apart; returns how many.
// With draw 0 it only counts them. `most` lines; the last one is cut with "...".
size_t dogb_draw_paragraph(dogb_drawing *drawing, const dogb_font *font, double x, double y,
                           const char *text, dogb_wrap wrap);
// A JPEG into a box. The bytes are borrowed.
void dogb_draw_photo(dogb_drawing *drawing, const uint8_t *jpeg, size_t size, int32_t columns,
                     int32_t rows, dogb_box box);
// The shapes of another drawing, scaled, with its corner at x, y.
void dogb_draw_other(dogb_drawing *drawing, const dogb_drawing *other, double x, double y,
                     double scale);
// A note for the last line or area.
void dogb_draw_note(dogb_drawing *drawing, const char *note);

// For a page of HTML, on its ground; name: its class there.
int dogb_drawing_svg_inline(dogb_buffer *out, const dogb_drawing *drawing, const char *name);
// Inside lib/plot: one more shape, NULL when memory is short; and a copy of what pictures can hold:
// UTF-8, one line, no characters that XML forbids.
dogb_shape *dogb_draw_shape(dogb_drawing *drawing, int32_t kind, uint32_t color, double size,
                            const double *points, size_t count);
char *dogb_draw_clean(dogb_drawing *drawing, const char *text);

// The document; PNG with `scale` pixels for one.
int dogb_drawing_svg(dogb_buffer *out, const dogb_drawing *drawing);
int dogb_drawing_png(dogb_buffer *out, const dogb_drawing *drawing, double scale);

#endif
