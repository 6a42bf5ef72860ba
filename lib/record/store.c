// store.c - looks at a store's folders: workers, collections, index files.
#include "record/store.h"

#include "core/error.h"
#include "record/walk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INDEX_SIZE_MAX = 256 << 20 };

static void drop_shard(dogb_shard *shard) {
    if (--shard->lists == 0) {
        dogb_memory_step_release(shard->held);
        dogb_arena_free(&shard->arena);
        dogb_free(shard);
    }
}

static void free_listing(dogb_listing *list) {
    for (size_t i = 0; i < list->shard_count; i++) {
        drop_shard(list->shards[i]);
    }
    dogb_arena_free(&list->arena);
    memset(list, 0, sizeof *list);
}

void dogb_store_free(dogbreed_record *record) {
    free_listing(&record->list);
    dogb_memory_release(record->memory);
    dogb_arena_free(&record->map_arena);
    dogb_arena_free(&record->arena);
}

// --- workers and collections

static int note_worker(const dogb_walk_entry *entry, void *userdata) {
    static const char end[] = "_collections.json";
    const size_t tail = sizeof end - 1;
    dogb_listing *list = userdata;
    size_t length = strlen(entry->name);
    if (length <= tail || strcmp(entry->name + length - tail, end) != 0) {
        return DOGBREED_OK;
    }
    char *name = dogb_strndup(&list->arena, entry->name, length - tail);
    char *folder = dogb_strdup(&list->arena, entry->folder);
    if (name == NULL || folder == NULL ||
        dogb_grow(&list->arena, &list->workers, &list->worker_capacity, list->worker_count,
                  sizeof *list->workers) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    list->collections_folder = folder;
    list->workers[list->worker_count++] = name;
    return DOGBREED_OK;
}

static int read_collections(dogb_listing *list, const char *directory) {
    char *path = dogb_path_join(&list->arena, directory, "collections");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_record_walk(path, note_worker, list);
    if (rc == DOGBREED_OK && list->worker_count == 0) {
        rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no collections file is there", path);
    }
    if (rc < 0) {
        return rc;
    }
    qsort(list->workers, list->worker_count, sizeof *list->workers, dogb_text_order);
    char *file = dogb_format(&list->arena, "%s/%s/%s_collections.json", path,
                             list->collections_folder, list->workers[0]);
    rc = file == NULL ? DOGBREED_ERROR_NO_MEMORY
                      : dogb_json_read(&list->collections, &list->arena, file, NULL, 0);
    return rc < 0 ? rc : dogb_collections_check(list->collections, file);
}

// --- index files

typedef struct look {
    dogb_listing *list;
    const dogb_listing *before;
    const char *directory;
} look;

static int compare_shards(const void *a, const void *b) {
    const dogb_shard *x = *(dogb_shard *const *)a;
    const dogb_shard *y = *(dogb_shard *const *)b;
    return x->step != y->step ? (x->step > y->step) - (x->step < y->step)
                              : strcmp(x->worker, y->worker);
}

static int same_file(const dogb_shard *shard, const struct stat *info) {
    return shard->inode == (uint64_t)info->st_ino && shard->size == info->st_size &&
           shard->seconds == info->st_mtim.tv_sec && shard->nanoseconds == info->st_mtim.tv_nsec;
}

// Of the list before; a broken one is read again each time: it may be whole by now.
static dogb_shard *find_old(const look *l, dogb_shard *wanted) {
    if (l->before->shard_count == 0) {
        return NULL;
    }
    dogb_shard **found = bsearch(&wanted, l->before->shards, l->before->shard_count,
                                 sizeof *l->before->shards, compare_shards);
    return found != NULL && (*found)->broken == NULL ? *found : NULL;
}

static int load(dogb_shard *shard, const char *path) {
    dogb_arena scratch = {0};
    void *text = NULL;
    size_t size = 0;
    int rc = dogb_file_read(&text, &size, &scratch, path, INDEX_SIZE_MAX);
    rc = rc < 0 ? rc : dogb_index_parse(&shard->index, &shard->arena, text, size, path);
    if (rc == DOGBREED_ERROR_INDEX || rc == DOGBREED_ERROR_FORMAT || rc == DOGBREED_ERROR_IO) {
        shard->broken = dogb_strdup(&shard->arena, dogbreed_error_message());
        rc = shard->broken == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int add_shard(dogb_listing *list, dogb_shard *shard) {
    int rc = dogb_grow(&list->arena, &list->shards, &list->shard_capacity, list->shard_count,
                       sizeof(dogb_shard *));
    if (rc == DOGBREED_OK) {
        shard->lists++;
        list->shards[list->shard_count++] = shard;
    }
    return rc;
}

static int load_new(const look *l, const dogb_shard *wanted, const dogb_walk_entry *entry,
                    const struct stat *info) {
    dogb_arena scratch = {0};
    char *path = dogb_format(&scratch, "%s/index/%s/%s", l->directory, entry->folder, entry->name);
    dogb_shard *shard = path == NULL ? NULL : dogb_malloc(1, sizeof *shard);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (shard != NULL) {
        shard->lists = 1;
        shard->step = wanted->step;
        shard->inode = (uint64_t)info->st_ino;
        shard->size = info->st_size;
        shard->seconds = info->st_mtim.tv_sec;
        shard->nanoseconds = info->st_mtim.tv_nsec;
        shard->worker = dogb_strdup(&shard->arena, wanted->worker);
        rc = shard->worker == NULL ? DOGBREED_ERROR_NO_MEMORY : load(shard, path);
        rc = rc < 0 ? rc : add_shard(l->list, shard);
        drop_shard(shard);
    }
    dogb_arena_free(&scratch);
    return rc == DOGBREED_ERROR_NOT_FOUND ? DOGBREED_OK : rc; // it went meanwhile
}

static int note_index(const dogb_walk_entry *entry, void *userdata) {
    const look *l = userdata;
    dogb_arena scratch = {0};
    dogb_shard wanted = {.lists = 1};
    const char *worker = NULL;
    size_t length = 0;
    struct stat info;
    if (!dogb_record_name_parse(&wanted.step, &worker, &length, entry->name, ".json") ||
        fstatat(entry->descriptor, entry->name, &info, 0) != 0) {
        return DOGBREED_OK; // another file, or gone meanwhile
    }
    wanted.worker = dogb_strndup(&scratch, worker, length);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (wanted.worker != NULL) {
        dogb_shard *old = find_old(l, &wanted);
        rc = old != NULL && same_file(old, &info) ? add_shard(l->list, old)
                                                  : load_new(l, &wanted, entry, &info);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int read_indices(look *l) {
    char *path = dogb_path_join(&l->list->arena, l->directory, "index");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_record_walk(path, note_index, l);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        return DOGBREED_OK; // no step so far
    }
    if (rc == DOGBREED_OK && l->list->shard_count > 1) {
        qsort(l->list->shards, l->list->shard_count, sizeof(dogb_shard *), compare_shards);
    }
    return rc;
}

// --- a store in memory

static int add_held(const look *l, dogb_memory_step *step) {
    dogb_shard *shard = dogb_malloc(1, sizeof *shard);
    if (shard == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_memory_step_retain(step);
    shard->lists = 1;
    shard->held = step;
    shard->step = step->step;
    shard->worker = dogb_strdup(&shard->arena, l->list->workers[0]);
    int rc = shard->worker == NULL ? DOGBREED_ERROR_NO_MEMORY
                                   : dogb_index_parse(&shard->index, &shard->arena, step->index,
                                                      step->index_size, l->directory);
    rc = rc < 0 ? rc : add_shard(l->list, shard);
    drop_shard(shard);
    return rc;
}

static int list_steps(const look *l, const dogb_memory_view *view) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < view->count; i++) {
        dogb_shard wanted = {.step = view->steps[i]->step, .worker = l->list->workers[0]};
        dogb_shard *old = find_old(l, &wanted);
        rc = old != NULL && old->held == view->steps[i] ? add_shard(l->list, old)
                                                        : add_held(l, view->steps[i]);
    }
    return rc;
}

static int read_memory(const look *l, dogb_memory *memory) {
    dogb_listing *list = l->list;
    dogb_memory_view view;
    int rc = dogb_memory_look(&view, &list->arena, memory);
    list->finished = view.finished;
    if (rc == DOGBREED_OK && view.collections == NULL) {
        rc =
            dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no training has begun to store", l->directory);
    }
    list->workers = rc < 0 ? NULL : dogb_alloc(&list->arena, 1, sizeof *list->workers);
    char *worker = list->workers == NULL ? NULL : dogb_strdup(&list->arena, "worker_0");
    rc = rc == DOGBREED_OK && worker == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    if (rc == DOGBREED_OK) {
        list->workers[list->worker_count++] = worker;
        rc = dogb_json_parse_any(&list->collections, &list->arena, view.collections,
                                 strlen(view.collections), l->directory);
    }
    rc = rc < 0 ? rc : list_steps(l, &view);
    for (size_t i = 0; i < view.count; i++) {
        dogb_memory_step_release(view.steps[i]);
    }
    return rc;
}

// --- looking

// The end marker first: what is written between the two looks belongs to a training that goes on.
static int read_folders(look *l) {
    dogb_listing *list = l->list;
    char *end = dogb_path_join(&list->arena, l->directory, DOGB_RECORD_END);
    int rc = end == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    list->finished = rc == DOGBREED_OK && dogb_file_exists(end);
    rc = rc < 0 ? rc : read_collections(list, l->directory);
    if (rc == DOGBREED_OK) {
        const json_t *meta = json_object_get(list->collections, "_meta");
        list->workers_wanted = json_integer_value(json_object_get(meta, "num_workers"));
        rc = read_indices(l);
    }
    return rc;
}

int dogb_store_refresh(dogbreed_record *record) {
    dogb_listing list = {.workers_wanted = 1};
    look l = {.list = &list, .before = &record->list, .directory = record->directory};
    int rc = record->memory != NULL ? read_memory(&l, record->memory) : read_folders(&l);
    rc = rc < 0 ? rc : dogb_listing_steps(&list);
    if (rc < 0) {
        free_listing(&list);
        return rc;
    }
    free_listing(&record->list);
    record->list = list;
    return DOGBREED_OK;
}
