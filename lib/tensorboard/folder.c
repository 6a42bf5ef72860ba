// folder.c - see folder.h.
#include "tensorboard/folder.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/file.h"
#include "tensorboard/frame.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char BEGIN[] = "events.out.tfevents.";
static const char END[] = ".dogbreed";

void dogb_board_name(char out[DOGB_BOARD_NAME_SIZE], double time) {
    int64_t micros = time > 0 && time < 1e10 ? (int64_t)(time * 1e6) : 0;
    (void)snprintf(out, DOGB_BOARD_NAME_SIZE, "%s%010lld.%06lld%s", BEGIN,
                   (long long)(micros / 1000000), (long long)(micros % 1000000), END);
}

static int is_ours(const char *name) {
    size_t length = strlen(name);
    return length > sizeof BEGIN + sizeof END && memcmp(name, BEGIN, sizeof BEGIN - 1) == 0 &&
           strcmp(name + length - (sizeof END - 1), END) == 0;
}

// Our event files but the one to be kept.
static int tidy(const char *directory, const char *kept) {
    DIR *list = opendir(directory);
    int rc = list == NULL ? dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be read", directory)
                          : DOGBREED_OK;
    while (rc == DOGBREED_OK) {
        const struct dirent *entry = readdir(list);
        if (entry == NULL) {
            break;
        }
        if (is_ours(entry->d_name) && strcmp(entry->d_name, kept) != 0 &&
            unlinkat(dirfd(list), entry->d_name, 0) != 0) {
            rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s/%s: cannot be removed", directory,
                                 entry->d_name);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return rc;
}

// Not dogb_file_replace: the name aside must not look like an event file to a reader.
static int write_aside(dogb_arena *arena, const char *directory, const char *path,
                       const dogb_buffer *records) {
    char name[40];
    (void)snprintf(name, sizeof name, ".dogbreed-%ld.tmp", (long)getpid());
    char *aside = dogb_path_join(arena, directory, name);
    int rc = aside == NULL ? DOGBREED_ERROR_NO_MEMORY
                           : dogb_file_put(aside, records->data, records->length);
    if (rc == DOGBREED_OK && rename(aside, path) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", path);
        (void)unlink(aside);
    }
    return rc;
}

// 1: the file has all of the records now; 0: it has other ones, or is not there.
static int append(dogb_arena *arena, const char *path, dogb_buffer *records) {
    void *data = NULL;
    size_t size = 0;
    if (!dogb_file_exists(path)) {
        return 0;
    }
    int rc = dogb_file_read(&data, &size, arena, path, records->length);
    if (rc < 0) {
        return rc == DOGBREED_ERROR_FORMAT ? 0 : rc; // 0: it is longer
    }
    if (!dogb_frame_continues(records, data, size)) {
        return 0;
    }
    rc = size == records->length
             ? DOGBREED_OK
             : dogb_file_append(path, records->data + size, records->length - size);
    return rc < 0 ? rc : 1;
}

int dogb_board_write(const char *directory, dogb_buffer *records) {
    dogb_arena scratch = {0};
    char name[DOGB_BOARD_NAME_SIZE];
    dogb_board_name(name, 0);
    char *path = dogb_path_join(&scratch, directory, name);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : records->rc;
    int there = rc < 0 ? rc : append(&scratch, path, records);
    if (there == 0) {
        rc = dogb_directory_make(directory);
        rc = rc < 0 ? rc : write_aside(&scratch, directory, path, records);
        rc = rc < 0 ? rc : tidy(directory, name);
    }
    dogb_arena_free(&scratch);
    return there < 0 ? there : rc;
}

int dogb_board_remove(const char *directory) {
    int rc = tidy(directory, "");
    if (rc == DOGBREED_OK) {
        (void)rmdir(directory); // fails when something else is in it
    }
    return rc;
}
