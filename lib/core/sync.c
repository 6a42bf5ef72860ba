#define _GNU_SOURCE // syncfs
// sync.c - many files that are written one after the other reach the disk at once: see file.h.
#include "core/error.h"
#include "core/file.h"

#include <fcntl.h>
#include <unistd.h>

int dogb_file_system_sync(const char *folder) {
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = descriptor < 0 || syncfs(descriptor) != 0
                 ? dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be synced", folder)
                 : DOGBREED_OK;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return rc;
}
