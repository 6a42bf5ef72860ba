// confusion.c - which classes are taken for which: the matrix (confusion_matrix.c), and the
// commonest mistakes with their pictures.
#include "report/section.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 20, PICTURED = 6, PICTURES_OF_PAIR = 4 };

typedef struct pair {
    double count;
    double truth;
    double predicted;
} pair;

static const json_t *matrix_rows(const dogb_report *r) {
    const json_t *e = r->source->documents[DOGB_FILE_EVALUATION];
    return dogb_get_array(dogb_get(e, "confusion"), "rows");
}

static int compare(const void *a, const void *b) {
    const pair *x = a;
    const pair *y = b;
    return x->count < y->count           ? 1
           : x->count > y->count         ? -1
           : x->truth > y->truth         ? 1
           : x->truth < y->truth         ? -1
           : x->predicted > y->predicted ? 1
                                         : -1;
}

static size_t collect(pair **out, dogb_report *r, const json_t *rows) {
    size_t count = 0, capacity = 0, i = 0;
    const json_t *row = NULL;
    json_array_foreach(rows, i, row) {
        size_t k = 0;
        const json_t *cell = NULL;
        json_array_foreach(row, k, cell) {
            pair p = {dogb_number_of(json_array_get(cell, 1)), (double)i,
                      dogb_number_of(json_array_get(cell, 0))};
            if (!(p.count > 0) || !(p.predicted >= 0) || p.predicted == p.truth) {
                continue;
            }
            int rc = dogb_grow(r->arena, out, &capacity, count, sizeof **out);
            if (rc < 0) {
                r->page->rc = rc;
                return 0;
            }
            (*out)[count++] = p;
        }
    }
    if (count > 0) {
        qsort(*out, count, sizeof **out, compare);
    }
    return count;
}

static void add_table(dogb_report *r, const pair *pairs, size_t count) {
    static const dogb_column columns[] = {{.title = "Class"},
                                          {.title = "Taken for"},
                                          {.title = "Times", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Of its pictures", .kind = DOGB_COLUMN_SHARE}};
    const json_t *classes = dogb_get_array(r->source->documents[DOGB_FILE_EVALUATION], "classes");
    dogb_page_heading(r->page, "Most frequent mistakes");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        double of = dogb_get_number(json_array_get(classes, (size_t)pairs[i].truth), "count");
        double share = of > 0 ? pairs[i].count / of : (double)NAN;
        dogb_grid_text(grid, dogb_report_class(r, pairs[i].truth));
        dogb_grid_text(grid, dogb_report_class(r, pairs[i].predicted));
        dogb_grid_fixed(grid, pairs[i].count, 1, 0);
        dogb_grid_number(grid, share, dogb_page_percent(r->page, share, 0));
    }
}

static void add_pictures(dogb_report *r, const pair *pairs, size_t count) {
    const json_t *rows = dogb_get_array(r->source->documents[DOGB_FILE_EVALUATION], "predictions");
    const json_t *found[PICTURED * PICTURES_OF_PAIR];
    size_t size = 0;
    for (size_t i = 0; i < count && i < PICTURED; i++) {
        size_t k = 0, of_pair = 0;
        const json_t *row = NULL;
        json_array_foreach(rows, k, row) {
            if (of_pair < PICTURES_OF_PAIR && dogb_get_number(row, "true") == pairs[i].truth &&
                dogb_get_number(row, "predicted") == pairs[i].predicted) {
                found[size++] = row;
                of_pair++;
            }
        }
    }
    if (size > 0 && r->options->gallery) {
        dogb_page_heading(r->page, "Pictures of them");
        dogb_report_thumbs(r, found, size);
    }
}

void dogb_section_confusion(dogb_report *r) {
    pair *pairs = NULL;
    dogb_page_section(r->page, "confusion", "Confusion");
    const json_t *e = dogb_report_evaluation(r);
    const json_t *rows = matrix_rows(r);
    size_t classes = dogb_report_class_count(r);
    if (e == NULL) {
        return;
    }
    if (rows == NULL || classes == 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "evaluation.json has no confusion matrix.");
        return;
    }
    size_t count = collect(&pairs, r, rows);
    dogb_report_confusion(r, count > 0);
    if (count == 0) {
        dogb_page_text(r->page, DOGB_TONE_GOOD, "No picture was taken for another class.");
        return;
    }
    count = count < PAIRS_MAX ? count : PAIRS_MAX;
    add_table(r, pairs, count);
    add_pictures(r, pairs, count);
}
