// data.c - the data set: how many pictures of how many classes, and what the check has found.
#include "report/section.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *key;
    const char *label;
} splits[] = {{"train", "Training"}, {"valid", "Validation"}, {"test", "Test"}};

// From the check, else the manifest; of the test split, which training never reads, the evaluation.
static double files_of(const dogb_report *r, const char *split) {
    const json_t *const *documents = (const json_t *const *)r->source->documents;
    const json_t *check = dogb_get(dogb_get(documents[DOGB_FILE_CHECK], "splits"), split);
    const json_t *dataset = dogb_get(documents[DOGB_FILE_MANIFEST], "dataset");
    const json_t *evaluation = documents[DOGB_FILE_EVALUATION];
    double count = dogb_get_number(check, "files");
    count = isfinite(count)
                ? count
                : dogb_get_number(dogb_get(dogb_get(dataset, "fingerprint"), split), "files");
    return !isfinite(count) && strcmp(dogb_get_text(evaluation, "split"), split) == 0
               ? dogb_get_number(evaluation, "count")
               : count;
}

static void add_facts(dogb_report *r) {
    enum { SPLITS = sizeof splits / sizeof splits[0] };
    const json_t *dataset = dogb_get(r->source->documents[DOGB_FILE_MANIFEST], "dataset");
    const json_t *check = r->source->documents[DOGB_FILE_CHECK];
    dogb_fact facts[SPLITS + 2];
    size_t count = 0;
    double classes = dogb_get_number(check, "class_count");
    classes =
        isfinite(classes) ? classes : (double)json_array_size(dogb_get_array(dataset, "classes"));
    classes = classes > 0 ? classes : (double)dogb_report_class_count(r);
    if (classes > 0) {
        facts[count++] =
            (dogb_fact){.label = "Classes", .value = dogb_page_count(r->page, classes)};
    }
    for (size_t i = 0; i < SPLITS; i++) {
        double files = files_of(r, splits[i].key);
        if (isfinite(files)) {
            facts[count++] = (dogb_fact){.label = splits[i].label,
                                         .value = dogb_page_count(r->page, files),
                                         .note = "pictures"};
        }
    }
    const char *verdict = dogb_get_text(check, "verdict");
    if (*verdict != '\0') {
        facts[count++] = (dogb_fact){.label = "Data check",
                                     .value = verdict,
                                     .tone = strcmp(verdict, "ok") == 0        ? DOGB_TONE_GOOD
                                             : strcmp(verdict, "invalid") == 0 ? DOGB_TONE_BAD
                                                                               : DOGB_TONE_WARN};
    }
    if (count > 0) {
        dogb_page_facts(r->page, facts, count);
    }
    const char *place = dogb_get_text(dataset, "uri");
    if (*place != '\0') {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "%s", place);
    }
}

static void add_reasons(dogb_report *r, const json_t *check) {
    static const dogb_column columns[] = {{.title = "Severity", .kind = DOGB_COLUMN_STATUS},
                                          {.title = "Files", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Finding", .kind = DOGB_COLUMN_WIDE}};
    const json_t *reasons = dogb_get_array(check, "reasons");
    size_t i = 0;
    const json_t *row = NULL;
    if (json_array_size(reasons) == 0) {
        dogb_page_text(r->page, DOGB_TONE_GOOD, "The check of all files has found nothing.");
        return;
    }
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    json_array_foreach(reasons, i, row) {
        const char *severity = dogb_get_text(row, "severity");
        dogb_grid_tone(grid, strcmp(severity, "error") == 0 ? DOGB_TONE_BAD : DOGB_TONE_WARN,
                       severity);
        dogb_grid_fixed(grid, dogb_get_number(row, "count"), 1, 0);
        dogb_grid_text(grid, dogb_get_text(row, "text"));
    }
}

// --- how even the classes are

static int compare(const void *a, const void *b) {
    double more = *(const double *)b - *(const double *)a;
    return more > 0 ? 1 : more < 0 ? -1 : 0;
}

static void add_balance(dogb_report *r, const json_t *check) {
    const json_t *classes = dogb_get_array(check, "classes");
    const json_t *balance = dogb_get(check, "balance");
    size_t count = json_array_size(classes), i = 0;
    const json_t *row = NULL;
    double *edges = dogb_alloc(r->arena, count + 2, sizeof *edges);
    double *values = dogb_alloc(r->arena, count + 1, sizeof *values);
    if (edges == NULL || values == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    if (count < 2) {
        return;
    }
    json_array_foreach(classes, i, row) {
        double files = dogb_get_number(row, "files");
        values[i] = files >= 0 ? files : 0;
        edges[i + 1] = (double)i + 1;
    }
    qsort(values, count, sizeof *values, compare);
    const json_t *largest = dogb_get(balance, "largest");
    const json_t *smallest = dogb_get(balance, "smallest");
    if (isfinite(dogb_get_number(balance, "ratio"))) {
        dogb_page_text(r->page, DOGB_TONE_PLAIN,
                       "The largest class of the %s split is %s with %s pictures, the smallest %s "
                       "with %s: a ratio of %s.",
                       dogb_get_text(balance, "split"), dogb_get_text(largest, "name"),
                       dogb_page_count(r->page, dogb_get_number(largest, "files")),
                       dogb_get_text(smallest, "name"),
                       dogb_page_count(r->page, dogb_get_number(smallest, "files")),
                       dogb_page_fixed(r->page, dogb_get_number(balance, "ratio"), 2));
    }
    dogb_histogram_chart h = {
        .title = "Pictures per class, the largest first",
        .empty = "no picture",
        .x = {.label = "class, by size", .high = (double)count, .integers = 1},
        .label = "pictures",
        .edges = edges,
        .values = values,
        .count = count,
        .color = DOGB_COLOR_BLUE,
        .integers = 1};
    dogb_page_figure(r->page, "", DOGB_FIGURE_FULL, 260, dogb_page_draw_histogram, &h);
}

void dogb_section_data(dogb_report *r) {
    dogb_page_section(r->page, "data", "Data");
    add_facts(r);
    const json_t *check = dogb_report_document(
        r, DOGB_FILE_CHECK, "dogbreed report --check looks at every file of the data");
    if (check != NULL) {
        add_reasons(r, check);
        add_balance(r, check);
        dogb_report_keep(r, "check", check);
    }
}
