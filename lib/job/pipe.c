// pipe.c - a Pipe channel: a tar stream in a fifo, read once into a folder. Later epochs read that.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/unpack.h"
#include "job/job_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 16, LOOK_MS = 50 };

static int silent(const char *fifo, const dogbreed_job_options *options) {
    return dogb_fail(DOGBREED_ERROR_IO, "%s: nothing came for %g seconds (pipe_timeout)", fifo,
                     options->pipe_timeout);
}

// The platform makes the fifo when the job starts, perhaps a moment later. No writer is waited for
// here: opening must not hang.
static int open_fifo(int *out, const char *fifo, const dogbreed_job_options *options) {
    double begin = dogb_clock();
    struct stat info;
    for (;;) {
        *out = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (*out >= 0 || errno != ENOENT) {
            break;
        }
        if (dogb_clock() - begin > options->pipe_timeout) {
            return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                             "%s: no such pipe after %g seconds (pipe_timeout)", fifo,
                             options->pipe_timeout);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    if (*out < 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", fifo);
    }
    if (fstat(*out, &info) != 0 || !S_ISFIFO(info.st_mode)) {
        (void)close(*out);
        *out = -1;
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not a pipe", fifo);
    }
    return DOGBREED_OK;
}

// Before the first writer a read says "end"; poll says nothing until one was there.
static int wait_for(int descriptor, const char *fifo, const dogbreed_job_options *options) {
    double end = dogb_clock() + options->pipe_timeout;
    for (;;) {
        double left = end - dogb_clock();
        struct pollfd one = {.fd = descriptor, .events = POLLIN};
        int ready = left <= 0 ? 0 : poll(&one, 1, left < 3600 ? (int)(left * 1000) + 1 : 3600000);
        if (ready > 0) {
            return DOGBREED_OK;
        }
        if (ready < 0 && errno != EINTR) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be read", fifo);
        }
        if (left <= 0) {
            return silent(fifo, options);
        }
    }
}

static int read_all(dogb_unpack *unpack, int descriptor, const char *fifo,
                    const dogbreed_job_options *options) {
    uint8_t piece[PIECE];
    for (;;) {
        int rc = wait_for(descriptor, fifo, options);
        ssize_t count = rc < 0 ? 0 : read(descriptor, piece, sizeof piece);
        if (rc < 0) {
            return rc;
        }
        if (count == 0) {
            return DOGBREED_OK;
        }
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be read", fifo);
        }
        if (count > 0 && (rc = dogb_unpack_feed(unpack, piece, (size_t)count)) < 0) {
            return rc;
        }
    }
}

int dogb_job_pipe(const char *fifo, const char *directory, const dogbreed_job_options *options) {
    dogb_arena scratch = {0};
    dogb_unpack *unpack = NULL;
    int descriptor = -1;
    const dogb_unpack_conf conf = {.what = fifo,
                                   .directory = directory,
                                   .bytes_max = options->pipe_bytes_max,
                                   .files_max = options->pipe_files_max};
    int rc = open_fifo(&descriptor, fifo, options);
    if (rc == DOGBREED_OK && (rc = dogb_unpack_create(&unpack, &scratch, &conf)) == DOGBREED_OK &&
        (rc = read_all(unpack, descriptor, fifo, options)) == DOGBREED_OK) {
        rc = dogb_unpack_end(unpack, NULL);
    }
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    dogb_arena_free(&scratch);
    return rc;
}
