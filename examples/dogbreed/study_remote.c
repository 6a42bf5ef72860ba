// study_remote.c - a study whose run directory goes to the store: SQLite writes its file in pieces,
// so it works on one that stays here, and the directory has a whole copy of the last state.
#include "paths.h"
#include "remote.h"
#include "study.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double PUSH_EVERY = 30.0; // seconds

static void kept_name(char *out, size_t size, const study *s) {
    (void)snprintf(out, size, "%s/study.db", s->folder);
}

// 0, or -1 with errno; a file that is not there yet is none.
static int copy_file(const char *from, const char *to) {
    char block[1 << 16];
    FILE *in = fopen(from, "rb");
    if (in == NULL) {
        return errno == ENOENT ? 0 : -1;
    }
    FILE *copy = fopen(to, "wb");
    int failed = copy == NULL;
    for (size_t size = 1; !failed && size > 0;) {
        size = fread(block, 1, sizeof block, in);
        failed = ferror(in) || fwrite(block, 1, size, copy) != size;
    }
    failed |= copy != NULL && fclose(copy) != 0;
    (void)fclose(in);
    return failed ? -1 : 0;
}

int study_remote_open(study *s) {
    tool *t = s->t;
    dogbreed_store *store = NULL;
    char *folder = NULL;
    char kept[3100];
    const char *uri = remote_name(t, s->folder);
    if (s->worker || *t->settings.tuner.storage != '\0' || uri == s->folder) {
        return TOOL_OK;
    }
    int exit_code = remote_store(&store, t);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    int rc = dogbreed_store_work(&folder, store, uri);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    (void)snprintf(s->live, sizeof s->live, "%s/study.db", folder);
    dogbreed_free(folder);
    kept_name(kept, sizeof kept, s);
    return copy_file(kept, s->live) == 0
               ? TOOL_OK
               : fail_with(t, TOOL_FAILED, "%s: %s", s->live, strerror(errno));
}

int study_remote_save(const study *s) {
    char kept[3100];
    kept_name(kept, sizeof kept, s);
    int rc = *s->live == '\0' ? DOGBREED_OK : dogbreed_tuner_copy(s->tuner, kept);
    if (rc < 0) {
        warn("%s: %s", remote_name(s->t, kept), dogbreed_error_message());
    }
    return rc;
}

void study_remote_push(study *s) {
    if (*s->live == '\0' || now_seconds() < s->push_next) {
        return;
    }
    if (study_remote_save(s) == DOGBREED_OK) {
        (void)remote_push(s->t, 0); // a failure is a warning
    }
    s->push_next = now_seconds() + PUSH_EVERY;
}

void study_remote_close(study *s) {
    if (*s->live != '\0') {
        paths_remove(s->live, 1);
        *s->live = '\0';
    }
}
