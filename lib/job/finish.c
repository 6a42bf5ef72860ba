// finish.c - what a container leaves behind: the model, the run's documents, markers.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "job/job_internal.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHARACTERS_MAX = 1024 };

static const char MODEL[] = "model.safetensors";
static const char CARD[] = "model_card.md";

static int copy_file(const char *to, const char *from) {
    dogb_arena scratch = {0};
    dogb_map map;
    int rc = dogb_map_open(&map, &scratch, from, SIZE_MAX);
    rc = rc < 0 ? rc : dogb_file_write(to, map.data, map.size);
    dogb_arena_free(&scratch);
    return rc;
}

static int hand_in_model(const dogbreed_job *job, dogb_arena *arena, const char *run) {
    const char *folder = dogbreed_job_get(job, "model_dir");
    char *card = NULL;
    char *from = dogb_path_join(arena, run, MODEL);
    char *to = dogb_path_join(arena, folder, MODEL);
    char *beside = dogb_path_join(arena, folder, CARD);
    if (from == NULL || to == NULL || beside == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_file_exists(from)
                 ? dogb_directory_make(folder)
                 : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: there is no model yet", run);
    rc = rc < 0 ? rc : copy_file(to, from);
    rc = rc < 0 ? rc : dogb_job_card(&card, arena, run);
    return rc < 0 ? rc : dogb_file_write(beside, card, strlen(card));
}

static int is_document(const char *name) {
    const char *end = strrchr(name, '.');
    return *name != '.' && strcmp(name, MODEL) != 0 &&
           (end == NULL || (strcmp(end, ".lock") != 0 && strcmp(end, ".tmp") != 0));
}

// The files of the run directory itself: its folders have places of their own.
static int hand_in_documents(const dogbreed_job *job, dogb_arena *arena, const char *run) {
    const char *folder = dogbreed_job_get(job, "output_data_dir");
    int rc = dogb_directory_make(folder);
    DIR *directory = rc < 0 ? NULL : opendir(run);
    if (directory == NULL) {
        return rc < 0 ? rc : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be listed", run);
    }
    for (struct dirent *entry = readdir(directory); rc == DOGBREED_OK && entry != NULL;
         entry = readdir(directory)) {
        char *from = dogb_path_join(arena, run, entry->d_name);
        char *to = dogb_path_join(arena, folder, entry->d_name);
        if (from == NULL || to == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (is_document(entry->d_name) && dogb_file_exists(from)) {
            rc = copy_file(to, from);
        }
    }
    (void)closedir(directory);
    return rc;
}

int dogbreed_job_complete(const dogbreed_job *job, const char *run) {
    dogb_arena scratch = {0};
    DOGB_CHECK(job != NULL && run != NULL, "job: job or run is NULL");
    int rc = hand_in_model(job, &scratch, run);
    rc = rc < 0 ? rc : hand_in_documents(job, &scratch, run);
    rc = rc < 0 ? rc : dogbreed_job_board(job, run);
    dogb_arena_free(&scratch);
    return rc;
}

// Event files of one folder that differ in size from their copies.
static int copy_events(dogb_arena *arena, const char *to, const char *from) {
    int rc = DOGBREED_OK;
    DIR *directory = opendir(from);
    if (directory == NULL) {
        return DOGBREED_OK; // none there yet
    }
    for (struct dirent *entry = readdir(directory); rc == DOGBREED_OK && entry != NULL;
         entry = readdir(directory)) {
        struct stat theirs;
        struct stat ours;
        char *source = dogb_path_join(arena, from, entry->d_name);
        char *target = dogb_path_join(arena, to, entry->d_name);
        if (source == NULL || target == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (strstr(entry->d_name, "tfevents") != NULL && stat(source, &theirs) == 0 &&
                   (stat(target, &ours) != 0 || ours.st_size != theirs.st_size)) {
            rc = dogb_directory_make(to);
            rc = rc < 0 ? rc : copy_file(target, source);
        }
    }
    (void)closedir(directory);
    return rc;
}

int dogbreed_job_board(const dogbreed_job *job, const char *run) {
    static const char *const folders[] = {"", "steps", "evaluation"};
    dogb_arena scratch = {0};
    DOGB_CHECK(job != NULL && run != NULL, "job: job or run is NULL");
    const char *board = dogbreed_job_get(job, "tensorboard_dir");
    int rc = DOGBREED_OK;
    for (size_t i = 0; *board != '\0' && rc == DOGBREED_OK && i < 3; i++) {
        char *from = dogb_path_join(&scratch, run, folders[i]);
        char *to = dogb_path_join(&scratch, board, folders[i]);
        rc =
            from == NULL || to == NULL ? DOGBREED_ERROR_NO_MEMORY : copy_events(&scratch, to, from);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int remove_marker(const char *path) {
    return unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR
               ? DOGBREED_OK
               : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be removed", path);
}

// Bytes of the first so many characters; bytes inside of one do not count.
static size_t cut(const char *text, int characters) {
    size_t length = 0;
    for (int count = 0; text[length] != '\0'; length++) {
        count += ((unsigned char)text[length] & 0xC0) != 0x80;
        if (count > characters) {
            break;
        }
    }
    return length;
}

int dogbreed_job_mark(const char *root, int32_t state, const char *message) {
    static const char *const names[] = {
        [DOGBREED_JOB_SUCCESS] = "success", [DOGBREED_JOB_FAILURE] = "failure"};
    dogb_arena scratch = {0};
    char *base = NULL;
    DOGB_CHECK(state >= DOGBREED_JOB_RUNNING && state <= DOGBREED_JOB_FAILURE,
               "job: state %d, expected DOGBREED_JOB_RUNNING, _SUCCESS or _FAILURE", (int)state);
    DOGB_CHECK(state != DOGBREED_JOB_FAILURE || message != NULL,
               "job: a failure without a message");
    const char *given = dogb_environment("SM_OUTPUT_DIR");
    int rc = dogb_job_base(&base, &scratch, root);
    if (rc == DOGBREED_OK && !dogb_directory_exists(base)) {
        rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no such folder", base);
    }
    const char *folder = rc < 0          ? NULL
                         : given != NULL ? dogb_job_map(&scratch, base, given)
                                         : dogb_path_join(&scratch, base, "output");
    for (int i = DOGBREED_JOB_SUCCESS; rc == DOGBREED_OK && i <= DOGBREED_JOB_FAILURE; i++) {
        char *path = folder == NULL ? NULL : dogb_path_join(&scratch, folder, names[i]);
        if (path == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (i != state) {
            rc = remove_marker(path);
        } else if ((rc = dogb_directory_make(folder)) == DOGBREED_OK) {
            char *text = dogb_strdup(&scratch, message == NULL ? "" : message);
            if (text == NULL) {
                rc = DOGBREED_ERROR_NO_MEMORY;
                break;
            }
            dogb_text_repair(text);
            rc = dogb_file_write(path, text,
                                 i == DOGBREED_JOB_SUCCESS ? 0 : cut(text, CHARACTERS_MAX));
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}
