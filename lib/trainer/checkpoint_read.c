// checkpoint_read.c - finds the newest intact checkpoint, checks that it belongs to this trainer,
// and takes its state over. Damaged ones are named in a warning and passed over.
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "trainer/checkpoint.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>

static int check_part(dogb_arena *arena, const char *directory, const json_t *part) {
    const char *name = json_string_value(json_object_get(part, "name"));
    const char *wanted = json_string_value(json_object_get(part, "sha256"));
    const char *path = name == NULL ? NULL : dogb_path_join(arena, directory, name);
    dogb_sha256 hash;
    char text[65];
    if (name == NULL || wanted == NULL || strchr(name, '/') != NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: a part has no name or hash", directory);
    }
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_sha256_file(&hash, path);
    if (rc < 0) {
        return rc;
    }
    dogb_sha256_text(&hash, text);
    return strcmp(text, wanted) == 0 ? DOGBREED_OK
                                     : dogb_fail(DOGBREED_ERROR_FORMAT,
                                                 "%s: damaged, its SHA-256 is %.16s... and not "
                                                 "%.16s...",
                                                 path, text, wanted);
}

int dogb_checkpoint_open(json_t **out, dogb_arena *arena, const char *directory) {
    char digest[65];
    json_t *root = NULL;
    const char *path = dogb_path_join(arena, directory, DOGB_CHECKPOINT_FILE);
    *out = NULL;
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_json_read(&root, arena, path, "checkpoint", DOGB_CHECKPOINT_VERSION);
    if (rc < 0 || (rc = dogb_checkpoint_digest(digest, root)) < 0) {
        return rc;
    }
    const char *wanted = json_string_value(json_object_get(root, "digest"));
    if (wanted == NULL || strcmp(wanted, digest) != 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: damaged, its digest does not hold", path);
    }
    const json_t *parts = json_object_get(root, "parts");
    for (size_t i = 0; i < json_array_size(parts) && rc == DOGBREED_OK; i++) {
        rc = check_part(arena, directory, json_array_get(parts, i));
    }
    if (rc == DOGBREED_OK) {
        *out = root;
    }
    return rc;
}

typedef struct candidate {
    const char *directory;
    json_t *document;
    int damaged; // directories that were passed over
    int silent;  // without a warning
    char reason[256];
} candidate;

static int newer(const json_t *a, const json_t *b) {
    json_int_t epochs = json_integer_value(json_object_get(a, "epoch")) -
                        json_integer_value(json_object_get(b, "epoch"));
    json_int_t steps = json_integer_value(json_object_get(a, "position")) -
                       json_integer_value(json_object_get(b, "position"));
    return epochs != 0 ? epochs > 0 : steps > 0;
}

static int look_at(candidate *found, dogb_arena *arena, const char *directory, int expected) {
    json_t *document = NULL;
    const char *path = dogb_path_join(arena, directory, DOGB_CHECKPOINT_FILE);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (!dogb_directory_exists(directory) || (!expected && !dogb_file_exists(path))) {
        return DOGBREED_OK; // `next` without its document: killed while it was being written
    }
    int rc = dogb_checkpoint_open(&document, arena, directory);
    if (rc == DOGBREED_ERROR_NO_MEMORY || rc == DOGBREED_ERROR_UNSUPPORTED) {
        return rc;
    }
    if (rc < 0) {
        found->damaged++;
        (void)snprintf(found->reason, sizeof found->reason, "%.255s", dogbreed_error_message());
        if (!found->silent) {
            dogb_log(DOGBREED_LOG_WARNING, "%s; looking for an older checkpoint", found->reason);
        }
        return DOGBREED_OK;
    }
    const char *kind = json_string_value(json_object_get(document, "kind"));
    if (kind != NULL && strcmp(kind, "state") == 0 &&
        (found->document == NULL || newer(document, found->document))) {
        found->document = document;
        found->directory = directory;
    }
    return DOGBREED_OK;
}

// `directory` is a checkpoint itself, or holds last/ and previous/, or is a run directory.
static int find(candidate *found, dogb_arena *arena, const char *directory) {
    static const char *const names[] = {
        "last", "next", "previous", "checkpoint/last", "checkpoint/next", "checkpoint/previous"};
    const char *file = dogb_path_join(arena, directory, DOGB_CHECKPOINT_FILE);
    int rc = file == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && dogb_file_exists(file)) {
        rc = look_at(found, arena, directory, 1);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names && rc == DOGBREED_OK; i++) {
        const char *path = dogb_path_join(arena, directory, names[i]);
        int expected = strstr(names[i], "next") == NULL;
        rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : look_at(found, arena, path, expected);
    }
    if (rc < 0 || found->document != NULL) {
        return rc;
    }
    return found->damaged > 0
               ? dogb_fail(DOGBREED_ERROR_FORMAT, "%s: no intact checkpoint: %s", directory,
                           found->reason)
               : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: there is no checkpoint", directory);
}

// Options that change nothing in the numbers, or that a user may want to change for the rest.
static int free_option(const dogbreed_trainer *trainer, const char *name) {
    static const char *const names[] = {"engine",     "device",
                                        "cache_dir",  "decoded_cache_bytes",
                                        "threads",    "feature_cache_bytes",
                                        "time_limit", "loader_threads",
                                        "patience",   "min_delta",
                                        "keep"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return 1;
        }
    }
    // More or fewer epochs only lengthen a schedule that does not look at the end.
    return strcmp(name, "epochs") == 0 &&
           (trainer->options.schedule == DOGBREED_SCHEDULE_CONSTANT ||
            trainer->options.schedule == DOGBREED_SCHEDULE_STEP);
}

static int check_options(const dogbreed_trainer *trainer, dogb_arena *arena,
                         const candidate *found) {
    const json_t *saved = json_object_get(found->document, "options");
    json_t *mine = dogb_json_object(arena);
    const char *name = NULL;
    json_t *value = NULL;
    int rc = mine == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_table_to_json(mine, &dogb_trainer_table, &trainer->options);
    if (rc < 0) {
        return rc;
    }
    json_object_foreach(mine, name, value) {
        const json_t *old = json_object_get(saved, name);
        if (old == NULL || json_equal(old, value) || free_option(trainer, name)) {
            continue; // an option that is newer than the checkpoint has no old value
        }
        const char *before = dogb_json_text_in(arena, old, 0);
        const char *now = dogb_json_text_in(arena, value, 0);
        if (before == NULL || now == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: it was made with another option: %s %s, now it is %s",
                         found->directory, name, before, now);
    }
    return DOGBREED_OK;
}

static int check_hash(const candidate *found, const char *key, const dogb_sha256 *hash,
                      const char *what) {
    char text[65];
    const char *saved = json_string_value(json_object_get(found->document, key));
    dogb_sha256_text(hash, text);
    return saved != NULL && strcmp(saved, text) == 0
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_MISMATCH,
                           "%s: it was made with other data: the files of the %s split differ",
                           found->directory, what);
}

static int check_origin(dogbreed_trainer *trainer, dogb_arena *arena, const candidate *found) {
    const char *mine = dogb_model_graph(trainer->model)->architecture;
    const char *architecture = json_string_value(json_object_get(found->document, "architecture"));
    int had_valid = json_object_get(found->document, "data_valid") != NULL;
    if (architecture == NULL || strcmp(architecture, mine) != 0) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: it holds a %s, the model is a %s",
                         found->directory, architecture == NULL ? "?" : architecture, mine);
    }
    if (had_valid != (trainer->valid != NULL)) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: it was made %s a validation split",
                         found->directory, had_valid ? "with" : "without");
    }
    int rc = check_options(trainer, arena, found);
    if (rc < 0 || (rc = dogb_checkpoint_fingerprints(trainer)) < 0 ||
        (rc = check_hash(found, "data_train", &trainer->fingerprint_train, "training")) < 0) {
        return rc;
    }
    if (trainer->valid != NULL) {
        rc = check_hash(found, "data_valid", &trainer->fingerprint_valid, "validation");
    }
    json_int_t threads = json_integer_value(json_object_get(found->document, "threads"));
    if (rc == DOGBREED_OK && threads != trainer->threads) {
        dogb_log(DOGBREED_LOG_WARNING,
                 "%s: it was made with %d compute threads, now there are %d: the weights will not "
                 "be the same to the last bit",
                 found->directory, (int)threads, (int)trainer->threads);
    }
    return rc;
}

int dogb_checkpoint_find(char **path, const char *directory) {
    dogb_arena scratch = {0};
    candidate found = {.silent = 1};
    int rc = find(&found, &scratch, directory);
    rc = rc < 0 ? rc : dogb_text_out(path, found.directory);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_checkpoint_read(dogbreed_trainer *trainer, const char *directory) {
    dogb_arena scratch = {0};
    candidate found = {0};
    int rc = find(&found, &scratch, directory);
    if (rc < 0 || (rc = check_origin(trainer, &scratch, &found)) < 0 ||
        (rc = dogb_checkpoint_tensors(trainer, found.directory, found.document, 0)) < 0) {
        goto out;
    }
    trainer->broken = 1; // until everything is taken over
    if ((rc = dogb_checkpoint_progress(&trainer->progress, &trainer->optim_steps, &trainer->arena,
                                       found.document, found.directory)) < 0 ||
        (rc = dogb_checkpoint_tensors(trainer, found.directory, found.document, 1)) < 0) {
        goto out;
    }
    trainer->broken = 0;
    if (found.damaged > 0) {
        dogb_log(DOGBREED_LOG_WARNING, "%s: continuing from here, behind epoch %d", found.directory,
                 (int)trainer->progress.epoch);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
