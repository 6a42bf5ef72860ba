// queue.c - a list of requests, handed out in turn.
#include "serve/queue.h"
#include "core/error.h"

#include <stdio.h>

static void append(dogb_queue *queue, dogb_work *work) {
    work->next = NULL;
    if (queue->last == NULL) {
        queue->first = work;
    } else {
        queue->last->next = work;
    }
    queue->last = work;
    queue->works++;
}

static dogb_work *take_first(dogb_queue *queue) {
    dogb_work *work = queue->first;
    queue->first = work->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->works--;
    return work;
}

void dogb_work_begin(dogb_work *work, uint64_t now) {
    for (int32_t i = 0; i < work->count; i++) {
        work->items[i].work = work;
        work->items[i].since = now;
    }
    work->taken = 0;
    work->left = work->count;
}

void dogb_queue_add(dogb_queue *queue, dogb_work *work) {
    if (queue->first == NULL) {
        queue->deadline = UINT64_MAX;
    }
    if (work->deadline != 0 && work->deadline < queue->deadline) {
        queue->deadline = work->deadline;
    }
    queue->pictures += work->count;
    append(queue, work);
}

dogb_item *dogb_queue_take(dogb_queue *queue) {
    if (queue->first == NULL) {
        return NULL;
    }
    dogb_work *work = take_first(queue);
    dogb_item *item = &work->items[work->taken++];
    queue->pictures--;
    if (work->taken < work->count) {
        append(queue, work);
    }
    return item;
}

void dogb_item_result(dogb_item *item, int rc) {
    item->rc = rc;
    (void)snprintf(item->message, sizeof item->message, "%s",
                   rc < 0 ? dogbreed_error_message() : "");
}

static int unwanted(const dogb_work *work, uint64_t now) {
    if (work->cancelled) {
        return dogb_fail(DOGBREED_ERROR_CANCELLED, "the request was cancelled");
    }
    if (work->deadline != 0 && now >= work->deadline) {
        return dogb_fail(DOGBREED_ERROR_TIMEOUT, "the request's deadline has passed");
    }
    return DOGBREED_OK;
}

int dogb_item_dropped(dogb_item *item, uint64_t now) {
    int rc = unwanted(item->work, now);
    if (rc < 0) {
        dogb_item_result(item, rc);
    }
    return rc;
}

dogb_work *dogb_queue_drop(dogb_queue *queue, uint64_t now, int all) {
    dogb_queue kept = {.deadline = UINT64_MAX};
    dogb_queue answered = {0};
    while (queue->first != NULL) {
        dogb_work *work = take_first(queue);
        work->cancelled = work->cancelled || all;
        int rc = unwanted(work, now);
        if (rc == DOGBREED_OK) {
            kept.pictures += work->count - work->taken;
            if (work->deadline != 0 && work->deadline < kept.deadline) {
                kept.deadline = work->deadline;
            }
            append(&kept, work);
            continue;
        }
        for (; work->taken < work->count; work->taken++, work->left--) {
            dogb_item_result(&work->items[work->taken], rc);
        }
        if (work->left == 0) {
            append(&answered, work);
        }
    }
    *queue = kept;
    return answered.first;
}
