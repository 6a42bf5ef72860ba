// reproduce.c - what another person needs to repeat the run: command, versions, seeds, hashes,
// every option.
#include "report/section.h"

#include <math.h>
#include <string.h>

// As a shell takes it.
static void add_word(dogb_buffer *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,@%+";
    if (*word != '\0' && strspn(word, plain) == strlen(word)) {
        dogb_buffer_add(out, word);
        return;
    }
    dogb_buffer_add(out, "'");
    for (const char *c = word; *c != '\0'; c++) {
        dogb_buffer_put(out, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    }
    dogb_buffer_add(out, "'");
}

static void add_command(dogb_report *r, const json_t *words) {
    dogb_buffer out = {.arena = r->arena};
    size_t i = 0;
    const json_t *word = NULL;
    json_array_foreach(words, i, word) {
        dogb_buffer_add(&out, i > 0 ? " " : "");
        add_word(&out, json_is_string(word) ? json_string_value(word) : "");
    }
    r->page->rc = out.rc < 0 ? out.rc : r->page->rc;
    if (out.data != NULL) {
        dogb_page_heading(r->page, "Command");
        dogb_page_code(r->page, out.data);
    }
}

// --- facts of the manifest, in groups of paths

static const struct {
    const char *label;
    const char *path; // members, with dots
} rows[] = {
    {"Run", "run.id"},
    {"Begun", "run.start"},
    {"Ended", "run.end"},
    {"Continued from", "run.resumed_from"},
    {"Library", "library.version"},
    {"Compiler", "library.compiler"},
    {"Engine", "engine.engine"},
    {"Engine version", "engine.engine_version"},
    {"Device", "engine.device"},
    {"Compute threads", "engine.threads"},
    {"Loader threads", "engine.loader_threads"},
    {"Deterministic", "determinism.deterministic"},
    {"Seed", "seeds.master"},
    {"Processor", "host.cpu"},
    {"Cores", "host.cores"},
    {"System", "host.os"},
    {"Kernel", "host.kernel"},
    {"Commit", "git.commit"},
    {"Configuration, SHA-256", "config.sha256"},
    {"Training pictures, SHA-256", "dataset.fingerprint.train.root"},
    {"Validation pictures, SHA-256", "dataset.fingerprint.valid.root"},
};

static const json_t *find(const json_t *object, const char *path) {
    char word[64];
    for (const char *at = path; object != NULL && *at != '\0';) {
        size_t length = strcspn(at, ".");
        memcpy(word, at, length);
        word[length] = '\0';
        object = dogb_get(object, word);
        at += length + (at[length] == '.');
    }
    return object;
}

static void add_facts(dogb_report *r, const json_t *manifest) {
    static const dogb_column columns[] = {{.title = "What"}, {.title = "Value"}};
    dogb_page_heading(r->page, "Environment");
    dogb_grid *grid = dogb_page_grid(r->page, columns, 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *value = find(manifest, rows[i].path);
        const char *text = value == NULL ? "" : dogb_report_value(r, value);
        if (*text != '\0') {
            dogb_grid_text(grid, rows[i].label);
            dogb_grid_text(grid, text);
        }
    }
}

static void add_outputs(dogb_report *r, const json_t *outputs) {
    static const dogb_column columns[] = {
        {.title = "File"}, {.title = "Bytes", .kind = DOGB_COLUMN_NUMBER}, {.title = "SHA-256"}};
    size_t i = 0;
    const json_t *row = NULL;
    if (json_array_size(outputs) == 0) {
        return;
    }
    dogb_page_heading(r->page, "Files");
    dogb_grid *grid = dogb_page_grid(r->page, columns, 3);
    json_array_foreach(outputs, i, row) {
        double bytes = dogb_get_number(row, "bytes");
        dogb_grid_text(grid, dogb_get_text(row, "file"));
        dogb_grid_number(grid, bytes, dogb_page_count(r->page, bytes));
        dogb_grid_text(grid, dogb_get_text(row, "sha256"));
    }
}

static void add_options(dogb_report *r, const json_t *config) {
    static const dogb_column columns[] = {{.title = "Option"}, {.title = "Value"}};
    const char *key = NULL;
    const json_t *value = NULL;
    if (json_object_size(config) == 0) {
        return;
    }
    dogb_page_heading(r->page, "Options");
    dogb_grid *grid = dogb_page_grid(r->page, columns, 2);
    grid->sortable = 1;
    json_object_foreach((json_t *)(uintptr_t)config, key, value) {
        if (strcmp(key, "format") != 0 && strcmp(key, "version") != 0) {
            dogb_grid_text(grid, key);
            dogb_grid_text(grid, dogb_report_value(r, value));
        }
    }
}

void dogb_section_reproduce(dogb_report *r) {
    dogb_page_section(r->page, "reproduce", "Reproduce");
    const json_t *manifest =
        dogb_report_document(r, DOGB_FILE_MANIFEST, "it is written when a training begins");
    const json_t *config = r->source->documents[DOGB_FILE_CONFIG];
    if (config != NULL) {
        dogb_page_text(r->page, DOGB_TONE_PLAIN,
                       "config.json holds every option: dogbreed train --config config.json "
                       "repeats the training.");
    }
    if (manifest != NULL) {
        add_command(r, dogb_get_array(dogb_get(manifest, "run"), "command_line"));
        add_facts(r, manifest);
        add_outputs(r, dogb_get_array(manifest, "outputs"));
    }
    add_options(r, config);
    dogb_report_keep(r, "manifest", manifest);
    dogb_report_keep(r, "config", config);
}
