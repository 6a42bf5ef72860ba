// file.c - local files. Every write goes aside and is renamed, so that a reader sees the old file
// or the new one.
#include "core/file.h"
#include "core/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct dogb_writer {
    int descriptor; // -1 once closed
    int hasty;      // renamed without syncing
    int64_t position;
    size_t used; // of buffer
    char *path;
    char *aside;
    char buffer[1 << 16];
};

static int open_error(const char *path) {
    if (errno == ENOENT || errno == ENOTDIR) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no such file", path);
    }
    return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", path);
}

// Opens a regular file for reading and tells its size.
static int open_regular(int *out, size_t *size, const char *path, size_t size_max) {
    struct stat info;
    int descriptor =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // NONBLOCK: a pipe must not hang us
    int rc = DOGBREED_OK;
    if (descriptor < 0) {
        return open_error(path);
    }
    if (fstat(descriptor, &info) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be examined", path);
    } else if (!S_ISREG(info.st_mode)) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not a regular file", path);
    } else if ((uint64_t)info.st_size > size_max) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %lld bytes, at most %zu are allowed", path,
                       (long long)info.st_size, size_max);
    }
    if (rc < 0) {
        (void)close(descriptor);
        return rc;
    }
    *out = descriptor;
    *size = (size_t)info.st_size;
    return DOGBREED_OK;
}

// Reads up to `total` bytes; fewer when the file shrank meanwhile.
static int read_all(size_t *done, int descriptor, char *bytes, size_t total, const char *path) {
    *done = 0;
    while (*done < total) {
        ssize_t count = read(descriptor, bytes + *done, total - *done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be read", path);
        }
        if (count == 0) {
            break; // it shrank while we read: what is there counts
        }
        *done += (size_t)count;
    }
    return DOGBREED_OK;
}

int dogb_file_read(void **data, size_t *size, dogb_arena *arena, const char *path,
                   size_t size_max) {
    int descriptor = -1;
    size_t total = 0;
    size_t done = 0;
    int rc = open_regular(&descriptor, &total, path, size_max);
    *data = NULL;
    *size = 0;
    if (rc < 0) {
        return rc;
    }
    char *bytes = dogb_alloc_raw(arena, total + 1, 1);
    rc = bytes == NULL ? DOGBREED_ERROR_NO_MEMORY : read_all(&done, descriptor, bytes, total, path);
    (void)close(descriptor);
    if (rc < 0) {
        dogb_release(arena, bytes);
        return rc;
    }
    bytes[done] = '\0';
    *data = bytes;
    *size = done;
    return DOGBREED_OK;
}

int dogb_file_read_into(void **buffer, size_t *capacity, size_t *size, dogb_arena *arena,
                        const char *path, size_t size_max) {
    int descriptor = -1;
    size_t total = 0;
    int rc = open_regular(&descriptor, &total, path, size_max);
    *size = 0;
    if (rc < 0) {
        return rc;
    }
    if (total > *capacity || *buffer == NULL) {
        // Half as much again, so that a run of growing files does not move the buffer each time.
        void *grown = dogb_alloc_raw(arena, total + total / 2 + 1, 1);
        if (grown == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else {
            dogb_release(arena, *buffer);
            *buffer = grown;
            *capacity = total + total / 2 + 1;
        }
    }
    if (rc == DOGBREED_OK) {
        rc = read_all(size, descriptor, *buffer, total, path);
    }
    (void)close(descriptor);
    return rc;
}

typedef struct mapping {
    void *data;
    size_t size;
} mapping;

static void unmap(void *pointer) {
    mapping *map = pointer;
    (void)munmap(map->data, map->size);
}

int dogb_map_open(dogb_map *out, dogb_arena *arena, const char *path, size_t size_max) {
    int descriptor = -1;
    size_t size = 0;
    int rc = open_regular(&descriptor, &size, path, size_max);
    out->data = (const uint8_t *)"";
    out->size = 0;
    if (rc < 0) {
        return rc;
    }
    if (size == 0) {
        (void)close(descriptor);
        return DOGBREED_OK;
    }
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    (void)close(descriptor);
    if (data == MAP_FAILED) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be mapped", path);
    }
    mapping *map = dogb_alloc(arena, 1, sizeof *map);
    if (map == NULL) {
        (void)munmap(data, size);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    map->data = data;
    map->size = size;
    if ((rc = dogb_defer(arena, unmap, map)) < 0) {
        return rc;
    }
    out->data = data;
    out->size = size;
    return DOGBREED_OK;
}

static void writer_close(void *pointer) {
    dogb_writer *writer = pointer;
    if (writer->descriptor >= 0) {
        (void)close(writer->descriptor);
        (void)unlink(writer->aside);
        writer->descriptor = -1;
    }
}

// A new file beside `path`. Not mkstemp: that makes it private, and to learn the mask that a plain
// open() would have used means to change it for the whole process.
static int create_aside(dogb_writer *writer, dogb_arena *arena, const char *path) {
    static _Atomic uint32_t counter;
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES; i++) {
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        // Unlike those of other processes, also on other machines of a shared folder.
        uint32_t mark = (uint32_t)now.tv_nsec * 2654435761U ^ (uint32_t)getpid() * 40503U ^
                        atomic_fetch_add(&counter, 1) * 0x85EBCA6BU;
        writer->aside = dogb_format(arena, "%s.%08x.tmp", path, mark);
        if (writer->aside == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        writer->descriptor = open(writer->aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->descriptor >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (writer->descriptor < 0) {
        int code =
            errno == ENOENT || errno == ENOTDIR ? DOGBREED_ERROR_NOT_FOUND : DOGBREED_ERROR_IO;
        return dogb_fail_errno(code, "%s: cannot be created", path);
    }
    return DOGBREED_OK;
}

int dogb_writer_open(dogb_writer **out, dogb_arena *arena, const char *path) {
    int rc = DOGBREED_OK;
    *out = NULL;
    dogb_writer *writer = dogb_alloc(arena, 1, sizeof *writer);
    if (writer == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    writer->descriptor = -1;
    writer->path = dogb_strdup(arena, path);
    if (writer->path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((rc = create_aside(writer, arena, path)) < 0 ||
        (rc = dogb_defer(arena, writer_close, writer)) < 0) {
        return rc;
    }
    *out = writer;
    return DOGBREED_OK;
}

static int write_all(int descriptor, const char *path, const void *data, size_t size) {
    const char *bytes = data;
    while (size > 0) {
        ssize_t count = write(descriptor, bytes, size);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", path);
        }
        bytes += count;
        size -= (size_t)count;
    }
    return DOGBREED_OK;
}

static int flush(dogb_writer *writer) {
    size_t used = writer->used;
    writer->used = 0;
    return write_all(writer->descriptor, writer->path, writer->buffer, used);
}

int dogb_writer_add(dogb_writer *writer, const void *data, size_t size) {
    int rc = DOGBREED_OK;
    writer->position += (int64_t)size;
    if (size >= sizeof writer->buffer - writer->used) {
        if ((rc = flush(writer)) < 0) {
            return rc;
        }
        if (size >= sizeof writer->buffer) {
            return write_all(writer->descriptor, writer->path, data, size);
        }
    }
    if (size > 0) {
        memcpy(writer->buffer + writer->used, data, size);
        writer->used += size;
    }
    return DOGBREED_OK;
}

int64_t dogb_writer_position(const dogb_writer *writer) {
    return writer->position;
}

int dogb_writer_at(dogb_writer *writer, int64_t position, const void *data, size_t size) {
    int rc = flush(writer);
    if (rc == DOGBREED_OK &&
        pwrite(writer->descriptor, data, size, (off_t)position) != (ssize_t)size) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", writer->path);
    }
    return rc;
}

int dogb_writer_commit(dogb_writer *writer) {
    int rc = flush(writer);
    if (rc == DOGBREED_OK && !writer->hasty && fsync(writer->descriptor) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", writer->path);
    }
    if (rc < 0) {
        return rc; // closed and removed by the arena
    }
    int closed = close(writer->descriptor);
    writer->descriptor = -1;
    if (closed != 0 || rename(writer->aside, writer->path) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", writer->path);
        (void)unlink(writer->aside);
        return rc;
    }
    if (writer->hasty) {
        return DOGBREED_OK;
    }
    char *slash = strrchr(writer->aside, '/');
    if (slash == NULL) {
        return dogb_directory_sync(".");
    }
    slash[slash == writer->aside ? 1 : 0] = '\0';
    return dogb_directory_sync(writer->aside);
}

void dogb_writer_hasty(dogb_writer *writer) {
    writer->hasty = 1;
}

static int write_whole(const char *path, const void *data, size_t size, int hasty) {
    dogb_arena scratch = {0};
    dogb_writer *writer = NULL;
    int rc = dogb_writer_open(&writer, &scratch, path);
    if (rc == DOGBREED_OK && hasty) {
        dogb_writer_hasty(writer);
    }
    if (rc == DOGBREED_OK && (rc = dogb_writer_add(writer, data, size)) == DOGBREED_OK) {
        rc = dogb_writer_commit(writer);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_file_put(const char *path, const void *data, size_t size) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        return dogb_fail_errno(errno == ENOENT || errno == ENOTDIR ? DOGBREED_ERROR_NOT_FOUND
                                                                   : DOGBREED_ERROR_IO,
                               "%s: cannot be created", path);
    }
    int rc = write_all(descriptor, path, data, size);
    if (close(descriptor) != 0 && rc == DOGBREED_OK) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", path);
    }
    if (rc < 0 && dogb_file_exists(path)) { // never a device, whoever we are
        (void)unlink(path);
    }
    return rc;
}

int dogb_file_append(const char *path, const void *data, size_t size) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", path);
    }
    int rc = write_all(descriptor, path, data, size);
    if (close(descriptor) != 0 && rc == DOGBREED_OK) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", path);
    }
    return rc;
}

int dogb_file_write(const char *path, const void *data, size_t size) {
    return write_whole(path, data, size, 0);
}

int dogb_file_replace(const char *path, const void *data, size_t size) {
    return write_whole(path, data, size, 1);
}
