// paper.c - what pages have and charts have not: paragraphs, photos, drawings inside of drawings.
#include "plot/drawing.h"

#include "core/error.h"

#include <string.h>

size_t dogb_draw_paragraph(dogb_drawing *drawing, const dogb_font *font, double x, double y,
                           const char *text, dogb_wrap wrap) {
    size_t ends[DOGB_WRAP_MOST];
    size_t count = 0;
    char *copy = drawing->rc < 0 ? NULL : dogb_draw_clean(drawing, text);
    if (copy == NULL) {
        return 0;
    }
    int rc = drawing->module->text_lines(ends, &count,
                                         wrap.most < DOGB_WRAP_MOST ? wrap.most : DOGB_WRAP_MOST,
                                         copy, font->size, font->bold, wrap.width);
    drawing->rc = rc < 0 ? dogb_fail(rc, "pictures: a text cannot be measured") : rc;
    size_t start = 0;
    for (size_t i = 0; wrap.draw && drawing->rc == DOGBREED_OK && i < count; i++) {
        size_t end = ends[i];
        while (start < end && copy[start] == ' ') {
            start++;
        }
        char kept = copy[end];
        copy[end] = '\0';
        if (i + 1 == count) { // of more lines than there may be it has the rest
            dogb_draw_text_within(drawing, font, x, y + (double)i * wrap.leading, copy + start,
                                  wrap.width + font->size);
        } else if (start < end) {
            dogb_draw_text(drawing, font, x, y + (double)i * wrap.leading, copy + start);
        }
        copy[end] = kept;
        start = end;
    }
    dogb_release(drawing->arena, copy);
    return count;
}

void dogb_draw_photo(dogb_drawing *drawing, const uint8_t *jpeg, size_t size, int32_t columns,
                     int32_t rows, dogb_box box) {
    const double points[] = {box.x, box.y, box.width, box.height};
    dogb_shape *shape = dogb_draw_shape(drawing, DOGB_SHAPE_PHOTO, 0, 0, points, 2);
    if (shape != NULL) {
        shape->jpeg = jpeg;
        shape->jpeg_size = size;
        shape->columns = columns;
        shape->rows = rows;
    }
}

void dogb_draw_other(dogb_drawing *drawing, const dogb_drawing *other, double x, double y,
                     double scale) {
    for (size_t i = 0; i < other->count; i++) {
        const dogb_shape *from = &other->shapes[i];
        dogb_shape *shape = dogb_draw_shape(drawing, from->kind, from->color, scale * from->size,
                                            from->points, from->count);
        if (shape == NULL) {
            return;
        }
        for (size_t k = 0; k < shape->count; k++) {
            shape->points[2 * k] = x + scale * shape->points[2 * k];
            shape->points[2 * k + 1] = y + scale * shape->points[2 * k + 1];
        }
        shape->mark = from->mark;
        shape->bold = from->bold;
        shape->turned = from->turned;
        shape->anchor = from->anchor;
        shape->text = from->text;
    }
}
