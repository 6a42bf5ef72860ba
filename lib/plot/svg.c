// svg.c - a drawing as SVG: text stays text, notes are titles, which browsers show under the
// pointer. No identifiers, so that several can stand in one page.
#include "plot/drawing.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

static void attribute(dogb_buffer *out, const char *name, double value) {
    dogb_buffer_add(out, " ");
    dogb_buffer_add(out, name);
    dogb_buffer_add(out, "=\"");
    dogb_buffer_fixed(out, value, 2);
    dogb_buffer_add(out, "\"");
}

static void paint(dogb_buffer *out, int stroked, uint32_t color) {
    static const char digits[] = "0123456789abcdef";
    char text[8] = "#";
    for (int i = 0; i < 6; i++) {
        text[1 + i] = digits[color >> (20 - 4 * i) & 15];
    }
    dogb_buffer_add(out, stroked ? " stroke=\"" : " fill=\"");
    dogb_buffer_add(out, text);
    dogb_buffer_add(out, "\"");
    if (color >> 24 != 255) {
        attribute(out, stroked ? "stroke-opacity" : "fill-opacity", (color >> 24) / 255.0);
    }
}

static void move(dogb_buffer *out, const char *command, double x, double y) {
    dogb_buffer_add(out, command);
    dogb_buffer_fixed(out, x, 2);
    dogb_buffer_add(out, " ");
    dogb_buffer_fixed(out, y, 2);
}

static void outline(dogb_buffer *out, const double *points, size_t count, double x, double y,
                    double scale, int closed) {
    for (size_t i = 0; i < count; i++) {
        move(out, i == 0 ? "M" : "L", x + scale * points[2 * i], y + scale * points[2 * i + 1]);
    }
    dogb_buffer_add(out, closed ? "Z" : "");
}

static void stroke(dogb_buffer *out, uint32_t color, double width) {
    dogb_buffer_add(out, " fill=\"none\"");
    paint(out, 1, color);
    attribute(out, "stroke-width", width);
}

static void add_line(dogb_buffer *out, const dogb_shape *shape) {
    dogb_buffer_add(out, "<path");
    stroke(out, shape->color, shape->size);
    dogb_buffer_add(out, " d=\"");
    outline(out, shape->points, shape->count, 0, 0, 1, 0);
    dogb_buffer_add(out, "\"");
}

static void add_area(dogb_buffer *out, const dogb_shape *shape) {
    dogb_buffer_add(out, "<path");
    paint(out, 0, shape->color);
    dogb_buffer_add(out, " d=\"");
    outline(out, shape->points, shape->count, 0, 0, 1, 1);
    dogb_buffer_add(out, "\"");
}

static void paint_mark(dogb_buffer *out, const dogb_shape *shape) {
    if (shape->mark == DOGB_MARK_CROSS || shape->mark == DOGB_MARK_RING) {
        stroke(out, shape->color, DOGB_MARK_STROKE);
    } else {
        paint(out, 0, shape->color);
    }
}

static void add_outline(dogb_buffer *out, const dogb_shape *shape, const double *points,
                        size_t count) {
    double x = shape->points[0], y = shape->points[1];
    if (shape->mark == DOGB_MARK_CROSS) { // two strokes
        outline(out, points, 2, x, y, shape->size, 0);
        outline(out, points + 4, 2, x, y, shape->size, 0);
    } else {
        outline(out, points, count, x, y, shape->size, 1);
    }
}

static void add_mark(dogb_buffer *out, const dogb_shape *shape) {
    const double *points = NULL;
    size_t count = dogb_mark_outline(&points, shape->mark);
    dogb_buffer_add(out, count == 0 ? "<circle" : "<path");
    paint_mark(out, shape);
    if (count == 0) {
        attribute(out, "cx", shape->points[0]);
        attribute(out, "cy", shape->points[1]);
        attribute(out, "r", shape->size);
        return;
    }
    dogb_buffer_add(out, " d=\"");
    add_outline(out, shape, points, count);
    dogb_buffer_add(out, "\"");
}

// --- many marks without a note: one path, not an element for each

// Where marks of one path overlap they are no darker, so a path has not too many, and neighbours
// are in different ones.
enum { MARKS_OF_PATH = 250, PATHS_LEAST = 6 };

static size_t run_of(const dogb_drawing *drawing, size_t at) {
    const dogb_shape *first = &drawing->shapes[at];
    size_t count = 0;
    while (at + count < drawing->count) {
        const dogb_shape *shape = &drawing->shapes[at + count];
        if (shape->kind != DOGB_SHAPE_MARK || shape->text != NULL || shape->mark != first->mark ||
            shape->color != first->color || shape->size != first->size) {
            break;
        }
        count++;
    }
    return count;
}

static void add_disc(dogb_buffer *out, double x, double y) { // a dot of the line's width
    move(out, "M", x, y);
    dogb_buffer_add(out, "h0");
}

static void add_ring(dogb_buffer *out, double x, double y, double radius) {
    move(out, "M", x - radius, y);
    for (int i = 0; i < 2; i++) {
        move(out, "a", radius, radius);
        move(out, i == 0 ? " 0 1 0 " : " 0 1 0 -", 2 * radius, 0);
    }
}

// Every `step`-th of them.
static void add_path(dogb_buffer *out, const dogb_shape *shapes, size_t count, size_t step) {
    const double *points = NULL;
    const dogb_shape *first = &shapes[0];
    size_t corners = dogb_mark_outline(&points, first->mark);
    dogb_buffer_add(out, "<path");
    if (first->mark == DOGB_MARK_DISC) {
        stroke(out, first->color, 2 * first->size);
        dogb_buffer_add(out, " stroke-linecap=\"round\"");
    } else {
        paint_mark(out, first);
    }
    dogb_buffer_add(out, " d=\"");
    for (size_t i = 0; i < count; i += step) {
        const dogb_shape *shape = &shapes[i];
        double x = shape->points[0], y = shape->points[1];
        if (first->mark == DOGB_MARK_DISC) {
            add_disc(out, x, y);
        } else if (corners == 0) {
            add_ring(out, x, y, shape->size);
        } else {
            add_outline(out, shape, points, corners);
        }
    }
    dogb_buffer_add(out, "\"/>\n");
}

static void add_marks(dogb_buffer *out, const dogb_shape *shapes, size_t count) {
    size_t wanted = PATHS_LEAST + count / MARKS_OF_PATH;
    size_t paths = wanted < count ? wanted : count;
    for (size_t i = 0; i < paths; i++) {
        add_path(out, shapes + i, count - i, paths);
    }
}

static void add_text(dogb_buffer *out, const dogb_shape *shape) {
    dogb_buffer_add(out, "<text");
    attribute(out, "font-size", shape->size);
    dogb_buffer_add(out, shape->bold ? " font-weight=\"bold\"" : "");
    if (shape->anchor > 0) {
        dogb_buffer_add(out,
                        shape->anchor < 1 ? " text-anchor=\"middle\"" : " text-anchor=\"end\"");
    }
    paint(out, 0, shape->color);
    if (shape->turned) {
        move(out, " transform=\"translate(", shape->points[0], shape->points[1]);
        dogb_buffer_add(out, ") rotate(-90)\">");
    } else {
        attribute(out, "x", shape->points[0]);
        attribute(out, "y", shape->points[1]);
        dogb_buffer_add(out, ">");
    }
    dogb_buffer_escaped(out, shape->text);
    dogb_buffer_add(out, "</text>\n");
}

static void add_shape(dogb_buffer *out, const dogb_shape *shape) {
    static void (*const kinds[])(dogb_buffer * out, const dogb_shape *shape) = {
        [DOGB_SHAPE_LINE] = add_line, [DOGB_SHAPE_AREA] = add_area, [DOGB_SHAPE_MARK] = add_mark};
    const double *points = NULL;
    if (shape->kind == DOGB_SHAPE_TEXT) {
        add_text(out, shape);
        return;
    }
    kinds[shape->kind](out, shape);
    if (shape->text == NULL) {
        dogb_buffer_add(out, "/>\n");
        return;
    }
    int is_round = shape->kind == DOGB_SHAPE_MARK && dogb_mark_outline(&points, shape->mark) == 0;
    dogb_buffer_add(out, "><title>");
    dogb_buffer_escaped(out, shape->text);
    dogb_buffer_add(out, "</title>");
    dogb_buffer_add(out, is_round ? "</circle>\n" : "</path>\n");
}

static void add_shapes(dogb_buffer *out, const dogb_drawing *drawing) {
    for (size_t i = 0; i < drawing->count;) {
        size_t run = run_of(drawing, i);
        if (run > 1) {
            add_marks(out, &drawing->shapes[i], run);
        } else {
            add_shape(out, &drawing->shapes[i]);
        }
        i += run > 1 ? run : 1;
    }
}

static int write_svg(dogb_buffer *out, const dogb_drawing *drawing, const char *start,
                     const char *ground) {
    if (drawing->rc < 0) {
        return drawing->rc;
    }
    dogb_buffer_add(out, start);
    attribute(out, "width", drawing->width);
    attribute(out, "height", drawing->height);
    dogb_buffer_add(out, " viewBox=\"0 0 ");
    dogb_buffer_fixed(out, drawing->width, 2);
    dogb_buffer_add(out, " ");
    dogb_buffer_fixed(out, drawing->height, 2);
    dogb_buffer_add(out, "\" font-family=\"" DOGB_PLOT_FONT
                         "\" stroke-linejoin=\"round\" aria-label=\"");
    dogb_buffer_escaped(out, drawing->title);
    dogb_buffer_add(out, "\">\n");
    dogb_buffer_add(out, ground);
    add_shapes(out, drawing);
    dogb_buffer_add(out, "</svg>\n");
    return out->rc;
}

int dogb_drawing_svg(dogb_buffer *out, const dogb_drawing *drawing) {
    return write_svg(out, drawing, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"",
                     "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
}

int dogb_drawing_svg_inline(dogb_buffer *out, const dogb_drawing *drawing, const char *name) {
    dogb_buffer_add(out, "<svg role=\"img\" class=\"");
    dogb_buffer_add(out, name);
    return write_svg(out, drawing, "\"", "");
}

// --- PNG

int dogb_drawing_png(dogb_buffer *out, const dogb_drawing *drawing, double scale) {
    const double side_max = 30000; // of a picture in cairo, about
    if (drawing->rc < 0) {
        return drawing->rc;
    }
    scale = fmin(scale, side_max / fmax(drawing->width, drawing->height));
    int rc = drawing->module->png(drawing->shapes, drawing->count, drawing->width, drawing->height,
                                  scale, dogb_buffer_write, out);
    if (out->rc < 0) {
        return out->rc; // the cause
    }
    return rc < 0 ? dogb_fail(rc, "pictures: a PNG of %.0f x %.0f cannot be made",
                              drawing->width * scale, drawing->height * scale)
                  : DOGBREED_OK;
}
