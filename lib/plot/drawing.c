// drawing.c - see drawing.h.
#include "plot/drawing.h"

#include "core/error.h"
#include "core/json.h"

#include <math.h>
#include <string.h>

uint32_t dogb_color_shade(double share) {
    static const uint8_t stops[][3] = {
        {198, 219, 239}, {133, 183, 219}, {66, 134, 193}, {24, 87, 154}, {8, 38, 84}};
    enum { LAST = sizeof stops / sizeof stops[0] - 1 };
    if (isnan(share)) {
        return 0xffb0b0b0;
    }
    double at = fmin(fmax(share, 0), 1) * LAST;
    int left = at < LAST ? (int)at : LAST - 1;
    uint32_t color = 0xff;
    for (int i = 0; i < 3; i++) {
        double value = stops[left][i] + (at - left) * (stops[left + 1][i] - stops[left][i]);
        color = color << 8 | (uint32_t)lround(value);
    }
    return color;
}

// --- shapes

dogb_shape *dogb_draw_shape(dogb_drawing *drawing, int32_t kind, uint32_t color, double size,
                            const double *points, size_t count) {
    if (drawing->rc == DOGBREED_OK) {
        drawing->rc = dogb_grow(drawing->arena, &drawing->shapes, &drawing->capacity,
                                drawing->count, sizeof *drawing->shapes);
    }
    double *copy = drawing->rc < 0 ? NULL : dogb_alloc(drawing->arena, 2 * count, sizeof *copy);
    if (copy == NULL) {
        drawing->rc = drawing->rc < 0 ? drawing->rc : DOGBREED_ERROR_NO_MEMORY;
        return NULL;
    }
    memcpy(copy, points, 2 * count * sizeof *copy);
    dogb_shape *shape = &drawing->shapes[drawing->count++];
    *shape =
        (dogb_shape){.kind = kind, .color = color, .size = size, .points = copy, .count = count};
    return shape;
}

char *dogb_draw_clean(dogb_drawing *drawing, const char *text) {
    char *copy = dogb_strdup(drawing->arena, text);
    if (copy == NULL) {
        drawing->rc = DOGBREED_ERROR_NO_MEMORY;
        return NULL;
    }
    dogb_text_repair(copy);
    for (char *c = copy; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f) {
            *c = ' ';
        } else if (byte == 0xef &&
                   (strncmp(c, "\xef\xbf\xbe", 3) == 0 || strncmp(c, "\xef\xbf\xbf", 3) == 0)) {
            memcpy(c, "???", 3);
        }
    }
    return copy;
}

int dogb_drawing_open(dogb_drawing *out, dogb_arena *arena, double width, double height,
                      const char *title) {
    *out = (dogb_drawing){.arena = arena, .width = width, .height = height};
    out->title = dogb_draw_clean(out, title);
    return out->rc < 0 ? out->rc : dogb_plot_open(&out->module);
}

void dogb_draw_line(dogb_drawing *drawing, uint32_t color, double width, const double *points,
                    size_t count) {
    if (count > 1) {
        (void)dogb_draw_shape(drawing, DOGB_SHAPE_LINE, color, width, points, count);
    }
}

void dogb_draw_area(dogb_drawing *drawing, uint32_t color, const double *points, size_t count) {
    if (count > 2) {
        (void)dogb_draw_shape(drawing, DOGB_SHAPE_AREA, color, 0, points, count);
    }
}

void dogb_draw_box(dogb_drawing *drawing, uint32_t color, dogb_box box) {
    const double points[] = {box.x,
                             box.y,
                             box.x + box.width,
                             box.y,
                             box.x + box.width,
                             box.y + box.height,
                             box.x,
                             box.y + box.height};
    dogb_draw_area(drawing, color, points, 4);
}

void dogb_draw_mark(dogb_drawing *drawing, int32_t mark, uint32_t color, double radius, double x,
                    double y, const char *note) {
    const double point[] = {x, y};
    dogb_shape *shape = dogb_draw_shape(drawing, DOGB_SHAPE_MARK, color, radius, point, 1);
    if (shape != NULL) {
        shape->mark = mark;
        shape->text = note == NULL ? NULL : dogb_draw_clean(drawing, note);
    }
}

void dogb_draw_note(dogb_drawing *drawing, const char *note) {
    if (drawing->rc == DOGBREED_OK && drawing->count > 0) {
        drawing->shapes[drawing->count - 1].text = dogb_draw_clean(drawing, note);
    }
}

void dogb_draw_text(dogb_drawing *drawing, const dogb_font *font, double x, double y,
                    const char *text) {
    const double point[] = {x, y};
    char *copy = drawing->rc < 0 ? NULL : dogb_draw_clean(drawing, text);
    dogb_shape *shape =
        copy == NULL ? NULL
                     : dogb_draw_shape(drawing, DOGB_SHAPE_TEXT, font->color, font->size, point, 1);
    if (shape != NULL) {
        shape->text = copy;
        shape->anchor = font->anchor;
        shape->bold = font->bold;
        shape->turned = font->turned;
    }
}

double dogb_draw_width(dogb_drawing *drawing, const dogb_font *font, const char *text) {
    double width = 0;
    char *copy = drawing->rc < 0 ? NULL : dogb_draw_clean(drawing, text);
    if (copy != NULL) {
        int rc = drawing->module->text_width(&width, copy, font->size, font->bold);
        drawing->rc = rc < 0 ? dogb_fail(rc, "pictures: a text cannot be measured") : rc;
        dogb_release(drawing->arena, copy);
    }
    return width;
}

static int is_inside_character(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

void dogb_draw_text_within(dogb_drawing *drawing, const dogb_font *font, double x, double y,
                           const char *text, double width) {
    char *copy = drawing->rc < 0 ? NULL : dogb_draw_clean(drawing, text);
    size_t length = copy == NULL ? 0 : strlen(copy);
    size_t whole = length;
    char *cut = copy == NULL ? NULL : dogb_alloc(drawing->arena, length + 4, 1);
    if (cut == NULL) {
        drawing->rc = drawing->rc < 0 ? drawing->rc : DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    memcpy(cut, copy, length);
    while (length > 0 && dogb_draw_width(drawing, font, cut) > width) {
        size_t less = length > 64 ? length / 2 : length - 1; // long ones by halves
        length = less;
        while (length > 0 && is_inside_character(copy[length])) {
            length--;
        }
        memcpy(cut, copy, length);
        memcpy(cut + length, "\xe2\x80\xa6", 4); // an ellipsis
    }
    dogb_draw_text(drawing, font, x, y, length == whole ? copy : cut);
}
