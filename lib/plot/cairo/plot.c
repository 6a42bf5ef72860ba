// plot.c - dogbreed-plot.so: how wide a text is, and shapes as a PNG and on pages of a PDF
// (pdf.c), with cairo and pango. Knows no charts. Letters are not fitted to pixels, so that widths
// are the same at every scale.
#include "plot/cairo/plot.h"

#include <dogbreed/common.h>

#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

__attribute__((visibility("default"))) const dogb_plot_module *dogb_plot_v1(void);

// --- text

static void set_up(PangoLayout *layout, const char *text, double size, int32_t bold) {
    PangoFontDescription *font = pango_font_description_from_string(DOGB_PLOT_FONT);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, -1);
}

static void set_options(PangoContext *context) {
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context, options);
    pango_context_set_round_glyph_positions(context, FALSE);
    cairo_font_options_destroy(options);
}

static PangoLayout *new_layout(void) {
    PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    set_options(context);
    PangoLayout *layout = pango_layout_new(context);
    g_object_unref(context);
    return layout;
}

static int text_width(double *out, const char *text, double size, int32_t bold) {
    PangoLayout *layout = new_layout();
    int width = 0;
    set_up(layout, text, size, bold);
    pango_layout_get_size(layout, &width, NULL);
    *out = (double)width / PANGO_SCALE;
    g_object_unref(layout);
    return 0;
}

static int text_lines(size_t *ends, size_t *count, size_t most, const char *text, double size,
                      int32_t bold, double width) {
    PangoLayout *layout = new_layout();
    set_up(layout, text, size, bold);
    pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    size_t lines = (size_t)pango_layout_get_line_count(layout);
    *count = lines < most ? lines : most;
    for (size_t i = 0; i < *count; i++) {
        const PangoLayoutLine *line = pango_layout_get_line_readonly(layout, (int)i);
        ends[i] = (size_t)line->start_index + (size_t)line->length;
    }
    if (*count > 0) {
        ends[*count - 1] = lines > most ? strlen(text) : ends[*count - 1];
    }
    g_object_unref(layout);
    return 0;
}

static void draw_text(cairo_t *cairo, const dogb_shape *shape) {
    PangoLayout *layout = pango_cairo_create_layout(cairo);
    set_options(pango_layout_get_context(layout));
    set_up(layout, shape->text, shape->size, shape->bold);
    int width = 0;
    pango_layout_get_size(layout, &width, NULL);
    cairo_save(cairo);
    cairo_translate(cairo, shape->points[0], shape->points[1]);
    if (shape->turned) {
        cairo_rotate(cairo, -1.57079632679489661923);
    }
    cairo_move_to(cairo, -shape->anchor * width / PANGO_SCALE,
                  -(double)pango_layout_get_baseline(layout) / PANGO_SCALE);
    pango_cairo_show_layout(cairo, layout);
    cairo_restore(cairo);
    g_object_unref(layout);
}

// --- the other shapes

static void path(cairo_t *cairo, const double *points, size_t count, double x, double y,
                 double scale) {
    for (size_t i = 0; i < count; i++) {
        cairo_line_to(cairo, x + scale * points[2 * i], y + scale * points[2 * i + 1]);
    }
}

static void draw_mark(cairo_t *cairo, const dogb_shape *shape) {
    const double *points = NULL;
    double x = shape->points[0], y = shape->points[1], radius = shape->size;
    size_t count = dogb_mark_outline(&points, shape->mark);
    cairo_set_line_width(cairo, DOGB_MARK_STROKE);
    if (count == 0) {
        cairo_arc(cairo, x, y, radius, 0, 2 * 3.14159265358979323846);
    } else if (shape->mark == DOGB_MARK_CROSS) {
        path(cairo, points, 2, x, y, radius);
        cairo_new_sub_path(cairo);
        path(cairo, points + 4, 2, x, y, radius);
    } else {
        path(cairo, points, count, x, y, radius);
        cairo_close_path(cairo);
    }
    if (shape->mark == DOGB_MARK_CROSS || shape->mark == DOGB_MARK_RING) {
        cairo_stroke(cairo);
    } else {
        cairo_fill(cairo);
    }
}

void dogb_plot_draw(cairo_t *cairo, const dogb_shape *shape) {
    uint32_t color = shape->color;
    cairo_set_source_rgba(cairo, (color >> 16 & 255) / 255.0, (color >> 8 & 255) / 255.0,
                          (color & 255) / 255.0, (color >> 24) / 255.0);
    cairo_new_path(cairo);
    switch (shape->kind) {
    case DOGB_SHAPE_LINE:
        cairo_set_line_width(cairo, shape->size);
        path(cairo, shape->points, shape->count, 0, 0, 1);
        cairo_stroke(cairo);
        break;
    case DOGB_SHAPE_AREA:
        path(cairo, shape->points, shape->count, 0, 0, 1);
        cairo_fill(cairo);
        break;
    case DOGB_SHAPE_MARK:
        draw_mark(cairo, shape);
        break;
    case DOGB_SHAPE_PHOTO:
        dogb_plot_photo(cairo, shape);
        break;
    default:
        draw_text(cairo, shape);
    }
}

// --- PNG

static cairo_status_t put(void *closure, const unsigned char *data, unsigned length) {
    const dogb_plot_sink *s = closure;
    return s->write(s->userdata, data, length) < 0 ? CAIRO_STATUS_WRITE_ERROR
                                                   : CAIRO_STATUS_SUCCESS;
}

int dogb_plot_result(cairo_status_t status) {
    return status == CAIRO_STATUS_SUCCESS       ? 0
           : status == CAIRO_STATUS_WRITE_ERROR ? DOGBREED_ERROR_IO
                                                : DOGBREED_ERROR_NO_MEMORY;
}

static int png(const dogb_shape *shapes, size_t count, double width, double height, double scale,
               int (*write)(void *userdata, const void *data, size_t size), void *userdata) {
    dogb_plot_sink s = {write, userdata, 0};
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)ceil(width * scale), (int)ceil(height * scale));
    cairo_t *cairo = cairo_create(surface);
    cairo_scale(cairo, scale, scale);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < count; i++) {
        dogb_plot_draw(cairo, &shapes[i]);
    }
    cairo_status_t status = cairo_status(cairo);
    if (status == CAIRO_STATUS_SUCCESS) {
        status = cairo_surface_write_to_png_stream(surface, put, &s);
    }
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return dogb_plot_result(status);
}

const dogb_plot_module *dogb_plot_v1(void) {
    static const dogb_plot_module module = {
        DOGB_PLOT_ABI,      sizeof module,      text_width,         png,
        text_lines,         dogb_plot_pdf_open, dogb_plot_pdf_page, dogb_plot_pdf_outline,
        dogb_plot_pdf_close};
    return &module;
}
