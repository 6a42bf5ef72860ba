// s3_cache.c - dogbreed s3 cache: the local copies of s3:// paths, what they take, away with them.
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void print_copy(const json_t *copy) {
    char used[32] = "";
    time_t seconds = (time_t)real_of(copy, "used");
    struct tm parts;
    const char *uri = text_of(copy, "uri");
    const char *endpoint = text_of(copy, "endpoint");
    (void)strftime(used, sizeof used, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &parts));
    out("%19s %12lld %-6s %s%s%s\n", used, (long long)integer_of(copy, "bytes"),
        json_is_true(json_object_get(copy, "in_use")) ? "in use" : "",
        *uri == '\0' ? text_of(copy, "name") : uri, *endpoint == '\0' ? "" : "  of ", endpoint);
}

static void print(const json_t *report) {
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(report, "copies"), i, item) {
        print_copy(item);
    }
    json_array_foreach(json_object_get(report, "removed"), i, item) {
        out("removed %s\n", json_string_value(item));
    }
    out("%zu copies, %.1f MB in %s\n", json_array_size(json_object_get(report, "copies")),
        (double)integer_of(report, "bytes") * 1e-6, text_of(report, "folder"));
}

static int run(tool *t) {
    dogbreed_store *store = NULL;
    char *text = NULL;
    char *end = NULL;
    const char *keep = value_of(t, "keep");
    int64_t bytes = is_on(t, "clear", 0) ? 0 : -1;
    if (keep != NULL && bytes == 0) {
        return usage_error(t, "--clear and --keep contradict: --clear keeps nothing");
    }
    if (keep != NULL) {
        bytes = strtoll(keep, &end, 10);
        if (*keep < '0' || *keep > '9' || *end != '\0' || bytes == INT64_MAX) {
            return usage_error(t, "--keep %s: expected a number of bytes", keep);
        }
    }
    int exit_code = remote_store(&store, t);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    int rc = dogbreed_store_cache(&text, store, bytes);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    out_result(t, parse_json(text), print);
    return TOOL_OK;
}

static const flag flags[] = {
    {"clear", NULL, "remove every copy that nobody uses now", 0},
    {"keep", "BYTES", "remove the copies that were used longest ago until so much is left", 0},
    {NULL, NULL, NULL, 0}};

const command command_s3_cache = {
    .name = "s3 cache",
    .arguments = "[--clear|--keep BYTES] [OPTIONS...]",
    .summary = "local copies of s3:// paths: last use, size; remove them",
    .examples = "  dogbreed s3 cache\n"
                "  dogbreed s3 cache --clear\n"
                "  dogbreed s3 cache --keep 10000000000 --json\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_STORE},
    .remote_words = WORDS_KEPT,
    .run = run,
};
