// claim.c - which handle runs a trial. A claim is a lock of the file system or the server's
// session, not a row: it ends with the handle, the process or the connection, whatever ends them,
// so that what a killed worker was running is known at once.
//
// Claims are taken while the trial's row is locked, so two programs never want the same one at the
// same time. What a transaction has claimed or given back counts from its end on.
#include "study/study_internal.h"
#include "study/value.h"

static dogb_claim *find(const dogb_study *study, int64_t id) {
    for (size_t i = 0; i < study->claim_count; i++) {
        if (study->claims[i].id == id) {
            return &study->claims[i];
        }
    }
    return NULL;
}

int dogb_claim_take(dogb_study *study, int64_t id) {
    dogb_claim *claim = find(study, id);
    if (claim != NULL) {
        claim->leaves = 0;
        return 1;
    }
    int rc = dogb_grow(&study->arena, &study->claims, &study->claim_capacity, study->claim_count,
                       sizeof *study->claims);
    rc = rc < 0 ? rc : study->db->driver->claim(study->db, id);
    if (rc == 1) {
        study->claims[study->claim_count++] = (dogb_claim){.id = id, .fresh = 1};
    }
    return rc;
}

void dogb_claim_leave(dogb_study *study, int64_t id) {
    dogb_claim *claim = find(study, id);
    if (claim != NULL) {
        claim->leaves = 1;
    }
}

void dogb_claim_settle(dogb_study *study, int32_t committed) {
    size_t kept = 0;
    for (size_t i = 0; i < study->claim_count; i++) {
        dogb_claim claim = study->claims[i];
        if (committed ? claim.leaves : claim.fresh) {
            study->db->driver->release(study->db, claim.id);
        } else {
            study->claims[kept++] = (dogb_claim){.id = claim.id};
        }
    }
    study->claim_count = kept;
}

// A new connection has none of the old one's locks. One that another program has taken meanwhile is
// lost; who ends the trial first has it.
void dogb_claim_restore(dogb_study *study) {
    for (size_t i = 0; i < study->claim_count; i++) {
        (void)study->db->driver->claim(study->db, study->claims[i].id);
    }
}

typedef struct taking {
    int64_t id;
    int32_t state;
    int32_t taken;
} taking;

static int take_work(dogb_study *study, void *userdata) {
    taking *take = userdata;
    int32_t state = 0;
    int rc = dogb_study_trial_lock(study, &state, take->id);
    take->taken = 0;
    if (rc < 0 || state != take->state) {
        return rc;
    }
    rc = dogb_claim_take(study, take->id);
    if (rc <= 0) {
        return rc;
    }
    take->taken = 1;
    return dogb_study_trial_begin(study, take->id, NULL);
}

int dogb_study_take(dogb_study *study, int64_t id, int32_t state) {
    DOGB_CHECK(state == DOGB_TRIAL_RUNNING || state == DOGB_TRIAL_WAITING,
               "state %s: what is taken is RUNNING or WAITING", dogb_state_name(state));
    taking take = {.id = id, .state = state};
    int rc = dogb_study_transact(study, 1, take_work, &take);
    return rc < 0 ? rc : take.taken;
}

static int leave_work(dogb_study *study, void *userdata) {
    const int64_t *id = userdata;
    dogb_claim_leave(study, *id);
    return dogb_heart_leave(study, *id);
}

void dogb_study_leave(dogb_study *study, int64_t id) {
    dogb_error_state state;
    dogb_error_save(&state, DOGBREED_OK);
    (void)dogb_study_transact(study, 0, leave_work, &id);
    (void)dogb_error_restore(&state);
}
