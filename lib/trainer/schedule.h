// schedule.h - the learning rate of every step, as a formula of the step's number alone.
#ifndef DOGB_TRAINER_SCHEDULE_H
#define DOGB_TRAINER_SCHEDULE_H

#include <dogbreed/trainer.h>

typedef struct dogb_schedule {
    double learning_rate; // highest
    double gamma;         // schedule step
    int64_t warmup_steps;
    int64_t total_steps; // of the run, warm-up included
    int64_t epoch_steps; // steps per epoch
    int32_t kind;        // DOGBREED_SCHEDULE_
    int32_t step_epochs;
} dogb_schedule;

void dogb_schedule_init(dogb_schedule *schedule, const dogbreed_trainer_options *options,
                        int64_t epoch_steps);

// Rate of step `step` (0-based, over the whole run).
double dogb_schedule_rate(const dogb_schedule *schedule, int64_t step);

#endif
