// gallery.c - the worst mistakes and the least certain pictures, as thumbnails inside the page.
#include "report/section.h"

#include "core/error.h"
#include "core/file.h"
#include "image/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 << 20, QUALITY = 78 };

// --- one picture

static int shrink(dogb_thumb *out, dogb_arena *arena, const dogb_image *image, int32_t side) {
    int32_t longer = image->width > image->height ? image->width : image->height;
    double scale = fmin(1, (double)side / longer);
    dogb_image small = {.width = (int32_t)fmax(1, round(scale * image->width)),
                        .height = (int32_t)fmax(1, round(scale * image->height))};
    small.pixels = dogb_alloc(arena, (size_t)small.width * (size_t)small.height, 3);
    uint8_t *jpeg = NULL;
    if (small.pixels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc =
        dogb_resize(small.pixels, small.width, small.height, image, NULL, DOGB_FILTER_BILINEAR);
    rc = rc < 0 ? rc : dogb_jpeg_encode(&jpeg, &out->size, arena, &small, QUALITY);
    dogb_release(arena, small.pixels);
    out->jpeg = jpeg;
    out->width = small.width;
    out->height = small.height;
    return rc;
}

// The whole picture goes when its thumbnail is made.
static int load(dogb_thumb *out, dogb_arena *arena, const char *path, int32_t side) {
    dogb_arena scratch = {0};
    void *bytes = NULL;
    size_t size = 0;
    dogb_image image = {0};
    dogb_image upright = {0};
    dogb_image_info info = {0};
    dogb_image_limits limits;
    dogb_image_limits_default(&limits);
    limits.jpeg_warnings = DOGB_WARNINGS_PILLOW;
    int rc = dogb_file_read(&bytes, &size, &scratch, path, FILE_MAX);
    rc = rc < 0 ? rc : dogb_image_decode(&image, &info, &scratch, bytes, size, &limits, NULL, path);
    rc = rc < 0 ? rc : dogb_image_orient(&upright, &scratch, &image, info.orientation);
    rc = rc < 0 ? rc : shrink(out, arena, &upright, side);
    dogb_arena_free(&scratch);
    return rc;
}

// --- many

static char *path_of(dogb_report *r, const json_t *row) {
    const char *path = dogb_get_text(row, "path");
    const char *root = *r->options->pictures != '\0'
                           ? r->options->pictures
                           : dogb_get_text(r->source->documents[DOGB_FILE_EVALUATION], "root");
    return *path == '/' || *root == '\0' ? dogb_strdup(r->arena, path)
                                         : dogb_path_join(r->arena, root, path);
}

static void describe(dogb_thumb *thumb, dogb_report *r, const json_t *row) {
    double truth = dogb_get_number(row, "true");
    double predicted = dogb_get_number(row, "predicted");
    const char *share = dogb_page_percent(r->page, dogb_get_number(row, "probability"), 0);
    int wrong = truth != predicted;
    thumb->lines[0] = dogb_report_class(r, truth);
    thumb->lines[1] = dogb_page_format(
        r->page, "%s (%s)", wrong ? dogb_report_class(r, predicted) : "recognised", share);
    thumb->tones[1] = wrong ? DOGB_TONE_BAD : DOGB_TONE_GOOD;
}

void dogb_report_thumbs(dogb_report *r, const json_t *const *rows, size_t count) {
    dogb_thumb *thumbs = dogb_alloc(r->arena, count + 1, sizeof *thumbs);
    size_t made = 0;
    if (thumbs == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    for (size_t i = 0; r->page->rc == DOGBREED_OK && i < count; i++) {
        char *path = path_of(r, rows[i]);
        int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY
                              : load(&thumbs[made], r->arena, path, r->options->thumbnail);
        if (rc == DOGBREED_ERROR_NO_MEMORY) {
            r->page->rc = rc;
        } else if (rc == DOGBREED_OK) {
            describe(&thumbs[made++], r, rows[i]);
        }
    }
    if (made > 0) {
        dogb_page_gallery(r->page, thumbs, made);
    }
    if (made < count) {
        dogb_page_text(
            r->page, DOGB_TONE_FAINT,
            "%zu of %zu pictures cannot be read; the option pictures names the folder where "
            "they are now.",
            count - made, count);
    }
}

// --- which

typedef struct rank {
    double value; // smaller first
    const json_t *row;
    size_t index;
} rank;

static int compare(const void *a, const void *b) {
    const rank *x = a;
    const rank *y = b;
    return x->value < y->value ? -1 : x->value > y->value ? 1 : x->index < y->index ? -1 : 1;
}

// The largest loss first; NaN: it is none.
static double worst(const json_t *row) {
    double loss = dogb_get_number(row, "loss");
    return dogb_get_number(row, "true") != dogb_get_number(row, "predicted") ? -loss : (double)NAN;
}

// The smallest distance between the best two classes first.
static double uncertain(const json_t *row) {
    const json_t *top = dogb_get_array(row, "top");
    return dogb_number_of(json_array_get(json_array_get(top, 0), 1)) -
           dogb_number_of(json_array_get(json_array_get(top, 1), 1));
}

static void add(dogb_report *r, const json_t *rows, const char *title, const char *key,
                double (*value_of)(const json_t *row)) {
    size_t size = json_array_size(rows), count = 0, i = 0;
    const json_t *row = NULL;
    json_t *list = json_array();
    rank *ranks = dogb_alloc(r->arena, size + 1, sizeof *ranks);
    const json_t **chosen = dogb_alloc(r->arena, size + 1, sizeof *chosen);
    dogb_report_set(r, key, list);
    if (ranks == NULL || chosen == NULL || r->page->rc < 0) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    json_array_foreach(rows, i, row) {
        double value = value_of(row);
        if (isfinite(value)) {
            ranks[count++] = (rank){value, row, i};
        }
    }
    qsort(ranks, count, sizeof *ranks, compare);
    count = count < (size_t)r->options->gallery_count ? count : (size_t)r->options->gallery_count;
    for (i = 0; i < count; i++) {
        chosen[i] = ranks[i].row;
        int rc = dogb_json_add(list, json_incref((json_t *)(uintptr_t)ranks[i].row));
        r->page->rc = rc < 0 ? rc : r->page->rc;
    }
    if (count > 0 && r->options->gallery) {
        dogb_page_heading(r->page, title);
        dogb_report_thumbs(r, chosen, count);
    }
}

void dogb_section_gallery(dogb_report *r) {
    const json_t *e = r->source->documents[DOGB_FILE_EVALUATION];
    const json_t *rows = dogb_get_array(e, "predictions");
    dogb_page_section(r->page, "gallery", "Pictures");
    if (json_array_size(rows) == 0) {
        dogb_page_text(
            r->page, DOGB_TONE_FAINT,
            "evaluation.json has no single pictures: run dogbreed evaluate on this run.");
        return;
    }
    if (!r->options->gallery) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "Pictures are switched off.");
    }
    add(r, rows, "Worst mistakes: the true class, and what the model said instead", "worst", worst);
    add(r, rows, "Least certain: the best two classes are close", "uncertain", uncertain);
}
