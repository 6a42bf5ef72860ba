// summary.c - the first section: what came out, how sure it is, what was found.
#include "report/section.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

static void add_test(dogb_report *r, dogb_fact *facts, size_t *count) {
    const json_t *e = r->source->documents[DOGB_FILE_EVALUATION];
    dogb_page *page = r->page;
    if (!isfinite(dogb_get_number(e, "top1"))) {
        return;
    }
    const char *split = dogb_get_text(e, "split");
    facts[(*count)++] = (dogb_fact){
        .label = dogb_page_format(page, "Accuracy (%s)", split),
        .value = dogb_page_percent(page, dogb_get_number(e, "top1"), 2),
        .note = dogb_page_format(page, "%s of %s pictures; 95\xc2\xa0%% interval %s to %s",
                                 dogb_page_count(page, dogb_get_number(e, "correct")),
                                 dogb_page_count(page, dogb_get_number(e, "count")),
                                 dogb_page_fixed(page, 100 * dogb_get_number(e, "top1_low"), 1),
                                 dogb_page_percent(page, dogb_get_number(e, "top1_high"), 1))};
    if (dogb_report_class_count(r) > 5) {
        facts[(*count)++] =
            (dogb_fact){.label = dogb_page_format(page, "Top-5 accuracy (%s)", split),
                        .value = dogb_page_percent(page, dogb_get_number(e, "top5"), 2)};
    }
    double ece = dogb_get_number(dogb_get(e, "calibration"), "ece");
    facts[(*count)++] =
        (dogb_fact){.label = dogb_page_format(page, "Loss (%s)", split),
                    .value = dogb_page_fixed(page, dogb_get_number(e, "loss"), 4),
                    .note = isfinite(ece) ? dogb_page_format(page, "calibration error %s",
                                                             dogb_page_percent(page, ece, 1))
                                          : NULL};
}

static void add_training(dogb_report *r, dogb_fact *facts, size_t *count) {
    const dogb_source *s = r->source;
    const json_t *best = dogb_get(s->documents[DOGB_FILE_STATUS], "best");
    const json_t *run = dogb_get(s->documents[DOGB_FILE_MANIFEST], "run");
    const char *metric = dogb_get_text(best, "metric");
    double value = dogb_get_number(best, "value");
    dogb_page *page = r->page;
    if (isfinite(value)) {
        facts[(*count)++] = (dogb_fact){
            .label = dogb_page_format(page, "Best %s", metric),
            .value = strstr(metric, "loss") == NULL ? dogb_page_percent(page, value, 2)
                                                    : dogb_page_fixed(page, value, 4),
            .note = dogb_page_format(page, "epoch %lld of %zu",
                                     (long long)dogb_report_best_epoch(r), s->metrics.row_count)};
    }
    if (isfinite(dogb_get_number(run, "wall_s"))) {
        facts[(*count)++] =
            (dogb_fact){.label = "Training took",
                        .value = dogb_page_seconds(page, dogb_get_number(run, "wall_s")),
                        .note = dogb_page_format(
                            page, "%s of memory at most",
                            dogb_page_bytes(page, dogb_get_number(run, "peak_rss_bytes")))};
    }
}

// One that only sums up the others is none of its own.
static int has_status(const json_t *rule, const char *status) {
    return strcmp(dogb_get_text(rule, "status"), status) == 0 &&
           strcmp(dogb_get_text(rule, "rule"), "ProfilerReport") != 0;
}

static size_t count_rules(const dogb_source *s, const char *status) {
    static const int files[] = {DOGB_FILE_FINDINGS, DOGB_FILE_PROFILE};
    size_t count = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t k = 0;
        const json_t *rule = NULL;
        json_array_foreach(dogb_get_array(s->documents[files[i]], "rules"), k, rule) {
            count += has_status(rule, status) != 0;
        }
    }
    return count;
}

static void add_findings(dogb_report *r, dogb_fact *facts, size_t *count) {
    const dogb_source *s = r->source;
    size_t issues = count_rules(s, "IssuesFound");
    size_t fine = count_rules(s, "NoIssuesFound");
    size_t rest = count_rules(s, "NotEvaluated");
    if (issues + fine + rest == 0) {
        return;
    }
    facts[(*count)++] = (dogb_fact){
        .label = "Rules that found something",
        .value = dogb_page_format(r->page, "%zu of %zu", issues, issues + fine + rest),
        .note = rest > 0 ? dogb_page_format(r->page, "%zu could not be judged", rest) : NULL,
        .tone = issues > 0 ? DOGB_TONE_WARN : DOGB_TONE_GOOD};
}

static void add_state(dogb_report *r) {
    const json_t *status = r->source->documents[DOGB_FILE_STATUS];
    const char *state = dogb_get_text(status, "state");
    const char *message = dogb_get_text(status, "message");
    if (*state == '\0' || strcmp(state, "completed") == 0) {
        return;
    }
    dogb_page_text(r->page, strcmp(state, "failed") == 0 ? DOGB_TONE_BAD : DOGB_TONE_WARN,
                   "The run's state is %s: epoch %s of %s%s%s.", state,
                   dogb_page_fixed(r->page, dogb_get_number(status, "epoch"), 0),
                   dogb_page_fixed(r->page, dogb_get_number(status, "epochs"), 0),
                   *message == '\0' ? "" : "; ", message);
}

static void add_model(dogb_report *r) {
    const json_t *manifest = r->source->documents[DOGB_FILE_MANIFEST];
    const json_t *model = dogb_get(manifest, "model");
    const json_t *engine = dogb_get(manifest, "engine");
    const json_t *config = r->source->documents[DOGB_FILE_CONFIG];
    if (*dogb_get_text(model, "architecture") == '\0') {
        return;
    }
    dogb_page_text(r->page, DOGB_TONE_PLAIN,
                   "%s with %s parameters, %s of them trained (%s, learning rate %s, batches of "
                   "%s), on engine "
                   "%s %s, device %s.",
                   dogb_get_text(model, "architecture"),
                   dogb_page_count(r->page, dogb_get_number(model, "parameters")),
                   dogb_page_count(r->page, dogb_get_number(model, "trainable_parameters")),
                   dogb_get_text(config, "optimizer"),
                   dogb_page_fixed(r->page, dogb_get_number(config, "learning_rate"), 6),
                   dogb_page_fixed(r->page, dogb_get_number(config, "batch_size"), 0),
                   dogb_get_text(engine, "engine"), dogb_get_text(engine, "engine_version"),
                   dogb_get_text(engine, "device"));
}

// One sentence for each rule that found something.
static void add_sentences(dogb_report *r) {
    static const int files[] = {DOGB_FILE_FINDINGS, DOGB_FILE_PROFILE};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t k = 0;
        const json_t *rule = NULL;
        json_array_foreach(dogb_get_array(r->source->documents[files[i]], "rules"), k, rule) {
            const json_t *hit = json_array_get(dogb_get_array(rule, "hits"), 0);
            const char *text = dogb_get_text(hit, "text");
            text = *text != '\0' ? text : dogb_get_text(rule, "summary");
            if (has_status(rule, "IssuesFound")) {
                dogb_page_text(r->page, DOGB_TONE_WARN, "%s%s%s", dogb_get_text(rule, "rule"),
                               *text == '\0' ? "" : ": ", text);
            }
        }
    }
}

static void add_problems(dogb_report *r) {
    for (int i = 0; i < DOGB_FILE_COUNT; i++) {
        if (r->source->problems[i] != NULL) {
            dogb_page_text(r->page, DOGB_TONE_BAD, "%s", r->source->problems[i]);
        }
    }
    if (r->source->metrics_problem != NULL) {
        dogb_page_text(r->page, DOGB_TONE_BAD, "%s", r->source->metrics_problem);
    }
}

void dogb_section_summary(dogb_report *r) {
    dogb_fact facts[8];
    size_t count = 0;
    dogb_page_section(r->page, "summary", "Summary");
    add_state(r);
    add_test(r, facts, &count);
    add_training(r, facts, &count);
    add_findings(r, facts, &count);
    if (count > 0) {
        dogb_page_facts(r->page, facts, count);
    }
    add_model(r);
    add_sentences(r);
    add_problems(r);
    if (r->page->no_pictures) {
        dogb_page_text(r->page, DOGB_TONE_WARN,
                       "There are no charts: dogbreed-plot.so is not installed.");
    }
    dogb_report_keep(r, "status", r->source->documents[DOGB_FILE_STATUS]);
}
