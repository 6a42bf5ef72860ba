// plot.h - shared by the files of dogbreed-plot.so.
#ifndef DOGB_PLOT_CAIRO_PLOT_H
#define DOGB_PLOT_CAIRO_PLOT_H

#include "plot/module.h"

#include <dogbreed/common.h>

#include <cairo.h>

typedef struct dogb_plot_sink {
    int (*write)(void *userdata, const void *data, size_t size);
    void *userdata;
    int rc; // of a PDF: the first failure
} dogb_plot_sink;

void dogb_plot_draw(cairo_t *cairo, const dogb_shape *shape);
int dogb_plot_result(cairo_status_t status);

// pdf.c
void dogb_plot_photo(cairo_t *cairo, const dogb_shape *shape);
int dogb_plot_pdf_open(dogb_pdf **out, const dogb_pdf_conf *conf);
int dogb_plot_pdf_page(dogb_pdf *pdf, const dogb_shape *shapes, size_t count);
int dogb_plot_pdf_outline(dogb_pdf *pdf, const char *title, int32_t page, double y);
int dogb_plot_pdf_close(dogb_pdf *pdf);

#endif
