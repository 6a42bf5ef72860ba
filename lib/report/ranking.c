// ranking.c - how well probabilities tell classes apart at any threshold: ROC, and precision by
// recall.
#include "report/section.h"

#include "core/error.h"

#include <math.h>

enum { HEIGHT = 330, POINTS_MAX = 10000 };

// Both in percent, each with one more point at an end.
typedef struct curves {
    double *recall;
    double *fall_out;  // share of wrong answers that are not below the threshold
    double *precision; // from a point's recall on, up to the next one
    size_t count;
    double chance; // precision of a guess
} curves;

static int read(curves *c, dogb_report *r, const json_t *roc) {
    const json_t *right = dogb_get_array(roc, "true_positives");
    const json_t *wrong = dogb_get_array(roc, "false_positives");
    double positives = dogb_get_number(roc, "positives");
    double negatives = dogb_get_number(roc, "negatives");
    size_t size = json_array_size(right);
    if (size == 0 || size > POINTS_MAX || json_array_size(wrong) != size || !(positives > 0) ||
        !(negatives > 0)) {
        return 0;
    }
    double *all = dogb_alloc(r->arena, 3 * (size + 2), sizeof *all);
    if (all == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return 0;
    }
    *c = (curves){.recall = all,
                  .fall_out = all + size + 2,
                  .precision = all + 2 * (size + 2),
                  .count = size + 2,
                  .chance = 100 * positives / (positives + negatives)};
    for (size_t i = 0; i < size; i++) {
        double tp = dogb_number_of(json_array_get(right, i));
        double fp = dogb_number_of(json_array_get(wrong, i));
        if (!(tp > 0 && tp <= positives && fp >= 0 && fp <= negatives)) {
            return 0;
        }
        c->recall[i + 1] = 100 * tp / positives;
        c->fall_out[i + 1] = 100 * fp / negatives;
        c->precision[i] = 100 * tp / (tp + fp);
    }
    c->recall[size + 1] = c->fall_out[size + 1] = 100;
    c->precision[size] = c->precision[size + 1] = c->precision[size - 1];
    return 1;
}

typedef struct shown {
    const char *title;
    const char *x;
    const char *y;
    const char *name;
    double guess[2]; // at both ends
} shown;

static void add_chart(dogb_report *r, const shown *s, const double *x, const double *y,
                      size_t count) {
    static const double ends[] = {0, 100};
    const dogb_series series[] = {{.name = "guessing",
                                   .kind = DOGB_SERIES_LINE,
                                   .color = DOGB_COLOR_FAINT,
                                   .size = 1.4,
                                   .count = 2,
                                   .x = ends,
                                   .y = s->guess},
                                  {.name = s->name,
                                   .kind = DOGB_SERIES_STEPS,
                                   .color = DOGB_COLOR_BLUE,
                                   .size = 2,
                                   .count = count,
                                   .x = x,
                                   .y = y}};
    dogb_chart chart = {.title = s->title,
                        .empty = "no picture",
                        .x = {.label = s->x, .high = 100},
                        .y = {.label = s->y, .high = 100},
                        .series = series,
                        .series_count = 2};
    dogb_page_figure(r->page, "", DOGB_FIGURE_HALF, HEIGHT, dogb_page_draw_chart, &chart);
}

void dogb_section_ranking(dogb_report *r) {
    dogb_page *page = r->page;
    dogb_page_section(page, "roc", "ROC, precision and recall");
    const json_t *e = dogb_report_evaluation(r);
    const json_t *roc = dogb_get(e, "roc");
    curves c;
    if (e == NULL) {
        return;
    }
    if (!read(&c, r, roc)) {
        dogb_page_text(page, DOGB_TONE_FAINT, "evaluation.json has no ROC curve.");
        return;
    }
    const char *auc = dogb_page_percent(page, dogb_get_number(roc, "auc"), 2);
    const char *precision = dogb_page_percent(page, dogb_get_number(roc, "average_precision"), 2);
    dogb_page_text(
        page, DOGB_TONE_PLAIN,
        "Each class of each picture is asked for by itself, %s questions together (micro "
        "average): area under the ROC curve %s, average precision %s (guessing: %s "
        "and %s). Where most answers are no, as with many classes, precision and "
        "recall say more than ROC.",
        dogb_page_count(page,
                        dogb_get_number(roc, "positives") + dogb_get_number(roc, "negatives")),
        auc, precision, dogb_page_percent(page, 0.5, 0),
        dogb_page_percent(page, c.chance / 100, 1));
    shown s = {.title = "ROC curve",
               .x = "wrong classes taken (%)",
               .y = "true classes taken (%)",
               .name = dogb_page_format(page, "area %s", auc),
               .guess = {0, 100}};
    add_chart(r, &s, c.fall_out, c.recall, c.count);
    s = (shown){.title = "Precision by recall",
                .x = "recall (%)",
                .y = "precision (%)",
                .name = dogb_page_format(page, "average %s", precision),
                .guess = {c.chance, c.chance}};
    add_chart(r, &s, c.recall, c.precision, c.count - 1);
}
