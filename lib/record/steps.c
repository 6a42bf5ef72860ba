// steps.c - the steps of a store in their orders, and which of them are whole.
#include "record/store.h"

#include "core/error.h"

#include <stdlib.h>

static int by_mode_step(const void *a, const void *b) {
    const dogb_step *x = *(const dogb_step *const *)a;
    const dogb_step *y = *(const dogb_step *const *)b;
    return x->mode_step != y->mode_step
               ? (x->mode_step > y->mode_step) - (x->mode_step < y->mode_step)
               : (x->step > y->step) - (x->step < y->step);
}

// One for each number; mode and mode step are those of its first worker.
static void gather(dogb_listing *list) {
    for (size_t i = 0; i < list->shard_count; i++) {
        const dogb_shard *shard = list->shards[i];
        dogb_step *last = list->step_count == 0 ? NULL : &list->steps[list->step_count - 1];
        if (shard->broken != NULL) {
            continue;
        }
        if (last == NULL || last->step != shard->step) {
            last = &list->steps[list->step_count++];
            *last = (dogb_step){.step = shard->step,
                                .mode_step = shard->index.mode_step,
                                .mode = shard->index.mode,
                                .first = i};
        }
        last->shard_count = (int32_t)(i + 1 - last->first); // broken ones between them too
        last->writer_count++;
        last->tensor_count += shard->index.count;
    }
}

// A worker that has gone on will not come back: once a step is whole all before it count as whole.
static void complete(dogb_listing *list) {
    int whole = list->finished;
    for (size_t i = list->step_count; i > 0; i--) {
        dogb_step *step = &list->steps[i - 1];
        whole = whole || step->writer_count >= list->workers_wanted;
        step->complete = whole;
    }
}

int dogb_listing_steps(dogb_listing *list) {
    size_t room = list->shard_count + 1;
    list->steps = dogb_alloc(&list->arena, room, sizeof *list->steps);
    for (size_t mode = 0; mode < DOGB_RECORD_MODES; mode++) {
        list->orders[mode] = dogb_alloc(&list->arena, room, sizeof *list->orders[mode]);
        if (list->orders[mode] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    if (list->steps == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    gather(list);
    complete(list);
    for (size_t i = 0; i < list->step_count; i++) {
        int32_t mode = list->steps[i].mode;
        list->orders[DOGBREED_MODE_GLOBAL][list->order_counts[DOGBREED_MODE_GLOBAL]++] =
            &list->steps[i];
        if (mode != DOGBREED_MODE_GLOBAL) {
            list->orders[mode][list->order_counts[mode]++] = &list->steps[i];
        }
    }
    for (size_t mode = DOGBREED_MODE_TRAIN; mode < DOGBREED_MODE_GLOBAL; mode++) {
        if (list->order_counts[mode] > 1) {
            qsort(list->orders[mode], list->order_counts[mode], sizeof(dogb_step *), by_mode_step);
        }
    }
    return DOGBREED_OK;
}

// --- finding

static int64_t number_in(const dogb_step *step, int32_t mode) {
    return mode == DOGBREED_MODE_GLOBAL ? step->step : step->mode_step;
}

static const dogb_shard *first_broken(const dogb_listing *list, int32_t mode, int64_t number) {
    for (size_t i = 0; i < list->shard_count; i++) {
        const dogb_shard *shard = list->shards[i];
        if (shard->broken != NULL && (mode != DOGBREED_MODE_GLOBAL || shard->step == number)) {
            return shard; // what mode a broken one is of is not known
        }
    }
    return NULL;
}

static int missing(const dogbreed_record *record, int32_t mode, int64_t number, int later) {
    const dogb_shard *broken = first_broken(&record->list, mode, number);
    const char *name = dogb_record_mode_name(mode);
    if (broken != NULL) {
        return dogb_fail(DOGBREED_ERROR_INDEX, "%s", broken->broken);
    }
    if (later) {
        return dogb_fail(DOGBREED_ERROR_STEP_UNAVAILABLE, "%s: step %lld of %s was not saved",
                         record->directory, (long long)number, name);
    }
    if (record->list.finished) {
        return dogb_fail(DOGBREED_ERROR_NO_MORE_DATA,
                         "%s: step %lld of %s: the training has ended before it", record->directory,
                         (long long)number, name);
    }
    return dogb_fail(DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "%s: step %lld of %s is not there yet",
                     record->directory, (long long)number, name);
}

int dogb_store_find(const dogb_step **out, const dogbreed_record *record, int32_t mode,
                    int64_t number) {
    const dogb_step **steps = record->list.orders[mode];
    size_t low = 0;
    size_t high = record->list.order_counts[mode];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (number_in(steps[middle], mode) < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out = NULL;
    if (low == record->list.order_counts[mode] || number_in(steps[low], mode) != number) {
        int later = low < record->list.order_counts[mode] && steps[low]->complete;
        return missing(record, mode, number, later);
    }
    *out = steps[low];
    return DOGBREED_OK;
}

int dogb_store_tensor(const dogb_index_tensor **out, const dogb_shard **shard,
                      const dogbreed_record *record, const dogb_step *step, int32_t index) {
    int32_t left = index;
    for (int32_t i = 0; left >= 0 && i < step->shard_count; i++) {
        *shard = record->list.shards[step->first + (size_t)i];
        if ((*shard)->broken != NULL) {
            continue;
        }
        if (left < (*shard)->index.count) {
            *out = &(*shard)->index.tensors[left];
            return DOGBREED_OK;
        }
        left -= (*shard)->index.count;
    }
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "tensor %d of step %lld: it has %d",
                     (int)index, (long long)step->step, (int)step->tensor_count);
}
