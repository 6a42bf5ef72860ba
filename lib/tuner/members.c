// members.c - folds as one training: an epoch is finished when all of them have finished it, and
// its accuracy is that of all pictures, each judged by the fold that has not seen it.
#include "tuner/members.h"

#include <math.h>

void dogb_members_look(dogb_members_status *out, const dogb_members *members) {
    dogb_trainer_status status;
    *out = (dogb_members_status){.epochs = INT32_MAX, .failed = -1, .reason = ""};
    for (int32_t i = 0; i < members->count; i++) {
        dogb_trainer_status_get(&status, members->trainers[i]);
        out->ended += status.end != DOGB_END_NONE;
        out->epochs = status.epoch_count < out->epochs ? status.epoch_count : out->epochs;
    }
    // Where folds train one after the other, one that has ended may be ahead of the others: what
    // became of it behind their epoch is not to be known yet, or the order would matter.
    for (int32_t i = 0; i < members->count; i++) {
        dogb_trainer_status_get(&status, members->trainers[i]);
        if (status.end == DOGB_END_NONE || status.epoch_count > out->epochs) {
            continue;
        }
        out->last = 1;
        if (status.end == DOGB_END_FAILED && out->failed < 0) {
            out->failed = i;
            out->code = status.end_code;
            out->reason = status.message;
        }
    }
}

// Of a count of pictures, so that the sum over folds is exact.
static double hits(double share, int64_t count) {
    return round(share * (double)count);
}

void dogb_members_epoch(dogb_epoch *out, const dogb_members *members, int32_t epoch) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, members->trainers[0]);
    *out = status.epochs[epoch];
    if (members->count == 1) {
        return;
    }
    double loss = 0.0;
    double correct = 0.0;
    double correct5 = 0.0;
    int64_t count = 0;
    for (int32_t i = 0; i < members->count; i++) {
        dogb_trainer_status_get(&status, members->trainers[i]);
        const dogb_epoch *one = &status.epochs[epoch];
        loss += one->val_loss * (double)one->val_count;
        correct += hits(one->val_accuracy, one->val_count);
        correct5 += hits(one->val_top5, one->val_count);
        count += one->val_count;
    }
    out->val_count = count;
    out->val_loss = loss / (double)count;
    out->val_accuracy = correct / (double)count;
    out->val_top5 = correct5 / (double)count;
    out->val_ece = (double)NAN;
}

void dogb_members_stop(const dogb_members *members) {
    for (int32_t i = 0; i < members->count; i++) {
        dogbreed_trainer_stop(members->trainers[i]);
    }
}
