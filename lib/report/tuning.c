// tuning.c - the study of the run: what was tried, what came of it, what mattered.
#include "report/section.h"

#include "core/error.h"
#include "core/file.h"
#include "tuner/picture.h"
#include "tuner/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BEST_ROWS = 10 };

static void destroy(void *tuner) {
    dogbreed_tuner_destroy(tuner);
}

// runs of `tune` have the study beside them, those of `run` in tune/. NULL: there is none.
static char *find_study(dogb_report *r) {
    static const char *const places[] = {"study.db", "tune/study.db"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *path = dogb_path_join(r->arena, r->source->run, places[i]);
        if (path == NULL) {
            r->page->rc = DOGBREED_ERROR_NO_MEMORY;
            return NULL;
        }
        if (dogb_file_exists(path)) {
            return path;
        }
    }
    return NULL;
}

// --- pictures

static const struct {
    int (*make)(dogb_picture *picture);
    const char *caption;
    int narrow; // 1: it can be drawn for small screens too
} pictures[] = {
    {dogb_picture_history, "Each mark is a trial; the line is the best value so far.", 1},
    {dogb_picture_parallel, "Each line is a trial: its parameters, and its result on the right.",
     0},
    {dogb_picture_importance, "", 1},
    {dogb_picture_slices, "", 0},
};

static const dogb_drawing *draw(dogb_report *r, const dogbreed_tuner *tuner, size_t which,
                                double width) {
    dogb_picture *picture = dogb_alloc(r->arena, 1, sizeof *picture);
    if (picture == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return NULL;
    }
    *picture = (dogb_picture){
        .tuner = tuner, .arena = r->arena, .width = width, .csv = {.arena = r->arena}};
    int rc = dogb_picture_prepare(picture);
    rc = rc < 0 ? rc : pictures[which].make(picture);
    r->page->rc = rc < 0 ? rc : r->page->rc;
    return &picture->drawing;
}

static void add_pictures(dogb_report *r, const dogbreed_tuner *tuner) {
    for (size_t i = 0; r->page->rc == DOGBREED_OK && i < sizeof pictures / sizeof pictures[0];
         i++) {
        const dogb_drawing *wide = draw(r, tuner, i, 0);
        const dogb_drawing *narrow =
            pictures[i].narrow ? draw(r, tuner, i, DOGB_FIGURE_NARROW) : NULL;
        dogb_page_drawing(r->page, pictures[i].caption, wide, narrow);
    }
}

// --- numbers

static const char *value_text(dogb_report *r, const dogbreed_tuner *tuner, double value) {
    return tuner->options.objective == DOGBREED_OBJECTIVE_VAL_ACCURACY ||
                   tuner->options.objective == DOGBREED_OBJECTIVE_VAL_TOP5
               ? dogb_page_percent(r->page, value, 2)
               : dogb_page_fixed(r->page, value, 5);
}

static size_t count_state(const dogbreed_tuner *tuner, int32_t state) {
    size_t count = 0;
    for (size_t i = 0; i < tuner->count; i++) {
        count += tuner->trials[i].state == state;
    }
    return count;
}

static void add_facts(dogb_report *r, const dogbreed_tuner *tuner) {
    char *objective = NULL;
    int64_t best = dogb_tuner_best(tuner);
    size_t failed = count_state(tuner, DOGB_TRIAL_FAIL);
    int rc = dogb_table_get(&objective, &dogb_tuner_table, &tuner->options, "objective");
    r->page->rc = rc < 0 ? rc : r->page->rc;
    dogb_fact facts[] = {
        {.label = "Trials",
         .value = dogb_page_format(r->page, "%zu", tuner->count),
         .note = dogb_page_format(r->page, "%zu complete, %zu pruned, %zu failed",
                                  count_state(tuner, DOGB_TRIAL_COMPLETE),
                                  count_state(tuner, DOGB_TRIAL_PRUNED), failed),
         .tone = failed > 0 ? DOGB_TONE_WARN : DOGB_TONE_PLAIN},
        {.label = dogb_page_format(r->page, "Best %s", objective == NULL ? "value" : objective),
         .value = best < 0 ? "\xe2\x80\x93" : value_text(r, tuner, tuner->trials[best].value),
         .note = best < 0 ? NULL : dogb_page_format(r->page, "trial %lld", (long long)best)}};
    dogb_page_facts(r->page, facts, sizeof facts / sizeof facts[0]);
    dogbreed_free(objective);
}

typedef struct rank {
    double loss; // smaller is better
    const dogb_trial *trial;
} rank;

static int compare(const void *a, const void *b) {
    const rank *x = a;
    const rank *y = b;
    return x->loss < y->loss ? -1 : x->loss > y->loss ? 1 : x->trial < y->trial ? -1 : 1;
}

static size_t sort(rank *ranks, const dogbreed_tuner *tuner) {
    size_t count = 0;
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        if (dogb_trial_has_value(trial, 0)) {
            ranks[count++] = (rank){dogb_tuner_sign(tuner) * trial->value, trial};
        }
    }
    qsort(ranks, count, sizeof *ranks, compare);
    return count;
}

static void add_row(dogb_grid *grid, dogb_report *r, const dogbreed_tuner *tuner,
                    const dogb_trial *trial) {
    dogb_grid_number(grid, (double)(trial - tuner->trials),
                     dogb_page_format(r->page, "%td", trial - tuner->trials));
    dogb_grid_number(grid, trial->value, value_text(r, tuner, trial->value));
    for (size_t k = 0; k < tuner->axis_count; k++) {
        const dogb_axis *axis = &tuner->axes[k];
        double value = trial->values[k];
        const char *text = isnan(value)                    ? ""
                           : axis->kind == DOGB_AXIS_FLOAT ? dogb_picture_number(r->arena, value)
                                                           : dogb_trial_text(r->arena, axis, value);
        if (text == NULL) {
            r->page->rc = DOGBREED_ERROR_NO_MEMORY;
            return;
        }
        if (axis->kind == DOGB_AXIS_CHOICE) {
            dogb_grid_text(grid, text);
        } else {
            dogb_grid_number(grid, value, text);
        }
    }
    dogb_grid_fixed(grid, trial->complete - trial->start, 1, 1);
}

static void add_best(dogb_report *r, const dogbreed_tuner *tuner) {
    size_t columns = tuner->axis_count + 3;
    rank *ranks = dogb_alloc(r->arena, tuner->count + 1, sizeof *ranks);
    dogb_column *column = dogb_alloc(r->arena, columns, sizeof *column);
    if (ranks == NULL || column == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    column[0] = (dogb_column){.title = "Trial", .kind = DOGB_COLUMN_NUMBER};
    column[1] = (dogb_column){.title = "Result", .kind = DOGB_COLUMN_NUMBER};
    for (size_t k = 0; k < tuner->axis_count; k++) {
        column[k + 2] = (dogb_column){.title = tuner->axes[k].name, .kind = DOGB_COLUMN_NUMBER};
    }
    column[columns - 1] = (dogb_column){.title = "Seconds", .kind = DOGB_COLUMN_NUMBER};
    size_t count = sort(ranks, tuner);
    if (count == 0) {
        return;
    }
    dogb_page_heading(r->page, "Best trials");
    dogb_grid *grid = dogb_page_grid(r->page, column, columns);
    grid->sortable = 1;
    for (size_t i = 0; i < count && i < BEST_ROWS; i++) {
        add_row(grid, r, tuner, ranks[i].trial);
    }
}

// The validation split tells values apart to so many points only.
static void add_noise(dogb_report *r, const dogbreed_tuner *tuner) {
    const json_t *manifest = r->source->documents[DOGB_FILE_MANIFEST];
    const json_t *print = dogb_get(dogb_get(manifest, "dataset"), "fingerprint");
    double judged = dogb_get_number(dogb_get(print, "valid"), "files");
    double folds = dogb_get_number(r->source->documents[DOGB_FILE_CONFIG], "kfold");
    int64_t best = dogb_tuner_best(tuner);
    if (folds > 0) {
        judged += dogb_get_number(dogb_get(print, "train"), "files");
    }
    if (best < 0 || tuner->options.objective != DOGBREED_OBJECTIVE_VAL_ACCURACY || !(judged > 0)) {
        return;
    }
    double value = tuner->trials[best].value;
    double error = sqrt(value * (1 - value) / judged);
    size_t within = 0;
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        within += dogb_trial_has_value(trial, 0) && trial->value >= value - error;
    }
    dogb_page_text(r->page, DOGB_TONE_PLAIN,
                   "%s pictures tell accuracies apart to %s points (one standard error): %zu of "
                   "the %zu trials lie that close to the best, so its value is partly luck.",
                   dogb_page_count(r->page, judged), dogb_page_fixed(r->page, 100 * error, 2),
                   within, tuner->count);
}

static void add_json(dogb_report *r, dogbreed_tuner *tuner) {
    char *csv = NULL;
    char *text = NULL;
    char *shares = NULL;
    json_t *trials = NULL;
    json_t *importance = NULL;
    json_t *study = json_object();
    dogb_report_set(r, "study", study);
    int rc = r->page->rc;
    rc = rc < 0 ? rc : dogbreed_tuner_table(&csv, &text, tuner);
    rc = rc < 0 ? rc : dogbreed_tuner_importance(&shares, tuner);
    rc = rc < 0 ? rc : dogb_json_parse(&trials, r->arena, text, strlen(text), "trials");
    rc = rc < 0 ? rc : dogb_json_parse(&importance, r->arena, shares, strlen(shares), "importance");
    rc = rc < 0 ? rc : dogb_json_set(study, "trials", json_incref(trials));
    rc = rc < 0 ? rc : dogb_json_set(study, "importance", json_incref(importance));
    rc = rc < 0 ? rc : dogb_json_set_int(study, "best", dogb_tuner_best(tuner));
    r->page->rc = rc < 0 ? rc : r->page->rc;
    dogbreed_free(csv);
    dogbreed_free(text);
    dogbreed_free(shares);
}

void dogb_section_tuning(dogb_report *r) {
    dogbreed_tuner *tuner = NULL;
    char *path = find_study(r);
    if (path == NULL) {
        return; // most runs search nothing
    }
    const char *name = dogb_get_text(r->source->documents[DOGB_FILE_CONFIG], "study");
    dogb_page_section(r->page, "tuning", "Search");
    int rc = dogb_tuner_view(&tuner, path, *name == '\0' ? "study" : name);
    rc = rc < 0 ? rc : dogb_defer(r->arena, destroy, tuner);
    if (rc == DOGBREED_ERROR_NO_MEMORY) {
        r->page->rc = rc;
        return;
    }
    if (rc < 0) {
        dogb_page_text(r->page, DOGB_TONE_BAD, "%s", dogbreed_error_message());
        return;
    }
    add_facts(r, tuner);
    add_noise(r, tuner);
    if (!r->page->no_pictures && tuner->axis_count > 0) {
        add_pictures(r, tuner);
    }
    add_best(r, tuner);
    if (tuner->axis_count > 0) {
        add_json(r, tuner);
    }
}
