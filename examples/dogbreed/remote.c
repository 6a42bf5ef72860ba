// remote.c - see remote.h.
#include "remote.h"
#include "line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct copy {
    char *uri;
    char *path; // the library's
    struct copy *next;
} copy;

struct remote {
    dogbreed_store *store;
    line line;
    int quiet;
    double begin;
    int64_t before; // bytes that were done when it began
    copy *copies;
};

static const stoppable transfer = {.text = "\nstopping the transfer; once more ends at once\n"};

int is_remote(const char *path) {
    return path != NULL && strncmp(path, "s3://", 5) == 0;
}

// "3/20 files  12.5/80.1 MB  15 %  4.1 MB/s  ETA 0:16"
static void draw(struct remote *r, const dogbreed_store_progress *p) {
    char text[LINE_MAX_LENGTH] = "";
    char part[96];
    char eta[32];
    int width = line_width(&r->line);
    double seconds = now_seconds() - r->begin;
    double rate = seconds > 0.1 ? (double)(p->bytes - r->before) / seconds : 0.0;
    if (p->files_total > 1) {
        (void)snprintf(part, sizeof part, "%lld/%lld files", (long long)p->files,
                       (long long)p->files_total);
        line_add(text, width, part);
    }
    (void)snprintf(part, sizeof part, "%.1f/%.1f MB", (double)p->bytes * 1e-6,
                   (double)p->bytes_total * 1e-6);
    line_add(text, width, part);
    if (p->bytes_total > 0) {
        (void)snprintf(part, sizeof part, "%.0f %%",
                       100.0 * (double)p->bytes / (double)p->bytes_total);
        line_add(text, width, part);
    }
    if (rate > 0.0) {
        (void)snprintf(part, sizeof part, "%.1f MB/s", rate * 1e-6);
        line_add(text, width, part);
        format_time(eta, sizeof eta, (double)(p->bytes_total - p->bytes) / rate);
        (void)snprintf(part, sizeof part, "ETA %s", eta);
        line_add(text, width, part);
    }
    line_show(&r->line, text);
}

static int on_progress(const dogbreed_store_progress *p, void *userdata) {
    struct remote *r = userdata;
    if (r->begin <= 0.0) {
        r->begin = now_seconds();
        r->before = p->bytes;
    }
    if (!r->quiet && p->files_total > 0 && line_due(&r->line)) {
        draw(r, p);
    }
    return signals_code() == 0 ? DOGBREED_OK : DOGBREED_STOP;
}

int remote_failed(tool *t, int code) {
    signals_watch(NULL, t->quiet);
    progress_clear();
    int exit_code = fail(t, PHASE_DATA, code);
    return code == DOGBREED_ERROR_CANCELLED && signals_code() != 0 ? signals_code() : exit_code;
}

int remote_store(dogbreed_store **out, tool *t) {
    *out = NULL;
    if (t->remote == NULL) {
        t->remote = calloc(1, sizeof *t->remote);
        if (t->remote == NULL) {
            return fail_with(t, TOOL_FAILED, "out of memory");
        }
        line_init(&t->remote->line);
        t->remote->quiet = t->quiet;
    }
    struct remote *r = t->remote;
    if (r->store == NULL) {
        int rc = dogbreed_store_create(&r->store, &t->settings.store);
        if (rc == DOGBREED_OK) {
            rc = dogbreed_store_subscribe(r->store, on_progress, r);
        }
        if (rc < 0) {
            return fail(t, PHASE_USAGE, rc);
        }
    }
    r->begin = 0.0;
    *out = r->store;
    return TOOL_OK;
}

static const copy *find(const tool *t, const char *uri) {
    for (const copy *c = t->remote == NULL ? NULL : t->remote->copies; c != NULL; c = c->next) {
        if (strcmp(c->uri, uri) == 0) {
            return c;
        }
    }
    return NULL;
}

int remote_fetch(const char **local, tool *t, const char *path) {
    dogbreed_store *store = NULL;
    *local = path;
    if (!is_remote(path)) {
        return TOOL_OK;
    }
    const copy *known = find(t, path);
    if (known != NULL) {
        *local = known->path;
        return TOOL_OK;
    }
    int exit_code = remote_store(&store, t);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    copy *c = calloc(1, sizeof *c);
    if (c == NULL || (c->uri = strdup(path)) == NULL) {
        free(c);
        return fail_with(t, TOOL_FAILED, "out of memory");
    }
    c->next = t->remote->copies;
    t->remote->copies = c;
    signals_watch(&transfer, t->quiet);
    int rc = dogbreed_store_fetch(&c->path, store, path);
    if (rc < 0) {
        return remote_failed(t, rc);
    }
    signals_watch(NULL, t->quiet);
    progress_clear();
    *local = c->path;
    return TOOL_OK;
}

const char *remote_name(const tool *t, const char *path) {
    static char name[8192];
    for (const copy *c = t->remote == NULL ? NULL : t->remote->copies; c != NULL; c = c->next) {
        size_t length = c->path == NULL ? 0 : strlen(c->path);
        if (length > 0 && strncmp(c->path, path, length) == 0 &&
            (path[length] == '\0' || path[length] == '/')) {
            size_t end = strlen(c->uri);
            int slash = path[length] == '/' && c->uri[end - 1] == '/';
            (void)snprintf(name, sizeof name, "%s%s", c->uri, path + length + slash);
            return name;
        }
    }
    return path;
}

void remote_close(tool *t) {
    if (t->remote == NULL) {
        return;
    }
    for (copy *c = t->remote->copies; c != NULL;) {
        copy *next = c->next;
        free(c->uri);
        dogbreed_free(c->path);
        free(c);
        c = next;
    }
    dogbreed_store_destroy(t->remote->store);
    free(t->remote);
    t->remote = NULL;
}
