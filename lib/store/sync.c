// sync.c - makes one side of a folder equal to the other: both are listed, files of the same name
// and size are compared by their content, then everything that is missing travels, then what is too
// much goes, if that was asked for.
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "store/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A file that both sides have, in one size.
typedef struct pair {
    const dogb_object *local;
    const dogb_object *remote;
    int differs;
} pair;

typedef struct plan {
    dogbreed_store *store;
    dogb_arena *arena;
    const char *folder;
    dogb_uri prefix;
    int up; // from the folder to the store
    dogb_objects local;
    dogb_objects remote;
    pair *pairs;
    size_t pair_count;
    const dogb_object **copies; // of the source
    size_t copy_count;
    const dogb_object **extras; // of the target
    size_t extra_count;
    int64_t kept;
    int64_t bytes;
} plan;

static int compare(int64_t index, void *userdata) {
    plan *p = userdata;
    pair *both = &p->pairs[index];
    dogb_arena scratch = {0};
    int same = -1;
    char *path = dogb_path_join(&scratch, p->folder, both->local->key);
    int descriptor = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && descriptor < 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", path);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_digest_compare(&same, descriptor, both->local->size, both->remote->etag,
                                 dogb_store_part_size(p->store, both->local->size));
    }
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    // Where the ETag does not say: a source that is younger than its copy is another one.
    double source = p->up ? both->local->modified : both->remote->modified;
    double target = p->up ? both->remote->modified : both->local->modified;
    both->differs = same == 0 || (same < 0 && source > target);
    dogb_arena_free(&scratch);
    return rc;
}

static void copy(plan *p, const dogb_object *source) {
    p->copies[p->copy_count++] = source;
    p->bytes += source->size;
}

// Both lists are sorted: one walk finds who is missing where.
static int match(plan *p) {
    const dogb_objects *source = p->up ? &p->local : &p->remote;
    const dogb_objects *target = p->up ? &p->remote : &p->local;
    p->pairs = dogb_alloc(p->arena, source->count + 1, sizeof *p->pairs);
    p->copies = dogb_alloc(p->arena, source->count + 1, sizeof *p->copies);
    p->extras = dogb_alloc(p->arena, target->count + 1, sizeof *p->extras);
    if (p->pairs == NULL || p->copies == NULL || p->extras == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    size_t t = 0;
    for (size_t s = 0; s < source->count; s++) {
        const dogb_object *one = &source->items[s];
        while (t < target->count && strcmp(target->items[t].key, one->key) < 0) {
            p->extras[p->extra_count++] = &target->items[t++];
        }
        if (t == target->count || strcmp(target->items[t].key, one->key) != 0) {
            copy(p, one);
            continue;
        }
        const dogb_object *other = &target->items[t++];
        if (other->size != one->size) {
            copy(p, one);
        } else {
            p->pairs[p->pair_count++] = (pair){p->up ? one : other, p->up ? other : one, 0};
        }
    }
    while (t < target->count) {
        p->extras[p->extra_count++] = &target->items[t++];
    }
    return DOGBREED_OK;
}

static int make_plan(plan *p, const dogb_uri *uri) {
    int there = p->up || dogb_directory_exists(p->folder);
    int rc = there ? dogb_store_scan(&p->local, p->folder) : DOGBREED_OK;
    rc = rc < 0 ? rc : dogb_store_scan_objects(&p->remote, &p->prefix, p->store, uri);
    rc = rc < 0 || p->up ? rc : dogb_store_check_names(&p->remote, &p->prefix);
    rc = rc < 0 ? rc : match(p);
    rc = rc < 0 ? rc : dogb_store_each(p->store, (int64_t)p->pair_count, compare, p);
    for (size_t i = 0; rc == DOGBREED_OK && i < p->pair_count; i++) {
        if (p->pairs[i].differs) {
            copy(p, p->up ? p->pairs[i].local : p->pairs[i].remote);
        } else {
            p->kept++;
        }
    }
    return rc;
}

static int upload_one(int64_t index, void *userdata) {
    plan *p = userdata;
    dogb_arena scratch = {0};
    dogb_uri uri;
    const dogb_object *file = p->copies[index];
    char *path = dogb_path_join(&scratch, p->folder, file->key);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_store_child(&uri, &scratch, &p->prefix, file->key);
    rc = rc < 0 ? rc : dogb_store_upload(p->store, &uri, path);
    dogb_arena_free(&scratch);
    return rc;
}

static int is_small(const dogbreed_store *store, const dogb_object *object) {
    return dogb_store_parts(store, object->size) == 1;
}

// Small ones first; returns how many they are.
static size_t small_first(const dogbreed_store *store, const dogb_object **list, size_t count) {
    size_t small = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_small(store, list[i])) {
            const dogb_object *one = list[i];
            list[i] = list[small];
            list[small++] = one;
        }
    }
    return small;
}

static int upload_all(plan *p) {
    size_t small = small_first(p->store, p->copies, p->copy_count);
    int rc = dogb_store_sweep(p->store);
    rc = rc < 0 ? rc : dogb_store_each(p->store, (int64_t)small, upload_one, p);
    for (size_t i = small; rc == DOGBREED_OK && i < p->copy_count; i++) {
        rc = upload_one((int64_t)i, p);
    }
    return rc;
}

typedef struct downloads {
    dogbreed_store *store;
    const dogb_uri *prefix;
    const char *root;
    const dogb_object *const *wanted;
    dogb_got_fn got;
    void *userdata;
} downloads;

static int download_one(int64_t index, void *userdata) {
    downloads *d = userdata;
    dogb_arena scratch = {0};
    dogb_uri uri;
    dogb_target target;
    const dogb_object *object = d->wanted[index];
    int rc = dogb_store_child(&uri, &scratch, d->prefix, object->key);
    rc = rc < 0 ? rc : dogb_target_below(&target, &scratch, d->root, object->key);
    target.hasty = 1;
    rc = rc < 0 ? rc : dogb_store_download(d->store, &uri, object, &target);
    rc = rc < 0 || d->got == NULL ? rc : d->got(object, d->userdata);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_store_download_all(dogbreed_store *store, const dogb_uri *prefix, const char *root,
                            const dogb_object **wanted, size_t count, dogb_got_fn got,
                            void *userdata) {
    downloads d = {store, prefix, root, wanted, got, userdata};
    size_t small = small_first(store, wanted, count);
    int rc = dogb_store_each(store, (int64_t)small, download_one, &d);
    for (size_t i = small; rc == DOGBREED_OK && i < count; i++) {
        rc = download_one((int64_t)i, &d);
    }
    return rc;
}

static int delete_one(int64_t index, void *userdata) {
    plan *p = userdata;
    dogb_arena scratch = {0};
    dogb_uri uri;
    dogb_target target;
    const char *name = p->extras[index]->key;
    int rc = DOGBREED_OK;
    if (p->up) {
        rc = dogb_store_child(&uri, &scratch, &p->prefix, name);
        rc = rc < 0 ? rc : dogb_store_remove(p->store, &uri);
    } else if ((rc = dogb_target_below(&target, &scratch, p->folder, name)) == DOGBREED_OK &&
               unlinkat(target.folder, target.name, 0) != 0 && errno != ENOENT) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be removed", target.shown);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int carry_out(plan *p, uint32_t flags) {
    size_t sources = p->up ? p->local.count : p->remote.count;
    if ((flags & DOGBREED_SYNC_DELETE) != 0 && sources == 0 && p->extra_count > 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                         "%s%s%s: nothing is there; nothing is deleted from the target either",
                         p->up ? p->folder : "s3://", p->up ? "" : p->prefix.bucket,
                         p->up ? "" : "/");
    }
    if ((flags & DOGBREED_SYNC_DRY_RUN) != 0) {
        return DOGBREED_OK;
    }
    int rc = p->up ? DOGBREED_OK : dogb_directory_make(p->folder);
    dogb_store_begin(p->store, (int64_t)p->copy_count, p->bytes);
    if (rc == DOGBREED_OK) {
        rc = p->up ? upload_all(p)
                   : dogb_store_download_all(p->store, &p->prefix, p->folder, p->copies,
                                             p->copy_count, NULL, NULL);
        rc = rc < 0 || p->up || p->copy_count == 0 ? rc : dogb_file_system_sync(p->folder);
    }
    if (rc == DOGBREED_OK && (flags & DOGBREED_SYNC_DELETE) != 0) {
        rc = dogb_store_each(p->store, (int64_t)p->extra_count, delete_one, p);
    }
    return rc;
}

static int add_names(json_t *report, const char *key, const dogb_object *const *list,
                     size_t count) {
    json_t *names = json_array();
    int rc = names == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set(report, key, names);
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = dogb_json_add(names, dogb_json_text(list[i]->key));
    }
    return rc;
}

static int report(char **json, plan *p, const char *from, const char *to, uint32_t flags) {
    json_t *document = dogb_json_object(p->arena);
    size_t deleted = (flags & DOGBREED_SYNC_DELETE) != 0 ? p->extra_count : 0;
    int rc = document == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || (rc = dogb_json_set_text(document, "from", from)) < 0 ||
        (rc = dogb_json_set_text(document, "to", to)) < 0 ||
        (rc = dogb_json_set_bool(document, "dry_run", (flags & DOGBREED_SYNC_DRY_RUN) != 0)) < 0 ||
        (rc = add_names(document, "copied", p->copies, p->copy_count)) < 0 ||
        (rc = add_names(document, "deleted", p->extras, deleted)) < 0 ||
        (rc = dogb_json_set_int(document, "kept", p->kept)) < 0 ||
        (rc = dogb_json_set_int(document, "bytes", p->bytes)) < 0) {
        return rc;
    }
    return dogb_json_text_out(json, document, 0);
}

int dogbreed_store_sync(char **json, dogbreed_store *store, const char *from, const char *to,
                        uint32_t flags) {
    if (json != NULL) {
        *json = NULL;
    }
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    DOGB_CHECK(from != NULL && to != NULL, "store: from and to must not be NULL");
    DOGB_CHECK(dogb_uri_is_s3(from) != dogb_uri_is_s3(to),
               "%s, %s: expected a folder and an s3:// URI, in either order", from, to);
    dogb_arena scratch = {0};
    dogb_uri uri;
    plan p = {.store = store, .arena = &scratch, .up = dogb_uri_is_s3(to)};
    p.folder = p.up ? from : to;
    p.local.arena = p.remote.arena = &scratch;
    int rc = dogb_uri_parse(&uri, &scratch, p.up ? to : from);
    dogb_store_begin(store, 0, 0);
    rc = rc < 0 ? rc : make_plan(&p, &uri);
    rc = rc < 0 ? rc : carry_out(&p, flags);
    rc = rc < 0 || json == NULL ? rc : report(json, &p, from, to, flags);
    dogb_arena_free(&scratch);
    return rc;
}
