// gallery.c - the worst mistakes and the least certain pictures, as thumbnails inside the page.
#include "report/section.h"

#include "core/error.h"
#include "core/file.h"
#include "image/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int make(dogb_thumb *out, dogb_report *r, const json_t *row) {
    dogb_image image;
    uint8_t *jpeg = NULL;
    int rc =
        r->heat != NULL ? dogb_report_heat(&image, r, row) : dogb_report_picture(&image, r, row);
    if (rc < 0) {
        return rc;
    }
    rc = dogb_jpeg_encode(&jpeg, &out->size, r->arena, &image, DOGB_REPORT_QUALITY);
    dogb_release(r->arena, image.pixels);
    out->jpeg = jpeg;
    out->width = image.width;
    out->height = image.height;
    return rc;
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
    if (!r->options->html && !r->options->pdf) { // nobody would see them
        return;
    }
    if (thumbs == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    for (size_t i = 0; r->page->rc == DOGBREED_OK && i < count; i++) {
        int rc = make(&thumbs[made], r, rows[i]);
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

// --- heat maps

// Classes have the same numbers in both.
static int same_classes(dogb_report *r, const dogbreed_model *model) {
    size_t count = dogb_report_class_count(r);
    int same = count == (size_t)dogbreed_model_class_count(model);
    for (size_t i = 0; same && i < count; i++) {
        same = strcmp(dogb_report_class(r, (double)i),
                      dogbreed_model_class_name(model, (int32_t)i)) == 0;
    }
    return same ? DOGBREED_OK
                : dogb_fail(DOGBREED_ERROR_MISMATCH,
                            "model.safetensors: has other classes than evaluation.json");
}

// What cannot be shown is said; the pictures are plain then.
static void open_heat(dogb_report *r) {
    char *path = dogb_path_join(r->arena, r->source->run, "model.safetensors");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogbreed_model_load(&r->model, path);
    rc = rc < 0 ? rc : same_classes(r, r->model);
    rc = rc < 0 ? rc : dogb_heat_open(&r->heat, r->model, 1);
    if (rc == DOGBREED_ERROR_NO_MEMORY) {
        r->page->rc = rc;
    } else if (rc < 0) {
        dogb_page_text(r->page, DOGB_TONE_WARN, "No heat maps: %s.", dogbreed_error_message());
    } else {
        dogb_page_text(r->page, DOGB_TONE_FAINT,
                       "Pictures as the network sees them: in colour where it saw the class that "
                       "it named, grey and dark where nothing spoke for it (Grad-CAM).");
    }
}

static void close_heat(dogb_report *r) {
    dogb_heat_close(r->heat);
    dogbreed_model_destroy(r->model);
    r->heat = NULL;
    r->model = NULL;
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
    if (r->options->heat_maps && r->options->gallery && (r->options->html || r->options->pdf)) {
        open_heat(r);
    }
    add(r, rows, "Worst mistakes: the true class, and what the model said instead", "worst", worst);
    add(r, rows, "Least certain: the best two classes are close", "uncertain", uncertain);
    close_heat(r);
}
