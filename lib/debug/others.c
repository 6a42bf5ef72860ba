// others.c - see others.h.
#include "debug/others.h"
#include "core/error.h"
#include "core/file.h"

#include <string.h>
#include <sys/stat.h>

static int is_folder(const char *path) {
    struct stat info;
    return path != NULL && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int dogb_others_find(char **out, dogb_arena *arena, const char *run) {
    char *places[] = {dogb_path_join(arena, run, "debug"), dogb_strdup(arena, run)};
    for (size_t i = 0; i < 2; i++) {
        char *inside = places[i] == NULL ? NULL : dogb_path_join(arena, places[i], "collections");
        if (inside == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        if (is_folder(inside)) {
            *out = places[i];
            return DOGBREED_OK;
        }
    }
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                     "%s: no stored tensors, expected a run that was trained with the debugger",
                     run);
}

static int open_run(dogb_other **out, dogb_others *others, const char *run) {
    char *folder = NULL;
    for (size_t i = 0; i < others->count; i++) {
        if (strcmp(others->items[i].run, run) == 0) {
            *out = &others->items[i];
            return DOGBREED_OK;
        }
    }
    int rc = dogb_grow(&others->arena, &others->items, &others->capacity, others->count,
                       sizeof *others->items);
    char *copy = rc < 0 ? NULL : dogb_strdup(&others->arena, run);
    if (copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = &others->items[others->count++];
    **out = (dogb_other){copy, NULL};
    rc = dogb_others_find(&folder, &others->arena, run);
    return rc < 0 ? rc : dogbreed_record_open(&(*out)->record, folder);
}

int dogb_others_read(const float **out, size_t *count, dogb_others *others, const char *run,
                     const char *tensor, int32_t mode, int64_t mode_step) {
    dogb_other *other = NULL;
    dogbreed_record_tensor_info info = {.struct_size = (uint32_t)sizeof info};
    int64_t step = 0;
    int32_t index = 0;
    int rc = open_run(&other, others, run);
    if (rc < 0 || other->record == NULL) {
        return rc < 0 ? rc : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: cannot be read", run);
    }
    if ((rc = dogbreed_record_find_step(&step, other->record, mode, mode_step)) < 0 ||
        (rc = dogbreed_record_find(&index, other->record, step, tensor, NULL)) < 0 ||
        (rc = dogbreed_record_tensor(&info, other->record, step, index)) < 0) {
        return rc;
    }
    dogb_release(&others->arena, others->values);
    others->values = dogb_alloc_raw(&others->arena, (size_t)info.count + 1, sizeof(float));
    if (others->values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = others->values;
    *count = (size_t)info.count;
    return dogbreed_record_read(other->record, step, index, others->values, *count);
}

void dogb_others_close(dogb_others *others) {
    for (size_t i = 0; i < others->count; i++) {
        dogbreed_record_destroy(others->items[i].record);
    }
    dogb_arena_free(&others->arena);
    *others = (dogb_others){0};
}
