// transform_folder.c - the folder of results. At any moment, also when the power fails, each of its
// results is whole and of what its record says: old ones are removed before the record changes, new
// ones come after it.
#include "predictor/transform.h"

#include "core/error.h"
#include "core/file.h"
#include "dataset/list.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_NAME "transform.json"

enum { ANSWER_MAX = 1 << 26 }; // bytes; a million scores have a fifth of it

static int unlink_at(dogb_arena *scratch, const char *folder, const char *name) {
    char *path = dogb_path_join(scratch, folder, name);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int failed = unlink(path) != 0 && dogb_file_exists(path);
    return failed ? dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be removed", path) : DOGBREED_OK;
}

// "dog.jpg.out": a folder may hold other files that end like results.
static int is_result(const char *name) {
    static const char *const ends[] = {DOGB_RESULT_END, DOGB_RESULT_ASIDE};
    char stem[256];
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);
        if (length > end && length - end < sizeof stem &&
            strcmp(name + length - end, ends[i]) == 0) {
            (void)snprintf(stem, sizeof stem, "%.*s", (int)(length - end), name);
            return dogb_is_picture(stem);
        }
    }
    return 0;
}

// What the record of old results says of them, read when the first needs it.
typedef struct former {
    const char *record; // its path
    dogb_answer_form form;
    int known; // 1; 0: it says nothing that is understood; -1: not read yet
} former;

static int read_former(former *f) {
    dogb_arena scratch = {0};
    json_t *old = NULL;
    int rc =
        f->known >= 0 ? DOGBREED_OK : dogb_json_read(&old, &scratch, f->record, "transform", 1);
    if (f->known < 0 && rc != DOGBREED_ERROR_NO_MEMORY) { // a damaged one is written anew
        f->known = rc == DOGBREED_OK && dogb_transform_form(&f->form, old);
    }
    dogb_arena_free(&scratch);
    return rc == DOGBREED_ERROR_NO_MEMORY ? rc : DOGBREED_OK;
}

// Pictures that were named one by one end in anything: their results are known by what they hold.
// 1, 0, or NO_MEMORY.
static int is_answer(const char *folder, const char *name, former *f) {
    dogb_arena scratch = {0};
    struct stat info;
    void *text = NULL;
    size_t size = 0;
    size_t length = strlen(name);
    size_t end = sizeof DOGB_RESULT_END - 1;
    if (length <= end || strcmp(name + length - end, DOGB_RESULT_END) != 0) {
        return 0;
    }
    char *path = dogb_path_join(&scratch, folder, name);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : read_former(f);
    if (rc == DOGBREED_OK) {
        rc = !f->known || lstat(path, &info) != 0 || !S_ISREG(info.st_mode)
                 ? DOGBREED_ERROR_NOT_FOUND
                 : dogb_file_read(&text, &size, &scratch, path, ANSWER_MAX);
    }
    if (rc != DOGBREED_ERROR_NO_MEMORY) {
        rc = rc == DOGBREED_OK && dogb_answer_is_whole(&f->form, text, size, &scratch);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Links are not followed: what they lead to is not ours.
static int remove_below(const char *folder, former *f) {
    dogb_arena scratch = {0};
    dogb_listing list;
    int rc = dogb_list(&list, &scratch, folder);
    for (size_t i = 0; rc == DOGBREED_OK && i < list.file_count; i++) {
        const char *name = list.files[i];
        int found = is_result(name) ? 1 : is_answer(folder, name, f);
        rc = found > 0 ? unlink_at(&scratch, folder, name) : found;
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < list.folder_count; i++) {
        struct stat info;
        char *path = dogb_path_join(&scratch, folder, list.folders[i]);
        rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        if (rc == DOGBREED_OK && lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            rc = remove_below(path, f);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int remove_results(const char *folder, const dogb_picture *pictures, int64_t count) {
    dogb_arena scratch = {0};
    former f = {.record = dogb_path_join(&scratch, folder, RECORD_NAME), .known = -1};
    int rc = f.record == NULL ? DOGBREED_ERROR_NO_MEMORY : remove_below(folder, &f);
    for (int64_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = unlink_at(&scratch, folder, pictures[i].name);
    }
    dogb_arena_free(&scratch);
    return rc < 0 ? rc : dogb_file_system_sync(folder);
}

// Results without a record are of nobody knows what.
static int check_none(const char *folder, const dogb_picture *pictures, int64_t count) {
    dogb_arena scratch = {0};
    int rc = DOGBREED_OK;
    for (int64_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        char *path = dogb_path_join(&scratch, folder, pictures[i].name);
        if (path == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (pictures[i].elsewhere || dogb_file_exists(path)) {
            rc = dogb_fail(DOGBREED_ERROR_MISMATCH,
                           "%s: results are here, such as %s, and no " RECORD_NAME
                           " says what made them; choose another folder, or overwrite them "
                           "(overwrite)",
                           folder, pictures[i].name);
        }
        dogb_release(&scratch, path);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_results_open(dogb_results *results, const dogb_picture *pictures, int64_t count,
                      const json_t *record, int32_t overwrite) {
    dogb_arena scratch = {0};
    json_t *there = NULL;
    int rc = dogb_directory_make(results->folder);
    char *path = rc < 0 ? NULL : dogb_path_join(&scratch, results->folder, RECORD_NAME);
    if (path == NULL) {
        rc = rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    } else if (overwrite) {
        rc = remove_results(results->folder, pictures, count);
    } else if (dogb_file_exists(path)) {
        rc = dogb_json_read(&there, &scratch, path, "transform", 1);
        rc = rc < 0 ? rc : dogb_transform_compare(there, record, path);
    } else {
        rc = check_none(results->folder, pictures, count);
    }
    if (rc == DOGBREED_OK && there == NULL) {
        rc = dogb_json_write(path, record);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Names come sorted: a folder is made once.
static int make_above(dogb_results *results, const char *path) {
    size_t length = (size_t)(dogb_path_name(path) - path) - 1;
    if (results->made != NULL && strncmp(results->made, path, length) == 0 &&
        results->made[length] == '\0') {
        return DOGBREED_OK;
    }
    dogb_arena_free(&results->made_arena);
    results->made = dogb_strndup(&results->made_arena, path, length);
    int rc = results->made == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(results->made);
    results->made = rc < 0 ? NULL : results->made;
    return rc;
}

int dogb_results_put(dogb_results *results, int64_t picture, const char *name, const char *text,
                     size_t size) {
    dogb_arena *arena = &results->group_arena;
    int rc = dogb_grow(arena, &results->group, &results->group_capacity, results->group_count,
                       sizeof *results->group);
    if (rc < 0) {
        return rc;
    }
    dogb_written one = {.picture = picture, .path = dogb_path_join(arena, results->folder, name)};
    one.aside = one.path == NULL ? NULL : dogb_format(arena, "%s.tmp", one.path);
    rc = one.aside == NULL ? DOGBREED_ERROR_NO_MEMORY : make_above(results, one.path);
    rc = rc < 0 ? rc : dogb_file_put(one.aside, text, size);
    if (rc == DOGBREED_OK) {
        results->group[results->group_count++] = one;
    }
    return rc;
}

// The names too are on the disk then: who hears of a result may throw its picture away.
int dogb_results_commit(dogb_results *results) {
    if (results->group_count == 0) {
        return DOGBREED_OK;
    }
    int rc = dogb_file_system_sync(results->folder);
    for (size_t i = 0; rc == DOGBREED_OK && i < results->group_count; i++) {
        const dogb_written *w = &results->group[i];
        rc = rename(w->aside, w->path) == 0
                 ? DOGBREED_OK
                 : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", w->path);
    }
    return rc < 0 ? rc : dogb_file_system_sync(results->folder);
}

void dogb_results_clear(dogb_results *results) {
    dogb_arena_free(&results->group_arena);
    results->group = NULL;
    results->group_count = 0;
    results->group_capacity = 0;
}

void dogb_results_close(dogb_results *results) {
    for (size_t i = 0; i < results->group_count; i++) {
        (void)unlink(results->group[i].aside); // those that are at their place have none
    }
    dogb_results_clear(results);
    dogb_arena_free(&results->made_arena);
}
