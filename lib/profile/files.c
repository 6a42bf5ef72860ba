// files.c - what a run leaves beside its trace: the summary, and each rule's result as the
// reference product's file has it, so that its readers load them.
#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "core/number.h"
#include "profile/profile_internal.h"

#include <string.h>

// "k:v\nk:v"
static char *params_text(dogb_arena *arena, const json_t *params) {
    dogb_buffer text = {.arena = arena};
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)params, key, value) {
        char number[40];
        dogb_number_text(number, json_number_value(value));
        dogb_buffer_add(&text, text.length > 0 ? "\n" : "");
        dogb_buffer_add(&text, key);
        dogb_buffer_add(&text, ":");
        dogb_buffer_add(&text, number);
    }
    return text.rc < 0 ? NULL : text.data == NULL ? dogb_strdup(arena, "") : text.data;
}

int dogb_profile_rule_file(json_t **out, dogb_arena *arena, const json_t *result,
                           const char *mode) {
    static const struct {
        const char *theirs;
        const char *ours;
    } members[] = {{"RuleTriggered", "triggered"},
                   {"Violations", "violations"},
                   {"Datapoints", "datapoints"},
                   {"Details", "details"}};
    static const char *const own[] = {"rule", "status", "reason", "summary", "recommendation"};
    dogb_doc doc = {DOGBREED_OK};
    json_t *file = dogb_json_object(arena);
    *out = file;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        (void)dogb_doc_put(&doc, file, members[i].theirs,
                           json_incref(json_object_get(result, members[i].ours)));
    }
    const char *params = params_text(arena, json_object_get(result, "parameters"));
    dogb_doc_text(&doc, file, "RuleParameters", params == NULL ? "" : params);
    json_t *more = dogb_doc_object(&doc, file, "dogbreed");
    dogb_doc_text(&doc, more, "mode", mode);
    dogb_doc_text(&doc, more, "time_unit", "s");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        (void)dogb_doc_put(&doc, more, own[i], json_incref(json_object_get(result, own[i])));
    }
    (void)dogb_doc_put(&doc, more, "details", json_incref(json_object_get(result, "own")));
    return file == NULL || params == NULL ? DOGBREED_ERROR_NO_MEMORY : doc.rc;
}

// Not synced: it can be made again from the trace.
static int write_file(dogb_arena *arena, const char *path, const json_t *document) {
    char *text = dogb_json_text_in(arena, document, 1);
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_replace(path, text, strlen(text));
}

static int write_rules(dogb_arena *arena, const char *directory, const json_t *summary) {
    const char *mode = json_string_value(json_object_get(summary, "mode"));
    const char *folder = dogb_path_join(arena, directory, "profiler-reports");
    int rc = folder == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(folder);
    size_t index = 0;
    json_t *result = NULL;
    json_array_foreach(json_object_get(summary, "rules"), index, result) {
        json_t *file = NULL;
        const char *name = json_string_value(json_object_get(result, "rule"));
        const char *path = rc < 0 ? NULL : dogb_format(arena, "%s/%s.json", folder, name);
        if (path == NULL) {
            return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
        }
        rc = dogb_profile_rule_file(&file, arena, result, mode);
        rc = rc < 0 ? rc : write_file(arena, path, file);
    }
    return rc;
}

void dogb_profile_write(const char *directory, const json_t *summary) {
    dogb_arena scratch = {0};
    const char *path = dogb_path_join(&scratch, directory, "summary.json");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : write_file(&scratch, path, summary);
    rc = rc < 0 ? rc : write_rules(&scratch, directory, summary);
    if (rc < 0) {
        dogb_log(DOGBREED_LOG_WARNING, "profile: %s", dogbreed_error_message());
    }
    dogb_arena_free(&scratch);
}
