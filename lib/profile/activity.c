// activity.c - see activity.h.
#include "profile/activity.h"

#include "core/error.h"

#include <string.h>

static const char *const kinds[] = {
    [DOGB_ACTIVITY_OPERATOR] = "operator",
    [DOGB_ACTIVITY_KERNEL] = "kernel",
    [DOGB_ACTIVITY_COPY] = "copy",
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

const char *dogb_activity_kind_name(int32_t kind) {
    return kind >= 0 && kind < KINDS ? kinds[kind] : "";
}

int32_t dogb_activity_kind(const char *name) {
    for (int32_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

// Names are some hundred.
static int find(size_t *out, dogb_activities *all, dogb_arena *arena, const dogb_activity *one) {
    for (size_t i = 0; i < all->count; i++) {
        const dogb_activity_sum *sum = &all->sums[i];
        if (sum->kind == one->kind && sum->device == one->device &&
            strcmp(sum->name, one->name) == 0) {
            *out = i;
            return DOGBREED_OK;
        }
    }
    char *name = dogb_strdup(arena, one->name);
    if (name == NULL ||
        dogb_grow(arena, &all->sums, &all->capacity, all->count, sizeof *all->sums) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    all->sums[all->count] =
        (dogb_activity_sum){.name = name, .kind = one->kind, .device = one->device};
    *out = all->count++;
    return DOGBREED_OK;
}

// What has ended is left; its time was that of who called it.
static void leave(dogb_activities *all, const dogb_activity *one) {
    if (all->device != one->device || all->lane != one->lane) {
        all->depth = 0;
    }
    while (all->depth > 0 && all->open[all->depth - 1].end <= one->begin) {
        all->depth--;
    }
    all->device = one->device;
    all->lane = one->lane;
}

int dogb_activities_add(dogb_activities *all, dogb_arena *arena, const dogb_activity *one) {
    size_t at = 0;
    int rc = find(&at, all, arena, one);
    if (rc < 0) {
        return rc;
    }
    int64_t length = (int64_t)(one->end - one->begin);
    leave(all, one);
    if (all->depth > 0) {
        uint64_t outer = all->open[all->depth - 1].end;
        uint64_t inside = (one->end < outer ? one->end : outer) - one->begin;
        all->sums[all->open[all->depth - 1].sum].own_ns -= (int64_t)inside;
    }
    all->sums[at].count++;
    all->sums[at].ns += length;
    all->sums[at].own_ns += length;
    if (all->depth < DOGB_ACTIVITY_DEPTH) {
        all->open[all->depth].sum = at;
        all->open[all->depth].end = one->end;
        all->depth++;
    }
    return DOGBREED_OK;
}
