// report.c - dogbreed report: what came out of a run as a page, a PDF and a document; and compare:
// runs side by side.
#include "training.h"
#include "paths.h"
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void path_of(char out[4096], const char *run, const char *name) {
    (void)snprintf(out, 4096, "%s%s%s", *name == '/' ? "" : run, *name == '/' ? "" : "/", name);
}

static int keep(tool *t, const char *run, const char *name) {
    char path[4096];
    path_of(path, run, name);
    int rc = remote_keep(t, path);
    return rc < 0 ? remote_failed(t, rc) : TOOL_OK;
}

// Looks at every file of the run's data and keeps the document, which the report reads.
static int check(tool *t, const char *run) {
    dogbreed_dataset *data = NULL;
    char *text = NULL;
    if (!is_on(t, "check", 0)) {
        return TOOL_OK;
    }
    if (value_of(t, "data") == NULL) {
        return usage_error(t, "--check: %s does not name the data it was trained on", run);
    }
    say("checking %s\n", value_of(t, "data"));
    int rc = dogbreed_dataset_open(&data, value_of(t, "data"), &t->settings.dataset);
    rc = rc < 0 ? rc : dogbreed_dataset_check(&text, data, &t->settings.check);
    dogbreed_dataset_destroy(data);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    json_t *document = parse_json(text);
    write_document(run, "check.json", document);
    json_decref(document);
    return keep(t, run, "check.json");
}

// Calls `with` for what is written, until one fails.
static int each_file(tool *t, const char *run, int (*with)(tool *t, const char *path, void *to),
                     void *to) {
    const dogbreed_report_options *o = &t->settings.report;
    const struct {
        const char *name;
        int written;
    } rows[] = {{o->html_name, o->html},
                {o->pdf_name, o->pdf},
                {o->json_name, o->json},
                {"evaluation", o->tensorboard}};
    char path[4096];
    int exit_code = TOOL_OK;
    for (size_t i = 0; exit_code == TOOL_OK && i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].written) {
            path_of(path, run, rows[i].name);
            exit_code = with(t, path, to);
        }
    }
    return exit_code;
}

static int list_file(tool *t, const char *path, void *to) {
    (void)json_array_append_new(to, json_text(remote_name(t, path)));
    return TOOL_OK;
}

static int bring_file(tool *t, const char *path, void *to) {
    (void)to;
    int rc = remote_keep(t, path);
    return rc < 0 ? remote_failed(t, rc) : TOOL_OK;
}

// What was written goes to the store, where the run or --out is there.
static int bring_home(tool *t, const char *run, int last) {
    int exit_code = each_file(t, run, bring_file, NULL);
    return exit_code == TOOL_OK && !last ? remote_push(t, 0) : exit_code;
}

static void print_files(const json_t *result) {
    size_t i = 0;
    json_t *file = NULL;
    json_array_foreach(json_object_get(result, "files"), i, file) {
        out("%-15s %s\n", i == 0 ? "report" : "", json_string_value(file));
    }
}

static int is_running(const char *run) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/status.json", run);
    json_t *status = json_load_file(path, 0, NULL);
    int running = strcmp(text_of(status, "state"), "running") == 0;
    json_decref(status);
    return running;
}

static int write_report(tool *t, const char *run, int last) {
    int rc = dogbreed_report_write(run, &t->settings.report);
    return rc < 0 ? fail(t, rc == DOGBREED_ERROR_UNSUPPORTED ? PHASE_USAGE : PHASE_DATA, rc)
                  : bring_home(t, run, last);
}

// --out DIR: the files' names below it.
static int choose_folder(tool *t) {
    static const char *const names[] = {"html_name", "pdf_name", "json_name"};
    const char *folder = value_of(t, "out");
    char *whole = folder == NULL ? NULL : paths_folder(folder);
    if (folder != NULL && whole == NULL) {
        return fail_with(t, TOOL_FAILED, "--out %s: %s", folder, strerror(errno));
    }
    for (size_t i = 0; folder != NULL && i < sizeof names / sizeof names[0]; i++) {
        char *name = NULL;
        char path[4096] = "";
        int rc = dogbreed_options_get(&name, &t->settings.report, names[i]);
        int absolute = rc == DOGBREED_OK && *name == '/';
        if (rc == DOGBREED_OK) {
            path_of(path, whole, name);
            rc = absolute ? rc : dogbreed_options_set(&t->settings.report, names[i], path);
        }
        dogbreed_free(name);
        if (rc < 0) {
            free(whole);
            return fail(t, PHASE_USAGE, rc);
        }
    }
    free(whole);
    return TOOL_OK;
}

// Writes again and again while the run goes on; the page loads itself anew.
static int follow(tool *t, const char *run) {
    const struct timespec second = {.tv_sec = 1};
    int32_t wait = t->settings.report.refresh;
    char page[4096];
    path_of(page, run, t->settings.report.html_name);
    say("watching %s; ", remote_name(t, run));
    say("%s loads itself anew every %d seconds\n", remote_name(t, page), (int)wait);
    int exit_code = TOOL_OK;
    for (int running = 1; exit_code == TOOL_OK && running && signals_code() == 0;) {
        exit_code = remote_again(t, run);
        running = is_running(run); // before writing: the last page has the end
        exit_code = exit_code == TOOL_OK ? write_report(t, run, !running) : exit_code;
        for (int32_t i = 0; running && i < wait && signals_code() == 0; i++) {
            (void)nanosleep(&second, NULL);
        }
    }
    return exit_code;
}

static int run(tool *t) {
    const char *run = t->words[0];
    dogbreed_report_options *options = &t->settings.report;
    int live = is_on(t, "live", 0);
    options->json = t->json;
    if (live && options->refresh == 0) {
        options->refresh = 5;
    }
    int exit_code = choose_folder(t);
    exit_code = exit_code == TOOL_OK ? check(t, run) : exit_code;
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    const stoppable s = {.text = "\nstopping\n"};
    signals_watch(live ? &s : NULL, t->quiet);
    exit_code = live ? follow(t, run) : write_report(t, run, 1);
    signals_watch(NULL, t->quiet);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    json_t *files = json_array();
    (void)each_file(t, run, list_file, files);
    out_result(t,
               json_pack("{s:s,s:o,s:o,s:i}", "command", "report", "run",
                         json_text(remote_name(t, run)), "files", files, "exit_code", TOOL_OK),
               print_files);
    return signals_code();
}

// Only the check needs the run's own options: a report of a run with options that are not known
// here is a report all the same.
static int base(tool *t) {
    return is_on(t, "check", 0) ? base_of_run(t) : TOOL_OK;
}

static const flag flags[] = {
    {"data", "DIR", "folder of images for --check; default: what the run was trained on", 1},
    {"check", NULL, "look at every file of the data first, and show what was found", 0},
    {"out", "DIR", "folder of the page, the PDF and the document; default: the run", 0},
    {"live", NULL, "write it again until the run ends; the page loads itself anew", 0},
    {NULL, NULL, NULL, 0},
};

const command command_report = {
    .name = "report",
    .arguments = "RUN [OPTIONS...]",
    .summary = "what came out of a run: a page, a PDF, a JSON document",
    .examples = "  dogbreed report runs/a\n"
                "  dogbreed report runs/a --pdf --json --check\n"
                "  dogbreed report runs/a --live &\n"
                "  dogbreed report s3://bucket/runs/a --out reports/a\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_REPORT, DOGBREED_KIND_DATASET, DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .remote_out = OUT_FOLDER,
    .run = run,
    .base = base,
};
