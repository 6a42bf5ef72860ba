// pdf.c - pages of a PDF. Photos keep their JPEG bytes; text is text; the dates are the caller's,
// so that the same pages give the same bytes.
#include "plot/cairo/plot.h"

#include <cairo-pdf.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

struct dogb_pdf {
    dogb_plot_sink sink;
    cairo_surface_t *surface;
    cairo_t *cairo;
};

// cairo 1.16 crashes when a stream fails: failures are kept from it, and told at the end.
static cairo_status_t put(void *closure, const unsigned char *data, unsigned length) {
    dogb_plot_sink *sink = closure;
    if (sink->rc == 0) {
        sink->rc = sink->write(sink->userdata, data, length);
    }
    return CAIRO_STATUS_SUCCESS;
}

// cairo copies the bytes into the file and looks at no pixel.
void dogb_plot_photo(cairo_t *cairo, const dogb_shape *shape) {
    const double *box = shape->points;
    cairo_surface_t *photo =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, shape->columns, shape->rows);
    unsigned char *copy = g_try_malloc(shape->jpeg_size);
    if (copy != NULL) {
        memcpy(copy, shape->jpeg, shape->jpeg_size);
        if (cairo_surface_set_mime_data(photo, CAIRO_MIME_TYPE_JPEG, copy, shape->jpeg_size, g_free,
                                        copy) != CAIRO_STATUS_SUCCESS) {
            g_free(copy);
        }
        cairo_save(cairo);
        cairo_translate(cairo, box[0], box[1]);
        cairo_scale(cairo, box[2] / shape->columns, box[3] / shape->rows);
        cairo_set_source_surface(cairo, photo, 0, 0);
        cairo_paint(cairo);
        cairo_restore(cairo);
    }
    cairo_surface_destroy(photo);
}

int dogb_plot_pdf_open(dogb_pdf **out, const dogb_pdf_conf *conf) {
    dogb_pdf *pdf = g_try_malloc0(sizeof *pdf);
    *out = pdf;
    if (pdf == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    pdf->sink = (dogb_plot_sink){conf->write, conf->userdata, 0};
    pdf->surface = cairo_pdf_surface_create_for_stream(put, &pdf->sink, conf->width, conf->height);
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_TITLE, conf->title);
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATOR, "libdogbreed");
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATE_DATE, conf->date);
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_MOD_DATE, conf->date);
    pdf->cairo = cairo_create(pdf->surface);
    cairo_set_line_join(pdf->cairo, CAIRO_LINE_JOIN_ROUND);
    return dogb_plot_result(cairo_status(pdf->cairo));
}

int dogb_plot_pdf_page(dogb_pdf *pdf, const dogb_shape *shapes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        dogb_plot_draw(pdf->cairo, &shapes[i]);
    }
    cairo_show_page(pdf->cairo);
    return dogb_plot_result(cairo_status(pdf->cairo));
}

int dogb_plot_pdf_outline(dogb_pdf *pdf, const char *title, int32_t page, double y) {
    char place[80];
    (void)snprintf(place, sizeof place, "page=%d pos=[0 %d]", (int)page, (int)y);
    (void)cairo_pdf_surface_add_outline(pdf->surface, CAIRO_PDF_OUTLINE_ROOT, title, place,
                                        CAIRO_PDF_OUTLINE_FLAG_OPEN);
    return dogb_plot_result(cairo_surface_status(pdf->surface));
}

int dogb_plot_pdf_close(dogb_pdf *pdf) {
    if (pdf == NULL) {
        return 0;
    }
    cairo_surface_finish(pdf->surface);
    cairo_status_t status = cairo_surface_status(pdf->surface);
    cairo_destroy(pdf->cairo);
    cairo_surface_destroy(pdf->surface);
    int failed = pdf->sink.rc < 0;
    g_free(pdf);
    return failed ? DOGBREED_ERROR_IO : dogb_plot_result(status);
}
