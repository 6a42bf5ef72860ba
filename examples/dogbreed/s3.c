// s3.c - dogbreed s3 ls, cp, sync, rm: objects of Amazon S3 and of servers that speak its language.
#include "paths.h"
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const stoppable transfer = {
    .text = "\nstopping the transfer; what is whole stays; once more ends at once\n"};

// --profile is another thing where networks are trained; here it is what users of AWS expect.
static int open_store(dogbreed_store **out, tool *t) {
    const char *profile = value_of(t, "profile");
    if (profile != NULL) {
        (void)dogbreed_options_set(&t->settings.store, "aws_profile", profile);
    }
    int exit_code = remote_store(out, t);
    if (exit_code == TOOL_OK) {
        signals_watch(&transfer, t->quiet);
    }
    return exit_code;
}

static int needs_uri(const tool *t, const char *word) {
    return is_remote(word) ? TOOL_OK
                           : usage_error(t, "%s: expected s3://BUCKET or s3://BUCKET/KEY", word);
}

static void time_text(char *out, size_t size, double seconds, const char *format) {
    time_t whole = (time_t)seconds;
    struct tm parts;
    (void)strftime(out, size, format, gmtime_r(&whole, &parts));
}

static int show(const dogbreed_store_object *object, void *userdata) {
    const tool *t = userdata;
    char modified[32];
    if (t->json) {
        time_text(modified, sizeof modified, object->modified, "%Y-%m-%dT%H:%M:%SZ");
        out_json(object->folder ? json_pack("{s:o}", "folder", json_text(object->key))
                                : json_pack("{s:o,s:I,s:o,s:s}", "key", json_text(object->key),
                                            "size", (json_int_t)object->size, "etag",
                                            json_text(object->etag), "modified", modified));
    } else if (object->folder) {
        out("%19s %12s %s\n", "", "folder", object->key);
    } else {
        time_text(modified, sizeof modified, object->modified, "%Y-%m-%d %H:%M:%S");
        out("%19s %12lld %s\n", modified, (long long)object->size, object->key);
    }
    return signals_code() == 0 ? DOGBREED_OK : DOGBREED_STOP;
}

static int run_ls(tool *t) {
    dogbreed_store *store = NULL;
    int exit_code = needs_uri(t, t->words[0]);
    exit_code = exit_code == TOOL_OK ? open_store(&store, t) : exit_code;
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    int rc = dogbreed_store_list(store, t->words[0], is_on(t, "recursive", 0), show, t);
    return rc < 0 ? remote_failed(t, rc) : signals_code();
}

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

// A target that is a folder, or ends in '/', gets the source's name. To be freed.
static char *full_target(const char *from, const char *to) {
    struct stat info;
    size_t length = strlen(to);
    int slash = length > 0 && to[length - 1] == '/';
    int bucket = is_remote(to) && strchr(to + 5, '/') == NULL;
    int folder =
        slash || bucket || (!is_remote(to) && stat(to, &info) == 0 && S_ISDIR(info.st_mode));
    size_t size = length + strlen(from) + 2;
    char *text = malloc(size);
    if (text != NULL) {
        (void)snprintf(text, size, "%s%s%s", to, folder && !slash ? "/" : "",
                       folder ? last_name(from) : "");
    }
    return text;
}

static int copy_one(tool *t, dogbreed_store *store, const char *from, const char *to) {
    int rc =
        is_remote(to) ? dogbreed_store_put(store, from, to) : dogbreed_store_get(store, from, to);
    if (rc < 0) {
        return remote_failed(t, rc);
    }
    out_written(t, "from", from, "to", to);
    return TOOL_OK;
}

static int run_cp(tool *t) {
    dogbreed_store *store = NULL;
    struct stat info;
    const char *from = t->words[0];
    if (is_remote(from) == is_remote(t->words[1])) {
        return usage_error(t, "%s, %s: expected one local path and one s3://BUCKET/KEY", from,
                           t->words[1]);
    }
    if ((is_remote(from) && (last_name(from)[0] == '\0' || strchr(from + 5, '/') == NULL)) ||
        (!is_remote(from) && stat(from, &info) == 0 && S_ISDIR(info.st_mode))) {
        return usage_error(t, "%s: is a folder; dogbreed s3 sync copies folders", from);
    }
    char *to = full_target(from, t->words[1]);
    int exit_code = to == NULL ? fail_with(t, TOOL_FAILED, "out of memory") : open_store(&store, t);
    exit_code = exit_code == TOOL_OK ? copy_one(t, store, from, to) : exit_code;
    free(to);
    return exit_code;
}

static void print_names(const json_t *report, const char *key, const char *word) {
    const json_t *name = NULL;
    size_t i = 0;
    json_array_foreach(json_object_get(report, key), i, name) {
        out("%s %s\n", word, json_string_value(name));
    }
}

static void print_sync(const json_t *report) {
    int dry = json_is_true(json_object_get(report, "dry_run"));
    if (dry) {
        print_names(report, "copied", "copy  ");
        print_names(report, "deleted", "delete");
    }
    out("%s%zu copied (%.1f MB), %zu deleted, %lld kept\n", dry ? "would be: " : "",
        json_array_size(json_object_get(report, "copied")),
        (double)integer_of(report, "bytes") * 1e-6,
        json_array_size(json_object_get(report, "deleted")), (long long)integer_of(report, "kept"));
}

static int run_sync(tool *t) {
    dogbreed_store *store = NULL;
    char *text = NULL;
    uint32_t flags = (is_on(t, "delete", 0) ? DOGBREED_SYNC_DELETE : 0U) |
                     (is_on(t, "dry-run", 0) ? DOGBREED_SYNC_DRY_RUN : 0U);
    if (is_remote(t->words[0]) == is_remote(t->words[1])) {
        return usage_error(t, "%s, %s: expected one local folder and one s3://BUCKET/PREFIX",
                           t->words[0], t->words[1]);
    }
    int exit_code = open_store(&store, t);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    int rc = dogbreed_store_sync(&text, store, t->words[0], t->words[1], flags);
    if (rc < 0) {
        return remote_failed(t, rc);
    }
    progress_clear();
    out_result(t, parse_json(text), print_sync);
    return TOOL_OK;
}

static int add_key(const dogbreed_store_object *object, void *userdata) {
    return paths_add(userdata, object->key) == 0 ? DOGBREED_OK : DOGBREED_ERROR_NO_MEMORY;
}

// Keys that begin with the URI's key, or that one object.
static int collect(paths *keys, const tool *t, dogbreed_store *store, const char *uri) {
    const char *slash = strchr(uri + 5, '/');
    if (is_on(t, "recursive", 0)) {
        return dogbreed_store_list(store, uri, 1, add_key, keys);
    }
    return paths_add(keys, slash == NULL ? "" : slash + 1) == 0 ? DOGBREED_OK
                                                                : DOGBREED_ERROR_NO_MEMORY;
}

static int remove_all(tool *t, dogbreed_store *store, const paths *keys) {
    const char *uri = t->words[0];
    int bucket = (int)(5 + strcspn(uri + 5, "/"));
    int rc = DOGBREED_OK;
    size_t done = 0;
    for (; rc == DOGBREED_OK && done < keys->count && signals_code() == 0; done++) {
        size_t size = (size_t)bucket + strlen(keys->items[done]) + 2;
        char *one = malloc(size);
        if (one == NULL) {
            return fail_with(t, TOOL_FAILED, "out of memory");
        }
        (void)snprintf(one, size, "%.*s/%s", bucket, uri, keys->items[done]);
        rc = dogbreed_store_delete(store, one);
        free(one);
    }
    if (rc < 0) {
        return remote_failed(t, rc);
    }
    if (t->json) {
        out_json(json_pack("{s:o,s:I}", "uri", json_text(uri), "deleted", (json_int_t)done));
    } else {
        out("%zu deleted\n", done);
    }
    return signals_code();
}

static int run_rm(tool *t) {
    dogbreed_store *store = NULL;
    paths keys = {0};
    int exit_code = needs_uri(t, t->words[0]);
    exit_code = exit_code == TOOL_OK ? open_store(&store, t) : exit_code;
    if (exit_code == TOOL_OK) {
        int rc = collect(&keys, t, store, t->words[0]);
        exit_code = rc < 0 ? remote_failed(t, rc) : remove_all(t, store, &keys);
    }
    paths_free(&keys);
    return exit_code;
}

#define PROFILE_FLAG                                                                               \
    { "profile", "NAME", "of ~/.aws; the same as --aws-profile", 0 }
#define END_FLAG                                                                                   \
    { NULL, NULL, NULL, 0 }
static const flag ls_flags[] = {
    {"recursive", NULL, "all objects below, not one level", 0}, PROFILE_FLAG, END_FLAG};
static const flag cp_flags[] = {PROFILE_FLAG, END_FLAG};
static const flag sync_flags[] = {
    {"delete", NULL, "remove from the target what the source has not", 0},
    {"dry-run", NULL, "change nothing, say what would be done", 0},
    PROFILE_FLAG,
    END_FLAG};
static const flag rm_flags[] = {
    {"recursive", NULL, "all objects whose key begins so", 0}, PROFILE_FLAG, END_FLAG};

const command command_s3_ls = {
    .name = "s3 ls",
    .arguments = "s3://BUCKET[/PREFIX] [--recursive] [OPTIONS...]",
    .summary = "objects of a bucket: time, size, key",
    .examples =
        "  dogbreed s3 ls s3://bucket/dogs/\n"
        "  dogbreed s3 ls s3://bucket --recursive --json --endpoint http://127.0.0.1:9000\n",
    .flags = ls_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .remote_words = WORDS_KEPT,
    .words_min = 1,
    .words_max = 1,
    .run = run_ls,
};

const command command_s3_cp = {
    .name = "s3 cp",
    .arguments = "FROM TO [OPTIONS...]",
    .summary = "one file to an object, or one object to a file",
    .examples = "  dogbreed s3 cp model.safetensors s3://bucket/models/\n"
                "  dogbreed s3 cp s3://bucket/models/model.safetensors .\n",
    .flags = cp_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .remote_words = WORDS_KEPT,
    .words_min = 2,
    .words_max = 2,
    .run = run_cp,
};

const command command_s3_sync = {
    .name = "s3 sync",
    .arguments = "FROM TO [--delete] [--dry-run] [OPTIONS...]",
    .summary = "make a folder in a bucket, or one from a bucket, equal to another",
    .examples = "  dogbreed s3 sync PHOTOS s3://bucket/dogs\n"
                "  dogbreed s3 sync s3://bucket/dogs PHOTOS --delete --dry-run\n",
    .flags = sync_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .remote_words = WORDS_KEPT,
    .words_min = 2,
    .words_max = 2,
    .run = run_sync,
};

const command command_s3_rm = {
    .name = "s3 rm",
    .arguments = "s3://BUCKET/KEY [--recursive] [OPTIONS...]",
    .summary = "remove an object, or all below a prefix",
    .examples = "  dogbreed s3 rm s3://bucket/models/old.safetensors\n"
                "  dogbreed s3 rm s3://bucket/runs/a/ --recursive\n",
    .flags = rm_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .remote_words = WORDS_KEPT,
    .words_min = 1,
    .words_max = 1,
    .run = run_rm,
};
