// rules.c - the debugger's rules: status, what was seen first, what to do; those that could not be
// judged, and why; what was saved how often.
#include "report/section.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *status;
    int32_t tone;
} statuses[] = {{"IssuesFound", DOGB_TONE_WARN},
                {"Error", DOGB_TONE_BAD},
                {"NoIssuesFound", DOGB_TONE_GOOD},
                {"NotEvaluated", DOGB_TONE_FAINT}};

int32_t dogb_report_tone(const char *status) {
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (strcmp(statuses[i].status, status) == 0) {
            return statuses[i].tone;
        }
    }
    return DOGB_TONE_PLAIN;
}

const char *dogb_report_members(dogb_report *r, const json_t *object) {
    dogb_buffer out = {.arena = r->arena};
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        int list = json_is_array(value) || json_is_object(value); // for report.json
        if (json_is_false(value) || list ||
            (json_is_string(value) && json_string_length(value) == 0)) {
            continue; // says nothing
        }
        dogb_buffer_add(&out, out.length > 0 ? ", " : "");
        dogb_buffer_add(&out, key);
        dogb_buffer_add(&out, " ");
        dogb_buffer_add(&out, dogb_report_value(r, value));
    }
    r->page->rc = out.rc < 0 ? out.rc : r->page->rc;
    return out.data == NULL ? "" : out.data;
}

static const char *first_hit(dogb_report *r, const json_t *rule) {
    const json_t *hit = json_array_get(dogb_get_array(rule, "hits"), 0);
    const char *text = dogb_get_text(hit, "text");
    double step = dogb_get_number(hit, "step");
    const char *reason = dogb_get_text(rule, "reason");
    if (*text != '\0') {
        return isfinite(step) ? dogb_page_format(r->page, "step %s: %s",
                                                 dogb_page_fixed(r->page, step, 0), text)
                              : text;
    }
    return *reason != '\0' ? dogb_page_format(r->page, "reason: %s", reason)
                           : dogb_report_members(r, dogb_get(rule, "evidence"));
}

static void add_rows(dogb_grid *grid, dogb_report *r, const json_t *rules, const char *status) {
    size_t i = 0;
    const json_t *rule = NULL;
    json_array_foreach(rules, i, rule) {
        const char *own = dogb_get_text(rule, "status");
        int listed =
            status != NULL ? strcmp(own, status) == 0 : dogb_report_tone(own) == DOGB_TONE_PLAIN;
        if (!listed) {
            continue;
        }
        double violations = dogb_get_number(rule, "violations");
        double points = dogb_get_number(rule, "datapoints");
        int issue = strcmp(own, "IssuesFound") == 0;
        dogb_grid_text(grid, dogb_get_text(rule, "rule"));
        dogb_grid_tone(grid, dogb_report_tone(own), own);
        dogb_grid_number(grid, violations,
                         dogb_page_format(r->page, "%s in %s", dogb_page_count(r->page, violations),
                                          dogb_page_count(r->page, points)));
        dogb_grid_text(grid, first_hit(r, rule));
        dogb_grid_text(grid, issue ? dogb_get_text(rule, "recommendation") : "");
    }
}

// Beside the rules they would make the table wider than a page.
static void add_parameters(dogb_report *r, const json_t *rules) {
    static const dogb_column columns[] = {{.title = "Rule"},
                                          {.title = "Parameters", .kind = DOGB_COLUMN_WIDE}};
    size_t i = 0;
    const json_t *rule = NULL;
    dogb_page_heading(r->page, "Parameters");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    json_array_foreach(rules, i, rule) {
        dogb_grid_text(grid, dogb_get_text(rule, "rule"));
        dogb_grid_tone(grid, DOGB_TONE_FAINT, dogb_report_members(r, dogb_get(rule, "parameters")));
    }
}

static void add_collections(dogb_report *r, const json_t *collections) {
    static const dogb_column columns[] = {{.title = "Tensors"},
                                          {.title = "Mode"},
                                          {.title = "Every (steps)", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Points", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Stored"}};
    size_t i = 0;
    const json_t *row = NULL;
    if (json_array_size(collections) == 0) {
        return;
    }
    dogb_page_heading(r->page, "What was looked at");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    json_array_foreach(collections, i, row) {
        dogb_grid_text(grid, dogb_get_text(row, "name"));
        dogb_grid_text(grid, dogb_get_text(row, "mode"));
        dogb_grid_fixed(grid, dogb_get_number(row, "interval"), 1, 0);
        dogb_grid_fixed(grid, dogb_get_number(row, "points"), 1, 0);
        dogb_grid_text(grid, json_is_true(dogb_get(row, "stored")) ? "yes" : "");
    }
}

void dogb_section_rules(dogb_report *r) {
    static const dogb_column columns[] = {{.title = "Rule"},
                                          {.title = "Status", .kind = DOGB_COLUMN_STATUS},
                                          {.title = "Violations", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "What was seen", .kind = DOGB_COLUMN_WIDE},
                                          {.title = "What to do", .kind = DOGB_COLUMN_WIDE}};
    dogb_page_section(r->page, "rules", "Training rules");
    const json_t *findings = dogb_report_document(
        r, DOGB_FILE_FINDINGS, "dogbreed train --debug watches gradients, weights and losses");
    const json_t *rules = dogb_get_array(findings, "rules");
    if (findings == NULL) {
        return;
    }
    if (json_array_size(rules) == 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "No rule was chosen.");
    } else {
        dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
        grid->sortable = 1;
        for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
            add_rows(grid, r, rules, statuses[i].status);
        }
        add_rows(grid, r, rules, NULL);
        add_parameters(r, rules);
    }
    add_collections(r, dogb_get_array(findings, "collections"));
    dogb_report_keep(r, "findings", findings);
}
