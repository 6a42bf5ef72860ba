// attempt.c - see attempt.h.
#include "store/attempt.h"
#include "core/clock.h"
#include "core/log.h"

#include <string.h>
#include <time.h>

static const double DELAY_MAX = 20.0; // seconds
static const double SKEW = 300.0;     // seconds; servers allow 900

const char *dogb_attempt_region(const dogbreed_store *store, const char *bucket) {
    for (const dogb_place *p = store->places; p != NULL; p = p->next) {
        if (strcmp(p->bucket, bucket) == 0) {
            return p->region;
        }
    }
    return store->region;
}

static int learn_region(dogbreed_store *store, const char *bucket, const char *region) {
    (void)pthread_mutex_lock(&store->lock);
    dogb_place *place = dogb_alloc(&store->arena, 1, sizeof *place);
    if (place != NULL) {
        place->bucket = dogb_strdup(&store->arena, bucket);
        place->region = dogb_strdup(&store->arena, region);
        place->next = store->places;
        if (place->bucket != NULL && place->region != NULL) {
            store->places = place; // in front: the newest is found
        }
    }
    (void)pthread_mutex_unlock(&store->lock);
    return place == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int is_one_of(const char *text, const char *const *list) {
    for (; text != NULL && *list != NULL; list++) {
        if (strcmp(text, *list) == 0) {
            return 1;
        }
    }
    return 0;
}

int dogb_attempt_may_pass(const dogb_attempt *a) {
    static const char *const codes[] = {"InternalError",  "SlowDown",         "ServiceUnavailable",
                                        "RequestTimeout", "OperationAborted", NULL};
    int32_t status = a->answer->status;
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504 ||
           is_one_of(a->error.code, codes);
}

// The server's clock, where ours is wrong: once.
static int mend_clock(dogb_attempt *a) {
    const char *date = dogb_http_header_of(a->answer, "date");
    double server = date == NULL ? 0.0 : dogb_store_time(date);
    if (a->answer->status != 403 || a->skew_mended || server <= 0.0) {
        return 0;
    }
    dogbreed_store *store = a->store;
    (void)pthread_mutex_lock(&store->lock);
    double offset = server - dogb_clock_wall();
    double error = offset - store->clock_offset;
    int wrong = error > SKEW || error < -SKEW ||
                (a->error.code != NULL && strcmp(a->error.code, "RequestTimeTooSkewed") == 0);
    if (wrong) {
        store->clock_offset = offset;
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (wrong) {
        dogb_log(DOGBREED_LOG_WARNING,
                 "this machine's clock is %.0f s off the server's; its time is used", -offset);
    }
    a->skew_mended = wrong;
    return wrong;
}

// The bucket's region, where another one was signed for: once.
static int mend_region(dogb_attempt *a) {
    int32_t status = a->answer->status;
    const dogb_call *call = a->call;
    if (a->region_mended || (status != 301 && status != 307 && status != 400 && status != 403)) {
        return 0;
    }
    const char *region = dogb_http_header_of(a->answer, "x-amz-bucket-region");
    region = region == NULL ? a->error.region : region;
    a->region_mended = 1;
    if (region == NULL && status == 400 && strcmp(call->method, "HEAD") == 0) {
        // An answer to HEAD has no body that would name it; that to a list has.
        static const dogb_sign_field query[] = {{"list-type", "2"}, {"max-keys", "1"}};
        dogb_http_answer other;
        const dogb_call probe = {.method = "GET",
                                 .uri = {call->uri.bucket, (char[]){""}},
                                 .query = query,
                                 .query_count = 2};
        return dogb_store_call(&other, a->arena, a->store, &probe) == DOGBREED_OK;
    }
    if (region == NULL || *region == '\0' || strlen(region) > 64 ||
        strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(region)) {
        return 0;
    }
    (void)pthread_mutex_lock(&a->store->lock);
    int other = strcmp(dogb_attempt_region(a->store, call->uri.bucket), region) != 0;
    (void)pthread_mutex_unlock(&a->store->lock);
    return other && learn_region(a->store, call->uri.bucket, region) == DOGBREED_OK;
}

// Full jitter: anything up to a bound that doubles.
void dogb_attempt_wait(const dogb_attempt *a) {
    enum { SLICE = 50000000 }; // ns; a stop is seen soon
    double bound = a->store->options.retry_delay;
    for (int32_t i = 1; i < a->number && bound < DELAY_MAX; i++) {
        bound *= 2.0;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint32_t mixed = ((uint32_t)now.tv_nsec ^ (uint32_t)(uintptr_t)a) * 2654435761U;
    double share = (double)(mixed >> 8) / (double)(1 << 24);
    double until = dogb_clock() + share * (bound < DELAY_MAX ? bound : DELAY_MAX);
    while (dogb_clock() < until && (a->call->last || atomic_load(&a->store->cancel) == 0)) {
        double left = (until - dogb_clock()) * 1e9;
        const struct timespec slice = {0, left < SLICE ? (left > 0.0 ? (long)left : 0) : SLICE};
        (void)nanosleep(&slice, NULL);
    }
}

int dogb_attempt_mend(dogb_attempt *a) {
    return mend_clock(a) || mend_region(a);
}
