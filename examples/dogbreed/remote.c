// remote.c - see remote.h.
#include "remote.h"
#include "line.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct copy {
    char *uri;
    char *path; // absolute
    struct copy *next;
} copy;

struct remote {
    dogbreed_store *store;
    line line;
    int quiet;
    double begin;
    int64_t before; // bytes that were done when it began
    copy *copies;
    int is_pushing;
    const copy *out; // what is written there goes to its URI; NULL: nothing
    char whole[16];  // the folder of a checkpoint that is whole in the store; "": none
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
    return signals_code() == 0 || r->is_pushing ? DOGBREED_OK : DOGBREED_STOP;
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

// Remembers the local path of a URI: `path`, or a name in it. NULL: no memory.
static copy *remember(tool *t, const char *uri, const char *path, const char *name) {
    copy *c = calloc(1, sizeof *c);
    char *folder = absolute_path(path);
    if (c == NULL || folder == NULL) {
        free(c);
        free(folder);
        return NULL;
    }
    c->next = t->remote->copies;
    t->remote->copies = c;
    size_t size = strlen(folder) + strlen(name) + 2;
    c->uri = strdup(uri);
    c->path = malloc(size);
    if (c->path != NULL) {
        (void)snprintf(c->path, size, "%s%s%s", folder, *name == '\0' ? "" : "/", name);
    }
    free(folder);
    return c->uri == NULL || c->path == NULL ? NULL : c;
}

int remote_fetch(const char **local, tool *t, const char *path) {
    dogbreed_store *store = NULL;
    char *made = NULL;
    *local = path;
    if (!is_remote(path)) {
        return TOOL_OK;
    }
    const copy *known = find(t, path);
    int exit_code = known != NULL ? TOOL_OK : remote_store(&store, t);
    if (known == NULL && exit_code == TOOL_OK) {
        signals_watch(&transfer, t->quiet);
        int rc = dogbreed_store_fetch(&made, store, path);
        if (rc < 0) {
            return remote_failed(t, rc);
        }
        signals_watch(NULL, t->quiet);
        progress_clear();
        known = remember(t, path, made, "");
        dogbreed_free(made);
        exit_code = known == NULL ? fail_with(t, TOOL_FAILED, "out of memory") : TOOL_OK;
    }
    *local = exit_code == TOOL_OK ? known->path : path;
    return exit_code;
}

static int is_there(const dogbreed_store_object *object, void *userdata) {
    (void)object;
    *(int *)userdata = 1;
    return DOGBREED_STOP;
}

// A run directory is never overwritten.
static int check_free(tool *t, dogbreed_store *store, const char *uri) {
    char below[2048];
    int found = 0;
    size_t length = strlen(uri);
    (void)snprintf(below, sizeof below, "%s%s", uri, uri[length - 1] == '/' ? "" : "/");
    int rc = dogbreed_store_list(store, below, 1, is_there, &found);
    if (rc < 0) {
        return remote_failed(t, rc);
    }
    return found
               ? fail_with(t, TOOL_FAILED,
                           "%s: something is there already; resume it or choose another place", uri)
               : TOOL_OK;
}

// Of a run that came from the store: which of its checkpoints is whole.
static void find_whole(struct remote *r, const char *folder) {
    char *found = NULL;
    if (dogbreed_trainer_find_checkpoint(&found, folder) == DOGBREED_OK) {
        (void)snprintf(r->whole, sizeof r->whole, "%s", strrchr(found, '/') + 1);
    }
    dogbreed_free(found); // that there is none is said by who resumes
}

// A folder of our own for what goes to `uri`; filled with what is there, when a run is resumed.
// `what` names the flag or word in messages.
static int make_out(tool *t, const char *what, const char *uri, int resumed) {
    dogbreed_store *store = NULL;
    char *folder = NULL;
    const char *slash = strrchr(uri, '/');
    int is_file = t->command->remote_out == OUT_FILE;
    if (is_file && (slash[1] == '\0' || slash == uri + 4)) {
        return usage_error(t, "%s%s%s: expected the name of a file", what, *what == '\0' ? "" : " ",
                           uri);
    }
    int exit_code = remote_store(&store, t);
    if (exit_code == TOOL_OK && t->command->remote_out == OUT_RUN && !resumed) {
        exit_code = check_free(t, store, uri);
    }
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    int rc = dogbreed_store_work(&folder, store, uri);
    rc = rc < 0 || !resumed ? rc : dogbreed_store_sync(NULL, store, uri, folder, 0);
    if (rc < 0) {
        exit_code = remote_failed(t, rc);
    } else {
        copy *c = remember(t, uri, folder, is_file ? slash + 1 : "");
        t->remote->out = c;
        find_whole(t->remote, folder);
        exit_code = c == NULL ? fail_with(t, TOOL_FAILED, "out of memory") : TOOL_OK;
    }
    dogbreed_free(folder);
    return exit_code;
}

int remote_target(const char **local, tool *t, const char *what, const char *uri, int resumed) {
    int exit_code = find(t, uri) != NULL ? TOOL_OK : make_out(t, what, uri, resumed);
    *local = exit_code == TOOL_OK ? find(t, uri)->path : NULL;
    return exit_code;
}

int remote_has_out(const tool *t) {
    return t->remote != NULL && t->remote->out != NULL;
}

// A folder, or one below it, as it is here.
static int push_folder(const struct remote *r, const char *name, uint32_t flags) {
    char from[8192];
    char to[8192];
    size_t end = strlen(r->out->uri);
    (void)snprintf(from, sizeof from, "%s/%s", r->out->path, name);
    (void)snprintf(to, sizeof to, "%s%s%s", r->out->uri, r->out->uri[end - 1] == '/' ? "" : "/",
                   name);
    return access(from, F_OK) == 0 ? dogbreed_store_sync(NULL, r->store, from, to, flags)
                                   : DOGBREED_ERROR_NOT_FOUND;
}

// Objects are replaced one after another, so a checkpoint is in pieces while it travels. The one
// that is whole there goes last.
static int push_run(struct remote *r) {
    static const char *const names[] = {"previous", "last"};
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof names / sizeof *names; i++) {
        char folder[64];
        (void)snprintf(folder, sizeof folder, "checkpoint/%s", names[i]);
        rc = strcmp(names[i], r->whole) == 0 ? DOGBREED_ERROR_NOT_FOUND
                                             : push_folder(r, folder, DOGBREED_SYNC_DELETE);
        if (rc == DOGBREED_OK) {
            (void)snprintf(r->whole, sizeof r->whole, "%s", names[i]);
        }
        rc = rc == DOGBREED_ERROR_NOT_FOUND ? DOGBREED_OK : rc;
    }
    return rc < 0 ? rc : push_folder(r, "", DOGBREED_SYNC_DELETE);
}

int remote_push(tool *t, int last) {
    if (!remote_has_out(t)) {
        return TOOL_OK;
    }
    struct remote *r = t->remote;
    const copy *o = r->out;
    int is_file = t->command->remote_out == OUT_FILE;
    r->begin = 0.0;
    r->is_pushing = 1; // the first signal stops the run, not the way home of its files
    int rc = DOGBREED_OK;
    if (!is_file) {
        rc = t->command->remote_out == OUT_RUN ? push_run(r) : push_folder(r, "", 0);
    } else if (access(o->path, F_OK) == 0) {
        rc = dogbreed_store_put(r->store, o->path, o->uri);
    }
    r->is_pushing = 0;
    progress_clear();
    if (rc < 0 && !last) {
        warn("%s: not brought up to date: %s", o->uri, dogbreed_error_message());
        return TOOL_OK;
    }
    if (rc < 0) {
        int exit_code = fail(t, PHASE_OTHER, rc);
        say("kept   %s\n", o->path);
        return exit_code;
    }
    if (last) {
        paths_remove(o->path, is_file);
    }
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
        free(c->path);
        free(c);
        c = next;
    }
    dogbreed_store_destroy(t->remote->store);
    free(t->remote);
    t->remote = NULL;
}
