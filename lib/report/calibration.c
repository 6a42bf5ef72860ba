// calibration.c - whether probabilities mean what they say: the reliability diagram.
#include "report/section.h"

#include "core/error.h"

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

// What the temperature makes of each bin, as marks: how sure the model then is, how often right.
static dogb_series after_of(dogb_report *r, const json_t *rows) {
    dogb_series after = {.name = "with the temperature",
                         .kind = DOGB_SERIES_MARKS,
                         .color = DOGB_COLOR_RED,
                         .size = 3.5};
    double *x = dogb_alloc(r->arena, BINS_MAX, sizeof *x);
    double *y = dogb_alloc(r->arena, BINS_MAX, sizeof *y);
    size_t i = 0;
    const json_t *row = NULL;
    if (x == NULL || y == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return after;
    }
    json_array_foreach(rows, i, row) {
        if (i >= BINS_MAX) {
            break;
        }
        x[i] = 100 * dogb_get_number(row, "confidence");
        y[i] = 100 * dogb_get_number(row, "accuracy");
        after.count = i + 1;
    }
    after.x = x;
    after.y = y;
    return after;
}

static void add_charts(dogb_report *r, const bins *b, const json_t *scaled) {
    static const double ends[] = {0, 100};
    dogb_scale x = {.label = "probability of the chosen class (%)", .high = 100};
    dogb_series lines[] = {{.name = "perfect",
                            .kind = DOGB_SERIES_LINE,
                            .color = DOGB_COLOR_FAINT,
                            .size = 1.4,
                            .count = 2,
                            .x = ends,
                            .y = ends},
                           after_of(r, dogb_get_array(scaled, "bins"))};
    dogb_histogram_chart h = {.title = "Reliability diagram",
                              .empty = "no picture",
                              .x = x,
                              .label = "accuracy (%)",
                              .edges = b->edges,
                              .values = b->accuracy,
                              .count = b->size,
                              .high = 100,
                              .color = 0xff86b7dd,
                              .series = lines,
                              .series_count = 2,
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

static void add_temperature(dogb_report *r, const json_t *e, const json_t *calibration) {
    dogb_page *page = r->page;
    const json_t *temperature = dogb_get(calibration, "temperature");
    const json_t *scaled = dogb_get(calibration, "scaled");
    double value = dogb_number_of(temperature);
    if (json_is_null(temperature)) {
        dogb_page_text(page, DOGB_TONE_FAINT,
                       "Temperature scaling: the loss has no minimum at temperatures from 0.01 to "
                       "100, as when every picture is recognised.");
    }
    if (!(value > 0) || !isfinite(value) || scaled == NULL) {
        return;
    }
    dogb_page_text(
        page, DOGB_TONE_PLAIN,
        "Outputs divided by the temperature %s would have the smallest loss: the calibration error "
        "goes from %s to %s, the negative log-likelihood from %s to %s; what is recognised stays "
        "the same. The temperature was fitted on these same pictures, so the numbers behind it "
        "flatter: judge it on pictures that it has not seen.",
        dogb_page_fixed(page, value, 3),
        dogb_page_percent(page, dogb_get_number(calibration, "ece"), 2),
        dogb_page_percent(page, dogb_get_number(scaled, "ece"), 2),
        dogb_page_fixed(page, dogb_get_number(e, "loss"), 4),
        dogb_page_fixed(page, dogb_get_number(scaled, "loss"), 4));
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
                   "log-likelihood %s. On average the model claims %s and is right in %s: it "
                   "is %s by %s points.",
                   dogb_page_percent(r->page, dogb_get_number(calibration, "ece"), 2), b.size,
                   dogb_page_fixed(r->page, dogb_get_number(e, "loss"), 4),
                   dogb_page_percent(r->page, b.confidence / b.total / 100, 1),
                   dogb_page_percent(r->page, b.correct / b.total / 100, 1),
                   gap > 0 ? "too sure" : "too modest", dogb_page_fixed(r->page, fabs(gap), 1));
    add_temperature(r, e, calibration);
    add_charts(r, &b, dogb_get(calibration, "scaled"));
}
