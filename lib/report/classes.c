// classes.c - the table of classes: how many were recognised, how often the name was right, and
// what they are taken for.
#include "report/section.h"

#include <math.h>

typedef struct tallied {
    double most;
    double most_index;
} tallied;

// The class that this one is most often taken for.
static tallied most_taken(const json_t *row, size_t own) {
    tallied t = {0, 0};
    size_t i = 0;
    const json_t *pair = NULL;
    json_array_foreach(row, i, pair) {
        double index = dogb_number_of(json_array_get(pair, 0));
        double count = dogb_number_of(json_array_get(pair, 1));
        if (index != (double)own && count > t.most) {
            t = (tallied){count, index};
        }
    }
    return t;
}

void dogb_section_classes(dogb_report *r) {
    static const dogb_column columns[] = {
        {.title = "Class"},
        {.title = "Pictures", .kind = DOGB_COLUMN_NUMBER},
        {.title = "Recognised", .kind = DOGB_COLUMN_SHARE},
        {.title = "Name is right", .kind = DOGB_COLUMN_SHARE},
        {.title = "F1", .kind = DOGB_COLUMN_NUMBER},
        {.title = "Most often taken for"},
    };
    size_t i = 0;
    const json_t *row = NULL;
    dogb_page_section(r->page, "classes", "Classes");
    const json_t *e = dogb_report_evaluation(r);
    const json_t *classes = dogb_get_array(e, "classes");
    if (e == NULL) {
        return;
    }
    if (json_array_size(classes) == 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "evaluation.json has no numbers per class.");
        return;
    }
    dogb_page_text(r->page, DOGB_TONE_FAINT,
                   "Recognised: share of the class's pictures that were given its name (recall). "
                   "Name is right: share of the pictures with that name that are of the class "
                   "(precision).");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    grid->sortable = 1;
    json_array_foreach(classes, i, row) {
        double recall = dogb_get_number(row, "recall");
        double precision = dogb_get_number(row, "precision");
        double f1 = recall + precision > 0 ? 2 * recall * precision / (recall + precision)
                                           : 0 * (recall + precision);
        tallied t =
            most_taken(json_array_get(dogb_get_array(dogb_get(e, "confusion"), "rows"), i), i);
        dogb_grid_text(grid, dogb_get_text(row, "class"));
        dogb_grid_fixed(grid, dogb_get_number(row, "count"), 1, 0);
        dogb_grid_number(grid, recall, dogb_page_percent(r->page, recall, 0));
        dogb_grid_number(grid, precision, dogb_page_percent(r->page, precision, 0));
        dogb_grid_fixed(grid, f1, 1, 2);
        dogb_grid_text(grid, t.most > 0 ? dogb_page_format(r->page, "%s (%s)",
                                                           dogb_report_class(r, t.most_index),
                                                           dogb_page_fixed(r->page, t.most, 0))
                                        : "");
    }
}
