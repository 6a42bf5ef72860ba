// lock.c - one writer per run directory. The lock is the kernel's (flock on run.lock): it ends with
// the process, however that ends. The file's text says who holds it, for people.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "run/run_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

// The first line of what the holder wrote, without its end; "" when there is none.
static void read_holder(int descriptor, char *text, size_t size) {
    ssize_t count = pread(descriptor, text, size - 1, 0);
    text[count > 0 ? count : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static int write_holder(int descriptor, const char *path) {
    char now[28];
    char text[400];
    struct utsname host;
    dogb_clock_text(now);
    if (uname(&host) != 0) {
        host.nodename[0] = '\0';
    }
    int length = snprintf(text, sizeof text, "process %ld on %.200s since %s\n", (long)getpid(),
                          host.nodename, now);
    if (ftruncate(descriptor, 0) != 0 ||
        pwrite(descriptor, text, (size_t)length, 0) != (ssize_t)length) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", path);
    }
    return DOGBREED_OK;
}

// 1 when the descriptor is still the file of that name: the last holder removes it.
static int current(int descriptor, const char *path) {
    struct stat mine;
    struct stat now;
    return fstat(descriptor, &mine) == 0 && stat(path, &now) == 0 && mine.st_dev == now.st_dev &&
           mine.st_ino == now.st_ino;
}

static int try_lock(dogb_run *run, const char *path) {
    char holder[400];
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", path);
    }
    read_holder(descriptor, holder, sizeof holder);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        int rc = errno == EWOULDBLOCK
                     ? dogb_fail(DOGBREED_ERROR_STATE, "%s: it is being written by %s",
                                 run->directory, *holder == '\0' ? "another process" : holder)
                     : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be locked", path);
        (void)close(descriptor);
        return rc;
    }
    if (!current(descriptor, path)) {
        (void)close(descriptor);
        return 1;
    }
    if (*holder != '\0') {
        dogb_log(DOGBREED_LOG_INFO, "%s: taking over from %s, which has ended", run->directory,
                 holder);
    }
    run->lock = descriptor;
    return write_holder(descriptor, path);
}

int dogb_run_lock(dogb_run *run) {
    dogb_arena scratch = {0};
    const char *path = dogb_run_path(run, &scratch, "run.lock");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && run->lock < 0) {
        do {
            rc = try_lock(run, path);
        } while (rc == 1);
    }
    dogb_arena_free(&scratch);
    return rc;
}

void dogb_run_unlock(dogb_run *run) {
    dogb_arena scratch = {0};
    if (run->lock >= 0) {
        const char *path = dogb_run_path(run, &scratch, "run.lock");
        if (path != NULL) {
            (void)unlink(path); // before the lock ends: see current()
        }
        (void)close(run->lock);
        run->lock = -1;
    }
    dogb_arena_free(&scratch);
}
