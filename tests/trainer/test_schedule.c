// Schedules against learning rates that torch.optim.lr_scheduler gave (golden/make.py).
#include "test.h"

#include "trainer/schedule.h"

#include <math.h>

static int32_t kind_of(const char *name) {
    static const char *const names[] = {"constant", "step", "cosine", "one_cycle"};
    for (int32_t i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    fail_msg("golden file: unknown schedule %s", name);
    return -1;
}

static void check_line(char *line) {
    char name[32];
    int epochs = 0;
    int steps = 0;
    int warmup = 0;
    int step_epochs = 0;
    double gamma = 0.0;
    double rate = 0.0;
    int used = 0;
    assert_int_equal(sscanf(line, "%31s %d %d %d %d %lf %lf:%n", name, &epochs, &steps, &warmup,
                            &step_epochs, &gamma, &rate, &used),
                     7);
    dogbreed_trainer_options options = {
        .learning_rate = rate,
        .step_gamma = gamma,
        .warmup_epochs = (double)warmup / steps,
        .epochs = epochs,
        .schedule = kind_of(name),
        .step_epochs = step_epochs,
    };
    dogb_schedule schedule;
    dogb_schedule_init(&schedule, &options, steps);
    assert_int_equal(schedule.warmup_steps, warmup);
    assert_int_equal(schedule.total_steps, epochs * steps);
    char *next = line + used;
    for (int step = 0; step < epochs * steps; step++) {
        double wanted = strtod(next, &next);
        double found = dogb_schedule_rate(&schedule, step);
        if (fabs(found - wanted) > 1e-12 * rate) {
            fail_msg("%s, step %d: %.17g, torch has %.17g", name, step, found, wanted);
        }
    }
}

static void equals_torch(void **state) {
    (void)state;
    static char line[1 << 16];
    int cases = 0;
    FILE *file = fopen(test_file("trainer/golden/schedule.txt"), "r");
    assert_non_null(file);
    while (fgets(line, (int)sizeof line, file) != NULL) {
        if (line[0] != '#') {
            check_line(line);
            cases++;
        }
    }
    (void)fclose(file);
    assert_int_equal(cases, 14);
}

static void stays_sane_at_the_edges(void **state) {
    (void)state;
    dogbreed_trainer_options options = {
        .learning_rate = 0.5, .step_gamma = 0.1, .epochs = 1, .step_epochs = 1};
    for (int32_t kind = 0; kind < 4; kind++) {
        for (int warmup = 0; warmup <= 2; warmup++) {
            for (int64_t steps = 1; steps <= 4; steps++) {
                dogb_schedule schedule;
                options.schedule = kind;
                options.warmup_epochs = warmup; // up to twice the whole run
                dogb_schedule_init(&schedule, &options, steps);
                for (int64_t step = 0; step < steps + 3; step++) {
                    double rate = dogb_schedule_rate(&schedule, step);
                    assert_true(isfinite(rate) && rate >= 0.0 && rate <= 0.5);
                }
            }
        }
    }
}

static void options_have_defaults_and_bounds(void **state) {
    (void)state;
    dogbreed_trainer_options options;
    assert_ok(dogbreed_trainer_options_init(&options, sizeof options));
    assert_int_equal(options.kind, 5);
    assert_int_equal(options.seed, 1);
    assert_int_equal(options.keep, DOGBREED_KEEP_BEST);
    assert_int_equal(options.feature_cache, DOGBREED_CACHE_ON);
    assert_string_equal(options.engine, "auto");
    assert_fails(dogbreed_trainer_options_init(NULL, sizeof options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_torch),
        cmocka_unit_test(stays_sane_at_the_edges),
        cmocka_unit_test(options_have_defaults_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
