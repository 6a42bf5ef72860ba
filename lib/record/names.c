// names.c - names of the tensors of a store: all, of a mode, a step, a collection.
#include "record/store.h"

#include "core/error.h"
#include "core/regex.h"

#include <stdlib.h>
#include <string.h>

const char *dogb_store_base(const char *name) {
    static const char prefix[] = DOGB_RECORD_REDUCTIONS;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return name;
    }
    const char *slash = strchr(name + sizeof prefix - 1, '/');
    return slash == NULL ? name : slash + 1;
}

typedef struct filter {
    dogb_regex **patterns; // any of them
    size_t pattern_count;
    const json_t *members; // names of a collection: or one of these
    int any;
    int32_t reserved;
} filter;

static int add_pattern(filter *f, dogb_arena *arena, const char *pattern, const char *what) {
    int rc = dogb_regex_create(&f->patterns[f->pattern_count], arena, what, pattern, REG_NOSUB);
    f->pattern_count += rc == DOGBREED_OK;
    return rc;
}

// A collection is what its expressions find, and the names that the writer has put down.
// Expressions of smdebug are Python's: one that POSIX does not have is left to the names.
static int of_collection(filter *f, dogb_arena *arena, const dogbreed_record *record,
                         const char *name) {
    const json_t *all = json_object_get(record->list.collections, "collections");
    const json_t *collection = json_object_get(all, name);
    const json_t *patterns = json_object_get(collection, "include_regex");
    int rc = DOGBREED_OK;
    if (!json_is_object(collection)) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no collection \"%s\"", record->directory,
                         name);
    }
    f->members = json_object_get(collection, "tensor_names");
    for (size_t i = 0; rc == DOGBREED_OK && i < json_array_size(patterns); i++) {
        const char *pattern = json_string_value(json_array_get(patterns, i));
        rc = pattern == NULL ? DOGBREED_OK : add_pattern(f, arena, pattern, name);
        rc = rc == DOGBREED_ERROR_INVALID_ARGUMENT ? DOGBREED_OK : rc;
    }
    return rc;
}

static int make_filter(filter *f, dogb_arena *arena, const dogbreed_record *record,
                       const char *regex, const char *collection) {
    const json_t *all = json_object_get(record->list.collections, "collections");
    const json_t *of = collection == NULL ? NULL : json_object_get(all, collection);
    size_t room = 1 + json_array_size(json_object_get(of, "include_regex"));
    *f = (filter){.any = regex == NULL && collection == NULL};
    f->patterns = dogb_alloc(arena, room, sizeof *f->patterns);
    int rc = f->patterns == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    rc = rc < 0 || regex == NULL ? rc : add_pattern(f, arena, regex, "names");
    return rc < 0 || collection == NULL ? rc : of_collection(f, arena, record, collection);
}

static int passes(const filter *f, const char *name) {
    int found = f->any;
    for (size_t i = 0; !found && i < f->pattern_count; i++) {
        found = dogb_regex_finds(f->patterns[i], name);
    }
    for (size_t i = 0; !found && i < json_array_size(f->members); i++) {
        const char *member = json_string_value(json_array_get(f->members, i));
        found = member != NULL && strcmp(member, name) == 0;
    }
    return found;
}

// Names of a step into an object that serves as a set.
static int gather(json_t *set, const dogbreed_record *record, const dogb_step *step) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; i < step->shard_count; i++) {
        const dogb_shard *shard = record->list.shards[step->first + (size_t)i];
        for (int32_t k = 0; rc == DOGBREED_OK && shard->broken == NULL && k < shard->index.count;
             k++) {
            const char *name = dogb_store_base(shard->index.tensors[k].name);
            rc = json_object_get(set, name) != NULL ? DOGBREED_OK
                                                    : dogb_json_set(set, name, json_true());
        }
    }
    return rc;
}

static int sort(json_t **out, dogb_arena *arena, json_t *set, const filter *f) {
    const char **names = dogb_alloc(arena, json_object_size(set) + 1, sizeof *names);
    size_t count = 0;
    const char *name = NULL;
    json_t *value = NULL;
    *out = names == NULL ? NULL : dogb_json_array(arena);
    if (*out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    json_object_foreach(set, name, value) {
        if (f == NULL || passes(f, name)) {
            names[count++] = name;
        }
    }
    qsort(names, count, sizeof *names, dogb_text_order);
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = dogb_json_add(*out, json_string(names[i]));
    }
    return rc;
}

static int gather_mode(json_t *set, const dogbreed_record *record, int32_t mode) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < record->list.order_counts[mode]; i++) {
        rc = gather(set, record, record->list.orders[mode][i]);
    }
    return rc;
}

int dogb_store_names(json_t **out, dogb_arena *arena, const dogbreed_record *record) {
    json_t *set = dogb_json_object(arena);
    int rc =
        set == NULL ? DOGBREED_ERROR_NO_MEMORY : gather_mode(set, record, DOGBREED_MODE_GLOBAL);
    return rc < 0 ? rc : sort(out, arena, set, NULL);
}

int dogbreed_record_names(char **json, dogbreed_record *record, int32_t mode, int64_t step,
                          const char *regex, const char *collection) {
    dogb_arena scratch = {0};
    const dogb_step *one = NULL;
    json_t *names = NULL;
    filter f;
    DOGB_CHECK(json != NULL && record != NULL, "record_names: out and record are needed");
    DOGB_CHECK(dogb_record_mode_name(mode) != NULL, "%d is no mode", (int)mode);
    DOGB_CHECK(regex == NULL || collection == NULL,
               "record_names: an expression or a collection, not both");
    *json = NULL;
    int rc = step < 0 ? DOGBREED_OK : dogb_store_find(&one, record, mode, step);
    rc = rc < 0 ? rc : make_filter(&f, &scratch, record, regex, collection);
    json_t *set = rc < 0 ? NULL : dogb_json_object(&scratch);
    rc = rc == DOGBREED_OK && set == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    if (rc == DOGBREED_OK) {
        rc = one != NULL ? gather(set, record, one) : gather_mode(set, record, mode);
    }
    rc = rc < 0 ? rc : sort(&names, &scratch, set, &f);
    rc = rc < 0 ? rc : dogb_json_text_out(json, names, 0);
    dogb_arena_free(&scratch);
    return rc;
}
