// schedule.c - learning-rate schedules with the formulas of torch.optim.lr_scheduler (closed forms
// of StepLR, CosineAnnealingLR, OneCycleLR, LinearLR). Knows no optimiser.
#include "trainer/schedule.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

void dogb_schedule_init(dogb_schedule *schedule, const dogbreed_trainer_options *options,
                        int64_t epoch_steps) {
    int64_t total = (int64_t)options->epochs * epoch_steps;
    int64_t warmup = llround(options->warmup_epochs * (double)epoch_steps);
    *schedule = (dogb_schedule){
        .learning_rate = options->learning_rate,
        .gamma = options->step_gamma,
        .warmup_steps = warmup < total ? warmup : total,
        .total_steps = total,
        .epoch_steps = epoch_steps,
        .kind = options->schedule,
        .step_epochs = options->step_epochs,
    };
}

static double constant(const dogb_schedule *schedule, int64_t step, int64_t total) {
    (void)step;
    (void)total;
    return schedule->learning_rate;
}

// StepLR(step_size=step_epochs, gamma), stepped once per epoch.
static double staircase(const dogb_schedule *schedule, int64_t step, int64_t total) {
    (void)total;
    int64_t stair = step / schedule->epoch_steps / schedule->step_epochs;
    return schedule->learning_rate * pow(schedule->gamma, (double)stair);
}

// CosineAnnealingLR(T_max=total, eta_min=0), stepped once per batch.
static double cosine(const dogb_schedule *schedule, int64_t step, int64_t total) {
    return schedule->learning_rate * (1.0 + cos(PI * (double)step / (double)total)) / 2.0;
}

// OneCycleLR(max_lr, total_steps=total, pct_start=0.3, anneal_strategy="cos", div_factor=25,
// final_div_factor=1e4), stepped once per batch; momentum is not cycled.
static double one_cycle(const dogb_schedule *schedule, int64_t step, int64_t total) {
    double high = schedule->learning_rate;
    double first = high / 25.0;
    double last = first / 1e4;
    double top = 0.3 * (double)total - 1.0; // step with the highest rate
    double end = (double)total - 1.0;
    double from = first;
    double to = high;
    double begin = 0.0;
    if ((double)step > top) {
        from = high;
        to = last;
        begin = top;
    } else {
        end = top;
    }
    double share = end > begin ? ((double)step - begin) / (end - begin) : 1.0;
    return to + (from - to) / 2.0 * (cos(PI * share) + 1.0);
}

// Rate of a step behind the warm-up; total: steps behind it.
typedef double (*rate_fn)(const dogb_schedule *schedule, int64_t step, int64_t total);
static const rate_fn rates[] = {
    [DOGBREED_SCHEDULE_CONSTANT] = constant,
    [DOGBREED_SCHEDULE_STEP] = staircase,
    [DOGBREED_SCHEDULE_COSINE] = cosine,
    [DOGBREED_SCHEDULE_ONE_CYCLE] = one_cycle,
};

double dogb_schedule_rate(const dogb_schedule *schedule, int64_t step) {
    int64_t warmup = schedule->warmup_steps;
    int64_t total = schedule->total_steps - warmup;
    rate_fn rate = rates[schedule->kind];
    // LinearLR(start_factor=1/warmup, total_iters=warmup-1) on the schedule's first rate. A run
    // that is warm-up alone ends at the full rate.
    if (step < warmup) {
        double first = total > 0 ? rate(schedule, 0, total) : schedule->learning_rate;
        return first * (double)(step + 1) / (double)warmup;
    }
    step -= warmup;
    return rate(schedule, total > 0 && step >= total ? total - 1 : step, total > 0 ? total : 1);
}
