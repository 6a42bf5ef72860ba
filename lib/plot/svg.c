// svg.c - a drawing as SVG: text stays text, notes are titles, which browsers show under the
// pointer. No identifiers, so that several can stand in one page.
#include "plot/drawing.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

static void escape(dogb_buffer *out, const char *text) {
    static const struct {
        char character;
        const char *written;
    } rows[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}};
    for (const char *at = text; *at != '\0';) {
        size_t plain = strcspn(at, "<>&\"");
        dogb_buffer_put(out, at, plain);
        at += plain;
        for (size_t i = 0; *at != '\0' && i < sizeof rows / sizeof rows[0]; i++) {
            if (*at == rows[i].character) {
                dogb_buffer_add(out, rows[i].written);
                at++;
                break;
            }
        }
    }
}

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

static void add_mark(dogb_buffer *out, const dogb_shape *shape) {
    const double *points = NULL;
    double x = shape->points[0], y = shape->points[1];
    size_t count = dogb_mark_outline(&points, shape->mark);
    int open = shape->mark == DOGB_MARK_CROSS || shape->mark == DOGB_MARK_RING;
    dogb_buffer_add(out, count == 0 ? "<circle" : "<path");
    if (open) {
        stroke(out, shape->color, DOGB_MARK_STROKE);
    } else {
        paint(out, 0, shape->color);
    }
    if (count == 0) {
        attribute(out, "cx", x);
        attribute(out, "cy", y);
        attribute(out, "r", shape->size);
        return;
    }
    dogb_buffer_add(out, " d=\"");
    if (shape->mark == DOGB_MARK_CROSS) { // two strokes
        outline(out, points, 2, x, y, shape->size, 0);
        outline(out, points + 4, 2, x, y, shape->size, 0);
    } else {
        outline(out, points, count, x, y, shape->size, 1);
    }
    dogb_buffer_add(out, "\"");
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
    escape(out, shape->text);
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
    escape(out, shape->text);
    dogb_buffer_add(out, "</title>");
    dogb_buffer_add(out, is_round ? "</circle>\n" : "</path>\n");
}

int dogb_drawing_svg(dogb_buffer *out, const dogb_drawing *drawing) {
    if (drawing->rc < 0) {
        return drawing->rc;
    }
    dogb_buffer_add(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");
    attribute(out, "width", drawing->width);
    attribute(out, "height", drawing->height);
    dogb_buffer_add(out, " viewBox=\"0 0 ");
    dogb_buffer_fixed(out, drawing->width, 2);
    dogb_buffer_add(out, " ");
    dogb_buffer_fixed(out, drawing->height, 2);
    dogb_buffer_add(out, "\" font-family=\"" DOGB_PLOT_FONT
                         "\" stroke-linejoin=\"round\" aria-label=\"");
    escape(out, drawing->title);
    dogb_buffer_add(out, "\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    for (size_t i = 0; i < drawing->count; i++) {
        add_shape(out, &drawing->shapes[i]);
    }
    dogb_buffer_add(out, "</svg>\n");
    return out->rc;
}

// --- PNG

static int put(void *userdata, const void *data, size_t size) {
    dogb_buffer *out = userdata;
    dogb_buffer_put(out, data, size);
    return out->rc;
}

int dogb_drawing_png(dogb_buffer *out, const dogb_drawing *drawing, double scale) {
    const double side_max = 30000; // of a picture in cairo, about
    if (drawing->rc < 0) {
        return drawing->rc;
    }
    scale = fmin(scale, side_max / fmax(drawing->width, drawing->height));
    int rc = drawing->module->png(drawing->shapes, drawing->count, drawing->width, drawing->height,
                                  scale, put, out);
    if (out->rc < 0) {
        return out->rc; // the cause
    }
    return rc < 0 ? dogb_fail(rc, "pictures: a PNG of %.0f x %.0f cannot be made",
                              drawing->width * scale, drawing->height * scale)
                  : DOGBREED_OK;
}
