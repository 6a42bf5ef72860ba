// members.h - the trainers of one trial (one, or one of each fold) seen as a single training.
#ifndef DOGB_TUNER_MEMBERS_H
#define DOGB_TUNER_MEMBERS_H

#include "trainer/trainer_internal.h"

typedef struct dogb_members {
    dogbreed_trainer **trainers;
    int32_t count;
    int32_t reserved;
} dogb_members;

typedef struct dogb_members_status {
    int32_t ended;      // how many
    int32_t epochs;     // finished by all of them
    int32_t last;       // 1: one has ended that far: there will be no further epoch
    int32_t failed;     // member that has failed that far; -1: none
    int32_t code;       // of its failure
    const char *reason; // of its failure
} dogb_members_status;

void dogb_members_look(dogb_members_status *out, const dogb_members *members);
// The val_ values over the pictures of all folds.
void dogb_members_epoch(dogb_epoch *out, const dogb_members *members, int32_t epoch);
void dogb_members_stop(const dogb_members *members);

#endif
