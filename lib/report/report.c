// report.c - the public functions: reads a run directory, has the sections fill the page and the
// document, writes what was asked for.
#include "core/environment.h"
#include "report/section.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/number.h"
#include "report/compare.h"
#include "tensorboard/folder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    void (*fill)(dogb_report *r);
} sections[] = {{dogb_section_summary}, {dogb_section_data},        {dogb_section_curves},
                {dogb_section_tuning},  {dogb_section_confusion},   {dogb_section_classes},
                {dogb_section_gallery}, {dogb_section_calibration}, {dogb_section_ranking},
                {dogb_section_rules},   {dogb_section_time},        {dogb_section_reproduce}};

// --- what sections share

const json_t *dogb_report_document(dogb_report *r, int file, const char *hint) {
    const json_t *document = r->source->documents[file];
    if (document == NULL && r->source->problems[file] != NULL) {
        dogb_page_text(r->page, DOGB_TONE_BAD, "%s", r->source->problems[file]);
    } else if (document == NULL) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "There is no %s: %s.", dogb_source_file(file),
                       hint);
    }
    return document;
}

const json_t *dogb_report_evaluation(dogb_report *r) {
    return dogb_report_document(r, DOGB_FILE_EVALUATION,
                                "train with a test split, or run dogbreed evaluate on this run");
}

void dogb_report_set(dogb_report *r, const char *key, json_t *value) {
    int rc = dogb_json_set(r->json, key, value);
    r->page->rc = rc < 0 ? rc : r->page->rc;
}

void dogb_report_keep(dogb_report *r, const char *key, const json_t *value) {
    if (value != NULL) {
        dogb_report_set(r, key, json_incref((json_t *)(uintptr_t)value));
    }
}

static const json_t *classes_of(const dogb_report *r) {
    return dogb_get_array(r->source->documents[DOGB_FILE_EVALUATION], "classes");
}

size_t dogb_report_class_count(const dogb_report *r) {
    return json_array_size(classes_of(r));
}

const char *dogb_report_class(dogb_report *r, double index) {
    const char *name = "";
    if (index >= 0 && index < (double)dogb_report_class_count(r)) {
        name = dogb_get_text(json_array_get(classes_of(r), (size_t)index), "class");
    }
    return *name != '\0'
               ? name
               : dogb_page_format(r->page, "class %s", dogb_page_fixed(r->page, index, 0));
}

const char *dogb_report_value(dogb_report *r, const json_t *value) {
    char digits[40];
    const char *text = "";
    if (json_is_string(value)) {
        text = json_string_value(value);
    } else if (json_is_boolean(value)) {
        text = json_is_true(value) ? "on" : "off";
    } else if (json_is_number(value)) {
        dogb_number_text(digits, json_number_value(value));
        text = dogb_page_format(r->page, "%s", digits);
    } else if (json_is_array(value) || json_is_object(value)) {
        text = dogb_json_text_in(r->arena, value, 0);
        r->page->rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : r->page->rc;
    }
    return text == NULL ? "" : text;
}

// --- making

// A report without single pictures: they stay in evaluation.json.
static void keep_evaluation(dogb_report *r) {
    const json_t *e = r->source->documents[DOGB_FILE_EVALUATION];
    json_t *copy = e == NULL ? NULL : json_copy((json_t *)(uintptr_t)e);
    if (copy != NULL) {
        (void)json_object_del(copy, "predictions");
        dogb_report_set(r, "evaluation", copy);
    } else if (e != NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
    }
}

static void keep_problems(dogb_report *r) {
    json_t *list = json_array();
    dogb_report_set(r, "problems", list);
    for (int i = 0; r->page->rc == DOGBREED_OK && i < DOGB_FILE_COUNT; i++) {
        if (r->source->problems[i] != NULL) {
            r->page->rc = dogb_json_add(list, dogb_json_text(r->source->problems[i]));
        }
    }
    if (r->page->rc == DOGBREED_OK && r->source->metrics_problem != NULL) {
        r->page->rc = dogb_json_add(list, dogb_json_text(r->source->metrics_problem));
    }
}

// Of writing, or of SOURCE_DATE_EPOCH (reproducible-builds.org).
const char *dogb_report_date(dogb_page *page) {
    char out[32];
    struct tm utc;
    int64_t date = 0;
    if (!dogb_source_date(&date)) {
        dogb_clock_text(out);
        return dogb_page_format(page, "%.10s %.8s UTC", out, out + 11);
    }
    time_t when = (time_t)date;
    (void)gmtime_r(&when, &utc);
    (void)strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return dogb_page_format(page, "%s", out);
}

static void set_titles(dogb_report *r) {
    dogb_page *page = r->page;
    const json_t *config = r->source->documents[DOGB_FILE_CONFIG];
    const json_t *run = dogb_get(r->source->documents[DOGB_FILE_MANIFEST], "run");
    char *name = dogb_strdup(r->arena, dogb_path_name(r->source->run));
    if (name == NULL) {
        page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    dogb_text_repair(name);
    page->title = *r->options->title != '\0' ? r->options->title : name;
    page->subtitle = dogb_page_format(
        page, "%s%s%.10s%s%.8s", dogb_get_text(config, "architecture"),
        *dogb_get_text(run, "start") == '\0' ? "" : " \xc2\xb7 begun ", dogb_get_text(run, "start"),
        strlen(dogb_get_text(run, "start")) < 19 ? "" : " ",
        strlen(dogb_get_text(run, "start")) < 19 ? "" : dogb_get_text(run, "start") + 11);
    page->date = dogb_report_date(page);
}

// While the run goes on the page loads itself anew.
static int is_running(const dogb_source *source) {
    return strcmp(dogb_get_text(source->documents[DOGB_FILE_STATUS], "state"), "running") == 0;
}

int dogb_page_open(dogb_page *page, dogb_arena *arena) {
    const dogb_plot_module *module = NULL;
    *page = (dogb_page){.arena = arena, .title = "", .subtitle = "", .date = ""};
    int rc = dogb_plot_open(&module);
    page->no_pictures = rc == DOGBREED_ERROR_UNSUPPORTED;
    return page->no_pictures ? DOGBREED_OK : rc;
}

int dogb_report_fill(dogb_report *r) {
    dogb_page *page = r->page;
    set_titles(r);
    page->refresh = is_running(r->source) ? r->options->refresh : 0;
    int rc = dogb_json_set_text(r->json, "title", page->title);
    page->rc = page->rc < 0 ? page->rc : rc;
    for (size_t i = 0; page->rc == DOGBREED_OK && i < sizeof sections / sizeof sections[0]; i++) {
        sections[i].fill(r);
    }
    keep_evaluation(r);
    keep_problems(r);
    return page->rc;
}

static int make(dogb_report *out, dogb_page *page, dogb_arena *arena, const char *run,
                const dogbreed_report_options *options) {
    dogb_source *source = dogb_alloc(arena, 1, sizeof *source);
    char *place = dogb_source_place(arena, run);
    *out = (dogb_report){.arena = arena,
                         .options = options,
                         .source = source,
                         .page = page,
                         .json = dogb_json_document(arena, "report", 1)};
    if (source == NULL || out->json == NULL || place == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_page_open(page, arena);
    rc = rc < 0 ? rc : dogb_source_open(source, arena, place);
    return rc < 0 ? rc : dogb_report_fill(out);
}

// --- public

static int import(dogbreed_report_options *out, const dogbreed_report_options *options,
                  dogb_arena *arena) {
    return dogb_table_import(out, &dogb_report_table, options, arena);
}

static int write(const char *run, const char *name, dogb_arena *arena, const void *data,
                 size_t size) {
    char *path = *name == '/' ? dogb_strdup(arena, name) : dogb_path_join(arena, run, name);
    return path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_replace(path, data, size);
}

static int write_all(const char *run, dogb_arena *arena, const dogbreed_report_options *o,
                     const dogb_page *page, const json_t *json) {
    dogb_buffer html = {.arena = arena};
    dogb_buffer pdf = {.arena = arena};
    int rc = o->html ? dogb_page_html(&html, page) : DOGBREED_OK;
    rc = rc < 0 || !o->pdf ? rc : dogb_page_pdf(&pdf, page);
    rc = rc < 0 || !o->html ? rc : write(run, o->html_name, arena, html.data, html.length);
    rc = rc < 0 || !o->pdf ? rc : write(run, o->pdf_name, arena, pdf.data, pdf.length);
    if (rc == DOGBREED_OK && o->json) {
        char *text = dogb_json_text_in(arena, json, 1);
        rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : write(run, o->json_name, arena, text, strlen(text));
    }
    return rc;
}

static int write_board(const char *run, dogb_report *r) {
    dogb_buffer events = {.arena = r->arena};
    const char *folder = dogb_path_join(r->arena, run, "evaluation");
    int rc = folder == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_report_board(&events, r);
    return rc < 0 || events.length == 0 ? rc : dogb_board_write(folder, &events);
}

int dogbreed_report_write(const char *run, const dogbreed_report_options *options) {
    DOGB_CHECK(run != NULL && *run != '\0', "report: run is empty");
    dogb_arena arena = {0};
    dogbreed_report_options own;
    dogb_page page;
    dogb_report r;
    int rc = import(&own, options, &arena);
    rc = rc < 0 ? rc : make(&r, &page, &arena, run, &own);
    rc = rc < 0 ? rc : write_all(run, &arena, &own, &page, r.json);
    rc = rc < 0 || !own.tensorboard ? rc : write_board(run, &r);
    dogb_arena_free(&arena);
    return rc;
}

int dogbreed_report_json(char **json, const char *run) {
    DOGB_CHECK(json != NULL, "report: json is NULL");
    *json = NULL;
    DOGB_CHECK(run != NULL && *run != '\0', "report: run is empty");
    dogb_arena arena = {0};
    dogbreed_report_options own;
    dogb_page page;
    dogb_report r;
    int rc = import(&own, NULL, &arena);
    own.gallery = 0;
    rc = rc < 0 ? rc : make(&r, &page, &arena, run, &own);
    rc = rc < 0 ? rc : dogb_json_text_out(json, r.json, 1);
    dogb_arena_free(&arena);
    return rc;
}

int dogb_page_html_out(char **out, const dogb_page *page) {
    dogb_buffer html = {.arena = page->arena};
    int rc = dogb_page_html(&html, page);
    char *copy = rc < 0 ? NULL : dogb_malloc(html.length + 1, 1);
    if (copy == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(copy, html.data, html.length + 1);
    *out = copy;
    return DOGBREED_OK;
}

int dogbreed_report_html(char **html, const char *run, const dogbreed_report_options *options) {
    DOGB_CHECK(html != NULL, "report: html is NULL");
    *html = NULL;
    DOGB_CHECK(run != NULL && *run != '\0', "report: run is empty");
    dogb_arena arena = {0};
    dogbreed_report_options own;
    dogb_page page;
    dogb_report r;
    int rc = import(&own, options, &arena);
    own.html = 1;
    rc = rc < 0 ? rc : make(&r, &page, &arena, run, &own);
    rc = rc < 0 ? rc : dogb_page_html_out(html, &page);
    dogb_arena_free(&arena);
    return rc;
}
