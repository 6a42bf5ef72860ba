// folder.h - a folder of a target's own, in $TMPDIR, that is removed at the end.
#ifndef DOGB_FUZZ_FOLDER_H
#define DOGB_FUZZ_FOLDER_H

#include "core/environment.h"
#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>

static char fuzz_folder[64];

static void fuzz_folder_remove(void) {
    (void)dogb_directory_remove(fuzz_folder);
}

// 1: it was made just now.
static int fuzz_folder_make(void) {
    if (fuzz_folder[0] != '\0') {
        return 0;
    }
    const char *place = dogb_environment("TMPDIR");
    (void)snprintf(fuzz_folder, sizeof fuzz_folder, "%.40s/dogbreed-fuzz-XXXXXX",
                   place == NULL ? "/tmp" : place);
    if (mkdtemp(fuzz_folder) == NULL || atexit(fuzz_folder_remove) != 0) {
        abort();
    }
    return 1;
}

#endif
