// confusion_matrix.c - the matrix with classes that are taken for each other side by side, and
// which those are. Of very many classes, those with the most mistakes.
#include "report/cluster.h"
#include "report/section.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 200, GROUPS_MAX = 20 };

static const json_t *matrix_rows(const dogb_report *r) {
    const json_t *e = r->source->documents[DOGB_FILE_EVALUATION];
    return dogb_get_array(dogb_get(e, "confusion"), "rows");
}

// A cell of a row: how often, and for which class. 0: it is no such cell.
static double read_cell(size_t *column, const json_t *cell, size_t classes) {
    double at = dogb_number_of(json_array_get(cell, 0));
    double n = dogb_number_of(json_array_get(cell, 1));
    if (!(at >= 0 && at < (double)classes && n >= 0 && isfinite(n))) {
        return 0;
    }
    *column = (size_t)at;
    return n;
}

// The counts of these classes, in this order.
static int fill(dogb_matrix *out, dogb_report *r, const size_t *chosen, size_t count) {
    const json_t *rows = matrix_rows(r);
    size_t classes = dogb_report_class_count(r);
    const char **names = dogb_alloc(r->arena, count + 1, sizeof *names);
    double *values = dogb_alloc(r->arena, count * count + 1, sizeof *values);
    size_t *place = dogb_alloc(r->arena, classes + 1, sizeof *place); // 0: it is not shown
    *out = (dogb_matrix){.title = "Confusion matrix, shaded by row",
                         .names = names,
                         .values = values,
                         .count = count};
    if (names == NULL || values == NULL || place == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        place[chosen[i]] = i + 1;
    }
    for (size_t i = 0; i < count; i++) {
        size_t k = 0, column = 0;
        const json_t *cell = NULL;
        names[i] = dogb_report_class(r, (double)chosen[i]);
        json_array_foreach(json_array_get(rows, chosen[i]), k, cell) {
            double n = read_cell(&column, cell, classes);
            if (n > 0 && place[column] > 0) {
                values[i * count + place[column] - 1] = n;
            }
        }
    }
    return DOGBREED_OK;
}

typedef struct mistakes {
    double count; // of a class, in its row and its column
    size_t class;
} mistakes;

static int most_first(const void *a, const void *b) {
    const mistakes *x = a;
    const mistakes *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : x->class < y->class ? -1 : 1;
}

static int by_class(const void *a, const void *b) {
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

// All classes, or the `most` with the most mistakes; in their own order. Returns how many.
static size_t choose(size_t **out, dogb_report *r, size_t most) {
    const json_t *rows = matrix_rows(r);
    size_t classes = rows == NULL ? 0 : dogb_report_class_count(r);
    mistakes *all = dogb_alloc(r->arena, classes + 1, sizeof *all);
    size_t *chosen = dogb_alloc(r->arena, classes + 1, sizeof *chosen);
    *out = chosen;
    if (all == NULL || chosen == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return 0;
    }
    for (size_t i = 0; i < classes; i++) {
        size_t k = 0, column = 0;
        const json_t *cell = NULL;
        all[i].class = i;
        json_array_foreach(json_array_get(rows, i), k, cell) {
            double n = read_cell(&column, cell, classes);
            all[i].count += n > 0 && column != i ? n : 0;
            all[column].count += n > 0 && column != i ? n : 0;
        }
    }
    if (classes > most) {
        qsort(all, classes, sizeof *all, most_first);
        classes = most;
    }
    for (size_t i = 0; i < classes; i++) {
        chosen[i] = all[i].class;
    }
    qsort(chosen, classes, sizeof *chosen, by_class);
    return classes;
}

int dogb_report_matrix(dogb_matrix *out, dogb_report *r) {
    size_t *chosen = NULL;
    size_t count = choose(&chosen, r, SIZE_MAX);
    return r->page->rc < 0 ? r->page->rc : fill(out, r, chosen, count);
}

// --- groups

// Mistakes inside a group of a matrix that stands in the clusters' order.
static double inside(const dogb_matrix *m, const dogb_cells *group, double *pictures) {
    double wrong = 0;
    *pictures = 0;
    for (size_t i = group->first; i < group->first + group->count; i++) {
        *pictures += dogb_matrix_row(m, i);
        for (size_t k = group->first; k < group->first + group->count; k++) {
            wrong += i == k ? 0 : m->values[i * m->count + k];
        }
    }
    return wrong;
}

// Those with the most mistakes first; the order of equal ones stays.
static void sort_groups(dogb_clusters *clusters, const dogb_matrix *m) {
    double pictures = 0;
    for (size_t i = 1; i < clusters->group_count; i++) {
        dogb_cells own = clusters->groups[i];
        double wrong = inside(m, &own, &pictures);
        size_t at = i;
        for (; at > 0 && inside(m, &clusters->groups[at - 1], &pictures) < wrong; at--) {
            clusters->groups[at] = clusters->groups[at - 1];
        }
        clusters->groups[at] = own;
    }
}

static void add_group(dogb_report *r, dogb_grid *grid, const dogb_matrix *m,
                      const dogb_cells *group) {
    dogb_buffer names = {.arena = r->arena};
    double pictures = 0;
    double wrong = inside(m, group, &pictures);
    double share = pictures > 0 ? wrong / pictures : (double)NAN;
    for (size_t i = 0; i < group->count; i++) {
        dogb_buffer_add(&names, i == 0 ? "" : ", ");
        dogb_buffer_add(&names, m->names[group->first + i]);
    }
    r->page->rc = names.rc < 0 ? names.rc : r->page->rc;
    dogb_grid_text(grid, names.rc < 0 ? "" : names.data);
    dogb_grid_fixed(grid, wrong, 1, 0);
    dogb_grid_number(grid, share, dogb_page_percent(r->page, share, 0));
}

static void add_groups(dogb_report *r, const dogb_matrix *m, const dogb_clusters *clusters) {
    static const dogb_column columns[] = {
        {.title = "Taken for each other", .kind = DOGB_COLUMN_WIDE},
        {.title = "Mistakes among them", .kind = DOGB_COLUMN_NUMBER},
        {.title = "Of their pictures", .kind = DOGB_COLUMN_SHARE}};
    if (clusters->group_count == 0) {
        return;
    }
    dogb_page_heading(r->page, "Groups of classes");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    grid->sortable = 1;
    for (size_t i = 0; i < clusters->group_count && i < GROUPS_MAX; i++) {
        add_group(r, grid, m, &clusters->groups[i]);
    }
}

static json_t *numbers(dogb_report *r, const size_t *classes, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        int rc = dogb_json_add(list, json_integer((json_int_t)classes[i]));
        r->page->rc = rc < 0 ? rc : r->page->rc;
    }
    return list;
}

// confusion: {order: [class], groups: [[class]]}
static void put_document(dogb_report *r, const dogb_clusters *clusters, const size_t *order,
                         size_t count) {
    json_t *object = json_object();
    json_t *groups = json_array();
    for (size_t i = 0; i < clusters->group_count; i++) {
        const dogb_cells *group = &clusters->groups[i];
        int rc = dogb_json_add(groups, numbers(r, order + group->first, group->count));
        r->page->rc = rc < 0 ? rc : r->page->rc;
    }
    int rc = dogb_json_set(object, "order", numbers(r, order, count));
    int other = dogb_json_set(object, "groups", groups);
    r->page->rc = rc < 0 ? rc : other < 0 ? other : r->page->rc;
    dogb_report_set(r, "confusion", object);
}

// --- the picture

static void draw(dogb_drawing *drawing, dogb_box box, const void *data) {
    dogb_matrix_draw(drawing, data, box);
}

static void add_picture(dogb_report *r, const dogb_matrix *m, const dogb_clusters *clusters) {
    double height =
        fmin(140 + 64.0 * (double)m->count, m->count > DOGB_REPORT_MATRIX_MAX ? 760 : 620);
    size_t classes = dogb_report_class_count(r);
    if (m->count < classes) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "The %zu of %zu classes with the most mistakes.",
                       m->count, classes);
    }
    if (clusters->group_count > 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT,
                       "Classes that are taken for each other stand side by side. In a frame, "
                       "on average a tenth or more of the pictures of two classes is taken for "
                       "the other one.");
    }
    dogb_page_figure(r->page, "", DOGB_FIGURE_FULL, height, draw, m);
}

void dogb_report_confusion(dogb_report *r, int mistaken) {
    dogb_matrix matrix;
    dogb_clusters clusters;
    size_t *chosen = NULL;
    size_t count = choose(&chosen, r, SHOWN_MAX);
    size_t *order = dogb_alloc(r->arena, count + 1, sizeof *order);
    int rc = order == NULL ? DOGBREED_ERROR_NO_MEMORY : r->page->rc;
    rc = rc < 0 ? rc : fill(&matrix, r, chosen, count);
    rc = rc < 0 ? rc : dogb_cluster_classes(&clusters, r->arena, matrix.values, count);
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        order[i] = chosen[clusters.order[i]];
    }
    rc = rc < 0 ? rc : fill(&matrix, r, order, count);
    if (rc < 0) {
        r->page->rc = rc;
        return;
    }
    sort_groups(&clusters, &matrix);
    matrix.frames = clusters.groups;
    matrix.frame_count = clusters.group_count;
    put_document(r, &clusters, order, count);
    if (mistaken || count <= DOGB_REPORT_MATRIX_MAX) {
        add_picture(r, &matrix, &clusters);
    }
    add_groups(r, &matrix, &clusters);
}
