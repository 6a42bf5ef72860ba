// calibration.c - whether probabilities mean what they say: the reliability diagram.
#include "report/section.h"

#include <math.h>

enum { BINS_MAX = 100, HEIGHT = 330 };

typedef struct bins {
    double edges[BINS_MAX + 1];
    double accuracy[BINS_MAX];
    double count[BINS_MAX];
    const char *notes[BINS_MAX];
    size_t size;
    double total;
    double confidence; // sums over the samples
    double correct;
} bins;

static int read(bins *b, dogb_report *r, const json_t *rows) {
    size_t i = 0;
    const json_t *row = NULL;
    *b = (bins){.size = 0};
    json_array_foreach(rows, i, row) {
        double low = dogb_get_number(row, "low"), high = dogb_get_number(row, "high");
        double n = dogb_get_number(row, "count");
        double accuracy = 100 * dogb_get_number(row, "accuracy");
        double confidence = 100 * dogb_get_number(row, "confidence");
        if (i >= BINS_MAX || !(low < high) || !(n >= 0)) {
            return 0;
        }
        b->edges[i] = 100 * low;
        b->edges[i + 1] = 100 * high;
        b->count[i] = n;
        b->accuracy[i] = accuracy;
        b->notes[i] = dogb_page_format(
            r->page, "%s to %s %%: %s pictures, probability %s %%, accuracy %s %%",
            dogb_page_fixed(r->page, 100 * low, 1), dogb_page_fixed(r->page, 100 * high, 1),
            dogb_page_count(r->page, n), dogb_page_fixed(r->page, confidence, 1),
            dogb_page_fixed(r->page, accuracy, 1));
        b->total += n;
        if (n > 0 && isfinite(accuracy) && isfinite(confidence)) {
            b->confidence += n * confidence;
            b->correct += n * accuracy;
        }
        b->size = i + 1;
    }
    return b->size > 0 && b->total > 0;
}

static void add_charts(dogb_report *r, const bins *b) {
    static const double ends[] = {0, 100};
    dogb_scale x = {.label = "probability of the chosen class (%)", .high = 100};
    dogb_series right = {.name = "perfect",
                         .kind = DOGB_SERIES_LINE,
                         .color = DOGB_COLOR_FAINT,
                         .size = 1.4,
                         .count = 2,
                         .x = ends,
                         .y = ends};
    dogb_histogram_chart h = {.title = "Reliability diagram",
                              .empty = "no picture",
                              .x = x,
                              .label = "accuracy (%)",
                              .edges = b->edges,
                              .values = b->accuracy,
                              .count = b->size,
                              .high = 100,
                              .color = 0xff86b7dd,
                              .series = &right,
                              .series_count = 1,
                              .notes = b->notes};
    dogb_page_figure(r->page, "", DOGB_FIGURE_HALF, HEIGHT, dogb_page_draw_histogram, &h);
    h.title = "How sure the model is";
    h.label = "pictures";
    h.values = b->count;
    h.high = 0;
    h.integers = 1;
    h.series_count = 0;
    dogb_page_figure(r->page, "", DOGB_FIGURE_HALF, HEIGHT, dogb_page_draw_histogram, &h);
}

void dogb_section_calibration(dogb_report *r) {
    dogb_page_section(r->page, "calibration", "Calibration");
    const json_t *e = dogb_report_evaluation(r);
    const json_t *calibration = dogb_get(e, "calibration");
    bins b;
    if (e == NULL) {
        return;
    }
    if (!read(&b, r, dogb_get_array(calibration, "bins"))) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "evaluation.json has no calibration.");
        return;
    }
    double gap = (b.confidence - b.correct) / b.total;
    dogb_page_text(r->page, DOGB_TONE_PLAIN,
                   "Expected calibration error %s over %zu bins of equal width, negative "
                   "log-likelihood %s. On average the model claims %s %% and is right in %s %%: it "
                   "is %s by %s points.",
                   dogb_page_percent(r->page, dogb_get_number(calibration, "ece"), 2), b.size,
                   dogb_page_fixed(r->page, dogb_get_number(e, "loss"), 4),
                   dogb_page_fixed(r->page, b.confidence / b.total, 1),
                   dogb_page_fixed(r->page, b.correct / b.total, 1),
                   gap > 0 ? "too sure" : "too modest", dogb_page_fixed(r->page, fabs(gap), 1));
    add_charts(r, &b);
}
