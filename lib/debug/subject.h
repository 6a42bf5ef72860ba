// subject.h - the tensors that a training has to show, with the names that the original gives them,
// and which collections they belong to. Made once, before the first step.
#ifndef DOGB_DEBUG_SUBJECT_H
#define DOGB_DEBUG_SUBJECT_H

#include "debug/collection.h"
#include "debug/rule.h"
#include "trainer/trainer_internal.h"

typedef struct dogb_subject {
    dogb_rule_tensor tensor; // shape, source and samples are filled when it is shown
    const char *offered;     // its name in events
    uint8_t *in;             // [collections] 1: belongs to it
    uint32_t wanted;         // by rules, a bit for each mode
    int32_t watched;         // at this step, by rules or for the store
    int32_t judged;          // at this step, by rules
    int32_t index;           // in the event that shows it; -1: it is not offered
    uint32_t boarded;        // modes whose event file has it, a bit each
} dogb_subject;

typedef struct dogb_subjects {
    dogb_subject *items;
    int32_t count;
    int32_t reserved;
    size_t capacity;
} dogb_subjects;

int dogb_subjects_create(dogb_subjects *out, dogb_arena *arena, dogbreed_trainer *trainer,
                         dogb_collections *collections);
// The class of torchvision that an architecture is: "MobileNetV2".
const char *dogb_subject_root(const char *architecture);
// What a stored tensor is, by its name: DOGBREED_TENSOR_.
int32_t dogb_subject_kind(const char *name);
int32_t dogb_subject_op(int32_t op); // DOGB_RULE_OP_ of a DOGB_OP_

#define DOGB_LOSS_NAME "CrossEntropyLoss_output_0"
#define DOGB_ACCURACY_NAME "metrics/accuracy"

#endif
