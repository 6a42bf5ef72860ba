// groups.c - identical files. Only files of equal size can be equal, so without full reading just
// those are hashed.
#include "dataset/check.h"

#include "core/file.h"
#include "core/thread.h"

#include <stdlib.h>
#include <string.h>

typedef struct candidate {
    const dogb_finding *finding;
    int64_t sample;
} candidate;

static int by_sample(const candidate *a, const candidate *b) {
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

static int compare_sizes(const void *a, const void *b) {
    const candidate *left = a;
    const candidate *right = b;
    if (left->finding->bytes != right->finding->bytes) {
        return left->finding->bytes < right->finding->bytes ? -1 : 1;
    }
    return by_sample(left, right);
}

static int compare_hashes(const void *a, const void *b) {
    const candidate *left = a;
    const candidate *right = b;
    int order = memcmp(&left->finding->hash, &right->finding->hash, sizeof left->finding->hash);
    return order != 0 ? order : by_sample(left, right);
}

static int compare_groups(const void *a, const void *b) {
    const dogb_group *left = a;
    const dogb_group *right = b;
    return left->first < right->first ? -1 : left->first > right->first;
}

typedef struct hashing {
    dogb_check *check;
    const candidate *candidates;
} hashing;

static int hash_one(int64_t index, void *userdata) {
    const hashing *h = userdata;
    int64_t sample = h->candidates[index].sample;
    dogb_finding *finding = &h->check->findings[sample];
    int rc = finding->hashed
                 ? DOGBREED_OK
                 : dogb_sha256_file(&finding->hash, dogb_dataset_path(h->check->dataset, sample));
    finding->hashed = rc == DOGBREED_OK;
    // A file that vanished since its header was read equals no other.
    return rc == DOGBREED_ERROR_NO_MEMORY || rc == DOGBREED_ERROR_INTERNAL ? rc : DOGBREED_OK;
}

// Keeps the candidates that share their size with another one, hashed. Returns a code.
static int hash_equal_sizes(dogb_check *check, candidate *candidates, int64_t *count) {
    int64_t kept = 0;
    qsort(candidates, (size_t)*count, sizeof *candidates, compare_sizes);
    for (int64_t i = 0; i < *count; i++) {
        int64_t bytes = candidates[i].finding->bytes;
        int before = i > 0 && candidates[i - 1].finding->bytes == bytes;
        int behind = i + 1 < *count && candidates[i + 1].finding->bytes == bytes;
        check->members[kept] = candidates[i].sample;
        kept += before || behind;
    }
    for (int64_t i = 0; i < kept; i++) {
        candidates[i] = (candidate){&check->findings[check->members[i]], check->members[i]};
    }
    hashing h = {check, candidates};
    int rc = dogb_parallel(dogb_thread_count(check->options.threads), kept, hash_one, &h);
    int64_t hashed = 0;
    for (int64_t i = 0; i < kept; i++) {
        if (candidates[i].finding->hashed) {
            candidates[hashed++] = candidates[i];
        }
    }
    *count = hashed;
    return rc;
}

static void describe(const dogb_check *check, dogb_group *group) {
    const dogb_record *first = dogb_record_of(check->dataset, check->members[group->first]);
    group->classes = 1;
    group->splits = 1;
    for (int64_t i = 1; i < group->count; i++) {
        const dogb_record *other = dogb_record_of(check->dataset, check->members[group->first + i]);
        group->classes = other->label != first->label ? 2 : group->classes;
        group->splits = other->split != first->split ? 2 : group->splits;
    }
}

int dogb_check_group(dogb_check *check) {
    size_t room = (size_t)check->count;
    int64_t count = 0;
    int64_t used = 0;
    dogb_arena scratch = {0};
    candidate *candidates = dogb_alloc(&scratch, room, sizeof *candidates);
    int64_t *sorted = dogb_alloc(&scratch, room, sizeof *sorted);
    check->members = dogb_alloc(check->arena, room, sizeof *check->members);
    check->groups = dogb_alloc(check->arena, room / 2 + 1, sizeof *check->groups);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (candidates == NULL || sorted == NULL || check->members == NULL || check->groups == NULL) {
        goto out;
    }
    for (int64_t i = 0; i < check->count; i++) {
        if (check->findings[i].code == DOGBREED_OK) {
            candidates[count++] = (candidate){&check->findings[i], i};
        }
    }
    if ((rc = hash_equal_sizes(check, candidates, &count)) < 0) {
        goto out;
    }
    qsort(candidates, (size_t)count, sizeof *candidates, compare_hashes);
    // Groups first point into `candidates`; then they are put in the order of their first member.
    for (int64_t i = 0, end = 0; i < count; i = end) {
        for (end = i + 1;
             end < count && memcmp(&candidates[i].finding->hash, &candidates[end].finding->hash,
                                   sizeof(dogb_sha256)) == 0;) {
            end++;
        }
        if (end - i > 1) {
            sorted[candidates[i].sample] = i;
            check->groups[check->group_count++] =
                (dogb_group){.first = candidates[i].sample, .count = end - i};
        }
    }
    qsort(check->groups, (size_t)check->group_count, sizeof *check->groups, compare_groups);
    for (int64_t g = 0; g < check->group_count; g++) {
        dogb_group *group = &check->groups[g];
        int64_t from = sorted[group->first];
        group->first = used;
        for (int64_t i = 0; i < group->count; i++) {
            check->members[used++] = candidates[from + i].sample;
        }
        describe(check, group);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
