// attempt.h - a request between its attempts, and what can be done so that the next one succeeds.
#ifndef DOGB_STORE_ATTEMPT_H
#define DOGB_STORE_ATTEMPT_H

#include "store/client.h"
#include "store/digest.h"

typedef struct dogb_attempt {
    dogbreed_store *store;
    const dogb_call *call;
    dogb_arena *arena;
    dogb_http_answer *answer;
    dogb_store_error error; // of the last answer
    int64_t received;       // of the call's bytes
    char hash[DOGB_SHA256_TEXT];
    int32_t number;
    int32_t skew_mended;
    int32_t region_mended;
} dogb_attempt;

// The region that a bucket is signed for. The handle's lock is held.
const char *dogb_attempt_region(const dogbreed_store *store, const char *bucket);
// 1: what the answer says may pass by itself.
int dogb_attempt_may_pass(const dogb_attempt *a);
// 1: the answer has named what was wrong, clock or region, and the next attempt has it right; once
// for each.
int dogb_attempt_mend(dogb_attempt *a);
// Before another attempt; a stop ends the wait.
void dogb_attempt_wait(const dogb_attempt *a);

#endif
