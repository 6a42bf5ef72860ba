// The debugger on a real training: what is stored, what rules find and what that does, and that
// nothing of it changes the training or ends it.
#include "../trainer/fixture.h"
#include "out_of_memory.h"

#include <dogbreed/debug.h>
#include <dogbreed/record.h>
#include <dogbreed/run.h>
#include <jansson.h>

#include <math.h>

typedef struct setup {
    fixture f;
    dogbreed_debug_options debug;
    char store[320];
} setup;

static void open_setup(setup *s) {
    fixture_open(&s->f, 8, 4);
    s->f.options.epochs = 3;
    s->f.options.batch_size = 4; // 6 steps an epoch
    (void)snprintf(s->store, sizeof s->store, "%s/debug", s->f.root);
    assert_ok(dogbreed_debug_options_init(&s->debug, sizeof s->debug));
    s->debug.debug_directory = s->store;
}

typedef struct heard {
    double losses[64];
    int64_t steps;
    double val_loss[8];
    int32_t epochs;
    int32_t findings;
    int32_t epochs_before; // that had ended when the last one came
    int32_t epoch;         // of the same
    int64_t step;
    char rule[64];
    char text[256];
} heard;

static int hear(const dogbreed_event *event, void *userdata) {
    heard *h = userdata;
    switch (event->kind) {
    case DOGBREED_EVENT_STEP_END:
        h->losses[h->steps++] = event->loss;
        break;
    case DOGBREED_EVENT_EPOCH_END:
        h->val_loss[h->epochs++] = event->val_loss;
        break;
    case DOGBREED_EVENT_FINDING:
        h->findings++;
        h->epochs_before = h->epochs;
        h->epoch = event->epoch;
        h->step = event->step;
        (void)snprintf(h->rule, sizeof h->rule, "%s", event->rule);
        (void)snprintf(h->text, sizeof h->text, "%s", event->text);
        assert_int_equal(event->status, DOGBREED_RULE_ISSUES);
        break;
    default:
        break;
    }
    return 0;
}

// Trains with the options (NULL: without a debugger) and returns the sum over the weights.
static uint64_t train(setup *s, const dogbreed_debug_options *options, heard *h,
                      const dogbreed_rule *rule, char **results) {
    heard nobody;
    dogbreed_debug *debug = NULL;
    dogbreed_model *model = fixture_model(&s->f);
    dogbreed_trainer *trainer = fixture_trainer(&s->f, model);
    h = h == NULL ? &nobody : h;
    memset(h, 0, sizeof *h);
    if (options != NULL) {
        assert_ok(dogbreed_debug_attach(&debug, trainer, options));
    }
    if (rule != NULL) {
        assert_ok(dogbreed_debug_rule(debug, rule, NULL));
    }
    assert_ok(dogbreed_trainer_subscribe(trainer, NULL,
                                         DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END) |
                                             DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END) |
                                             DOGBREED_EVENT_MASK(DOGBREED_EVENT_FINDING),
                                         hear, h));
    assert_ok(dogbreed_trainer_run(trainer));
    dogbreed_trainer_destroy(trainer);
    uint64_t sum = fixture_weights(model);
    dogbreed_model_destroy(model);
    if (results != NULL) { // also when trainer and model are gone
        assert_ok(dogbreed_debug_results(results, debug));
    }
    dogbreed_debug_destroy(debug);
    return sum;
}

static double scalar(dogbreed_record *record, int32_t mode, int64_t index, const char *name,
                     int64_t *mode_step) {
    dogbreed_record_step_info info = {.struct_size = sizeof info};
    int32_t at = 0;
    float value = 0;
    assert_ok(dogbreed_record_step(&info, record, mode, index));
    assert_ok(dogbreed_record_find(&at, record, info.step, name, NULL));
    assert_ok(dogbreed_record_read(record, info.step, at, &value, 1));
    *mode_step = info.mode_step;
    return (double)value;
}

static void losses_are_stored_and_the_training_is_the_same(void **state) {
    (void)state;
    setup s;
    heard h;
    dogbreed_record *record = NULL;
    open_setup(&s);
    uint64_t plain = train(&s, NULL, NULL, NULL, NULL);
    s.debug.rules = "all";
    assert_true(train(&s, &s.debug, &h, NULL, NULL) == plain);
    assert_ok(dogbreed_record_open(&record, s.store));
    // 6 steps an epoch: every step, and each evaluation (12 pictures: 3 batches) once.
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN), 18);
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_EVAL), 3);
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_GLOBAL), 21);
    for (int64_t i = 0; i < 18; i++) {
        int64_t step = 0;
        double value = scalar(record, DOGBREED_MODE_TRAIN, i, "CrossEntropyLoss_output_0", &step);
        assert_int_equal(step, i);
        assert_true(value == (double)(float)h.losses[i]);
    }
    for (int64_t i = 0; i < 3; i++) {
        int64_t step = 0;
        double value = scalar(record, DOGBREED_MODE_EVAL, i, "CrossEntropyLoss_output_0", &step);
        assert_int_equal(step, 3 * i + 2);
        assert_true(value == (double)(float)h.val_loss[i]);
    }
    dogbreed_record_destroy(record);
    fixture_close(&s.f);
}

typedef struct looking {
    dogbreed_debug *debug;
    int64_t steps; // seen by the last look
    int32_t looks;
    int32_t reserved;
} looking;

static int look(const dogbreed_event *event, void *userdata) {
    looking *l = userdata;
    dogbreed_record *record = NULL;
    int64_t step = 0;
    // 6 steps an epoch, of which the writing thread may be a little behind.
    assert_ok(dogbreed_debug_record(&record, l->debug));
    assert_ok(dogbreed_record_wait(&step, record, DOGBREED_MODE_TRAIN, 6 * event->epoch + 5, 10));
    l->steps = dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN);
    l->looks++;
    dogbreed_record_destroy(record);
    return 0;
}

// Without a file: what is kept in memory can be read while the training runs, and afterwards.
static void stored_steps_are_read_out_of_memory(void **state) {
    (void)state;
    setup s;
    looking l = {0};
    dogbreed_record *records[2] = {NULL, NULL};
    for (int files = 0; files < 2; files++) {
        open_setup(&s);
        s.debug.debug_directory = files ? s.store : "";
        s.debug.debug_memory = 1 << 20;
        s.debug.debug_tensorboard = !files; // has nowhere to go
        s.debug.collections = "weights";
        dogbreed_model *model = fixture_model(&s.f);
        dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
        l = (looking){0};
        assert_ok(dogbreed_debug_attach(&l.debug, trainer, &s.debug));
        assert_fails(dogbreed_debug_record(&records[0], l.debug), DOGBREED_ERROR_NOT_FOUND,
                     "begun");
        assert_ok(dogbreed_trainer_subscribe(
            trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END), look, &l));
        assert_ok(dogbreed_trainer_run(trainer));
        assert_int_equal(l.looks, 3);
        assert_int_equal(l.steps, 18);
        assert_ok(dogbreed_debug_record(&records[0], l.debug));
        dogbreed_debug_destroy(l.debug);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
        assert_int_equal(dogbreed_record_step_count(records[0], DOGBREED_MODE_EVAL), 3);
        if (files) {
            char *texts[2];
            assert_ok(dogbreed_record_open(&records[1], s.store));
            for (int k = 0; k < 2; k++) {
                assert_ok(dogbreed_record_describe(&texts[k], records[k]));
            }
            assert_string_equal(texts[0], texts[1]);
            dogbreed_free(texts[0]);
            dogbreed_free(texts[1]);
            dogbreed_record_destroy(records[1]);
        }
        dogbreed_record_destroy(records[0]);
        fixture_close(&s.f);
    }
    assert_fails(dogbreed_debug_record(NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "out");
}

static void memory_is_kept_on_request(void **state) {
    (void)state;
    setup s;
    dogbreed_debug *debug = NULL;
    dogbreed_record *record = NULL;
    open_setup(&s);
    dogbreed_model *model = fixture_model(&s.f);
    dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
    assert_ok(dogbreed_debug_attach(&debug, trainer, &s.debug));
    assert_fails(dogbreed_debug_record(&record, debug), DOGBREED_ERROR_STATE, "debug_memory");
    dogbreed_debug_destroy(debug);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&s.f);
}

static void collections_say_what_is_stored(void **state) {
    (void)state;
    setup s;
    dogbreed_record *record = NULL;
    dogbreed_record_tensor_info info = {.struct_size = sizeof info};
    float gradient[32 * 3];
    double mean = 0;
    double sum = 0;
    int32_t at = 0;
    open_setup(&s);
    s.debug.rules = "none";
    s.debug.collections = "gradients:save_interval=4;weights:reductions=mean+abs_max,save_shape=on,"
                          "train.save_interval=100";
    (void)train(&s, &s.debug, NULL, NULL, NULL);
    assert_ok(dogbreed_record_open(&record, s.store));
    static const char weight[] = "Tiny_fc.weight";
    static const char slope[] = "gradient/Tiny_fc.weight";
    // Step 0 has both, step 4 gradients, step 1 losses alone.
    assert_ok(dogbreed_record_find(&at, record, 0, slope, NULL));
    assert_ok(dogbreed_record_tensor(&info, record, 0, at));
    assert_int_equal(info.rank, 2);
    assert_int_equal(info.shape[0], 3);
    assert_int_equal(info.shape[1], 32);
    assert_ok(dogbreed_record_read(record, 0, at, gradient, 32 * 3));
    for (int i = 0; i < 32 * 3; i++) {
        sum += fabs((double)gradient[i]);
    }
    assert_true(sum > 0.0);
    assert_ok(dogbreed_record_find(&at, record, 4, slope, NULL));
    assert_fails(dogbreed_record_find(&at, record, 1, slope, NULL),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, slope);
    assert_ok(dogbreed_record_reduction(&mean, record, 0, weight, NULL, "abs_max"));
    assert_true(mean > 0.0);
    assert_fails(dogbreed_record_reduction(&mean, record, 4, weight, NULL, "abs_max"),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, weight);
    dogbreed_record_destroy(record);
    fixture_close(&s.f);
}

static int hit_in_epoch_1(dogbreed_rule_call *call) {
    (void)snprintf(call->text, sizeof call->text, "val_loss is %.1f", call->val_loss);
    call->value = call->val_loss;
    call->threshold = 0.5;
    return call->epoch == 1 ? DOGBREED_RULE_HIT : DOGBREED_RULE_FINE;
}

static int fails(dogbreed_rule_call *call) {
    (void)snprintf(call->text, sizeof call->text, "no such thing");
    return -3;
}

static const json_t *rule_of(const json_t *document, const char *name) {
    size_t index = 0;
    json_t *rule = NULL;
    json_array_foreach(json_object_get(document, "rules"), index, rule) {
        if (strcmp(json_string_value(json_object_get(rule, "rule")), name) == 0) {
            return rule;
        }
    }
    fail_msg("no rule %s", name);
    return NULL;
}

static const char *word(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void a_finding_is_told_and_may_stop_the_run(void **state) {
    (void)state;
    setup s;
    heard h;
    char *text = NULL;
    const dogbreed_rule rule = {
        .struct_size = sizeof rule, .name = "Mine", .epoch = hit_in_epoch_1};
    open_setup(&s);
    s.debug.rules = "none";
    (void)train(&s, &s.debug, &h, &rule, &text);
    assert_int_equal(h.epochs, 3);
    assert_int_equal(h.findings, 1);
    assert_string_equal(h.rule, "Mine");
    // Of the epoch that it is about, behind its end, though the debugger was attached first.
    assert_int_equal(h.epochs_before, 2);
    assert_int_equal(h.epoch, 1);
    assert_int_equal(h.step, 12);
    assert_non_null(strstr(h.text, "val_loss is "));
    json_t *document = json_loads(text, 0, NULL);
    assert_string_equal(word(rule_of(document, "Mine"), "status"), "IssuesFound");
    dogbreed_free(text);
    json_decref(document);
    // findings.json says the same.
    assert_ok(dogbreed_debug_judge(&text, s.f.root, NULL));
    document = json_loads(text, 0, NULL);
    assert_string_equal(word(rule_of(document, "Mine"), "status"), "IssuesFound");
    dogbreed_free(text);
    json_decref(document);
    // The same with the action: the epoch is finished, no further one begins.
    assert_ok(dogb_directory_remove(s.store));
    s.debug.rule_action = DOGBREED_RULE_ACTION_STOP;
    (void)train(&s, &s.debug, &h, &rule, NULL);
    assert_int_equal(h.epochs, 2);
    fixture_close(&s.f);
}

static int hit_at_the_end(dogbreed_rule_call *call) {
    (void)snprintf(call->text, sizeof call->text, "it is over");
    return DOGBREED_RULE_HIT;
}

static json_t *last_line(const char *path) {
    char line[4096];
    char last[4096] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        memcpy(last, line, sizeof last);
    }
    assert_int_equal(fclose(file), 0);
    return json_loads(last, 0, NULL);
}

// Whoever is attached first, the log has what rules say at the end, and its place.
static void the_log_of_the_run_has_the_last_findings(void **state) {
    (void)state;
    const dogbreed_rule rule = {.struct_size = sizeof rule, .name = "Mine", .end = hit_at_the_end};
    for (int run_first = 0; run_first < 2; run_first++) {
        setup s;
        char folder[320];
        char path[340];
        dogbreed_debug *debug = NULL;
        open_setup(&s);
        dogbreed_model *model = fixture_model(&s.f);
        dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
        (void)snprintf(folder, sizeof folder, "%s/run", s.f.root);
        (void)snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
        s.debug.rules = "none";
        for (int i = 0; i < 2; i++) {
            if (i == run_first) {
                assert_ok(dogbreed_debug_attach(&debug, trainer, &s.debug));
                assert_ok(dogbreed_debug_rule(debug, &rule, NULL));
            } else {
                assert_ok(dogbreed_run_attach(NULL, trainer, folder, NULL));
            }
        }
        assert_ok(dogbreed_trainer_run(trainer));
        json_t *line = last_line(path);
        assert_string_equal(word(line, "rule"), "Mine");
        assert_int_equal(json_integer_value(json_object_get(line, "epoch")), 3);
        assert_int_equal(json_integer_value(json_object_get(line, "step")), 18);
        json_decref(line);
        dogbreed_debug_destroy(debug);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
        fixture_close(&s.f);
    }
}

static void a_rule_that_fails_ends_itself_alone(void **state) {
    (void)state;
    setup s;
    heard h;
    char *text = NULL;
    const dogbreed_rule rule = {.struct_size = sizeof rule, .name = "Broken", .epoch = fails};
    open_setup(&s);
    uint64_t plain = train(&s, NULL, NULL, NULL, NULL);
    assert_true(train(&s, &s.debug, &h, &rule, &text) == plain);
    json_t *document = json_loads(text, 0, NULL);
    assert_string_equal(word(rule_of(document, "Broken"), "status"), "Error");
    size_t index = 0;
    json_t *one = NULL;
    size_t errors = 0;
    json_array_foreach(json_object_get(document, "rules"), index, one) {
        errors += strcmp(word(one, "status"), "Error") == 0;
    }
    assert_int_equal(errors, 1);
    dogbreed_free(text);
    json_decref(document);
    fixture_close(&s.f);
}

static int lines_heard;

static void count_lines(int32_t level, const char *line, void *userdata) {
    (void)level;
    (void)userdata;
    lines_heard += strstr(line, "the training goes on") != NULL;
}

static void a_store_that_cannot_be_written_ends_alone(void **state) {
    (void)state;
    setup s;
    heard h;
    char path[400];
    open_setup(&s);
    uint64_t plain = train(&s, NULL, NULL, NULL, NULL);
    (void)snprintf(path, sizeof path, "%s/file", s.f.root);
    assert_ok(dogb_file_replace(path, "x", 1));
    (void)snprintf(path, sizeof path, "%s/file/debug", s.f.root);
    s.debug.debug_directory = path;
    lines_heard = 0;
    dogbreed_log_set(count_lines, NULL, DOGBREED_LOG_WARNING);
    assert_true(train(&s, &s.debug, &h, NULL, NULL) == plain);
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    assert_int_equal(h.epochs, 3);
    assert_true(lines_heard >= 1);
    fixture_close(&s.f);
}

static void options_are_checked_at_the_start(void **state) {
    (void)state;
    static const struct {
        const char *rules;
        const char *collections;
        const char *part;
    } cases[] = {
        {"Overfitt", "", "Overfit"},
        {"Overfit:patiense=3", "", "patience"},
        {"Overfit:patience=x", "", "patience"},
        {"default", "gradients:every=3", "every"},
        {"default", "x:include_regex=(", "x"},
    };
    setup s;
    open_setup(&s);
    dogbreed_model *model = fixture_model(&s.f);
    dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogbreed_debug *debug = NULL;
        s.debug.rules = cases[i].rules;
        s.debug.collections = cases[i].collections;
        assert_fails(dogbreed_debug_attach(&debug, trainer, &s.debug),
                     DOGBREED_ERROR_INVALID_ARGUMENT, cases[i].part);
        assert_null(debug);
    }
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&s.f);
}

// Stored gradients judged afterwards give what the rule found while the run went on.
static void a_stored_run_is_judged_as_a_running_one(void **state) {
    (void)state;
    setup s;
    char *live = NULL;
    char *later = NULL;
    static const char rules[] =
        "VanishingGradient:threshold=1;LossNotDecreasing:num_steps=3;Overfit:ratio_threshold=-0.9;"
        "WeightUpdateRatio:large_threshold=1e-9;AllZero:collection_names=gradients,threshold=0";
    static const char *const names[] = {"VanishingGradient", "LossNotDecreasing", "Overfit",
                                        "WeightUpdateRatio", "AllZero"};
    static const char *const keys[] = {"status", "step", "violations", "datapoints"};
    open_setup(&s);
    s.debug.rules = rules;
    s.debug.collections = "gradients;weights;biases";
    (void)train(&s, &s.debug, NULL, NULL, &live);
    assert_ok(dogbreed_debug_judge(&later, s.f.root, rules));
    json_t *a = json_loads(live, 0, NULL);
    json_t *b = json_loads(later, 0, NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *one = rule_of(a, names[i]);
        const json_t *two = rule_of(b, names[i]);
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            const json_t *x = json_object_get(one, keys[k]);
            const json_t *y = json_object_get(two, keys[k]);
            if (!json_equal(x, y)) {
                fail_msg("%s: %s differs: %s and %s", names[i], keys[k],
                         json_dumps(x, JSON_ENCODE_ANY), json_dumps(y, JSON_ENCODE_ANY));
            }
        }
    }
    assert_string_equal(word(rule_of(a, "VanishingGradient"), "status"), "IssuesFound");
    assert_string_equal(word(rule_of(a, "WeightUpdateRatio"), "status"), "IssuesFound");
    json_decref(a);
    json_decref(b);
    dogbreed_free(live);
    dogbreed_free(later);
    assert_fails(dogbreed_debug_judge(&later, s.f.cache, NULL), DOGBREED_ERROR_NOT_FOUND,
                 "no findings");
    assert_fails(dogbreed_debug_judge(&later, s.f.cache, "Overfit"), DOGBREED_ERROR_NOT_FOUND,
                 "no stored tensors");
    fixture_close(&s.f);
}

static int stop_at_step_8(const dogbreed_event *event, void *userdata) {
    if (event->step == 8) {
        dogbreed_trainer_stop(userdata);
    }
    return 0;
}

// A run that goes on in another process has each step once, and the values of one that was never
// interrupted.
static void a_resumed_run_goes_on_in_its_store(void **state) {
    (void)state;
    setup s;
    heard h;
    char checkpoint[320];
    dogbreed_record *record = NULL;
    dogbreed_debug *debug = NULL;
    open_setup(&s);
    s.debug.rules = "none";
    (void)train(&s, NULL, &h, NULL, NULL); // the losses of all steps
    (void)snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", s.f.root);
    for (int part = 0; part < 2; part++) {
        dogbreed_model *model = fixture_model(&s.f);
        dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
        assert_ok(dogbreed_debug_attach(&debug, trainer, &s.debug));
        if (part == 0) {
            assert_ok(dogbreed_trainer_subscribe(trainer, NULL,
                                                 DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END),
                                                 stop_at_step_8, trainer));
            assert_int_equal(dogbreed_trainer_run(trainer), DOGBREED_ERROR_CANCELLED);
            assert_ok(dogbreed_trainer_checkpoint(trainer, checkpoint));
        } else {
            assert_ok(dogbreed_trainer_resume(trainer, checkpoint));
            assert_ok(dogbreed_trainer_run(trainer));
        }
        dogbreed_debug_destroy(debug);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
    }
    assert_ok(dogbreed_record_open(&record, s.store));
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN), 18);
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_EVAL), 3);
    for (int64_t i = 0; i < 18; i++) {
        int64_t step = 0;
        double value = scalar(record, DOGBREED_MODE_TRAIN, i, "CrossEntropyLoss_output_0", &step);
        assert_int_equal(step, i);
        assert_true(value == (double)(float)h.losses[i]);
    }
    dogbreed_record_destroy(record);
    fixture_close(&s.f);
}

static int save_scalar(const dogbreed_event *event, void *userdata) {
    return dogbreed_debug_scalar(userdata, "mine", 2.5 * (double)event->step);
}

static void numbers_of_the_program_are_stored_with_the_next_step(void **state) {
    (void)state;
    setup s;
    dogbreed_debug *debug = NULL;
    dogbreed_record *record = NULL;
    open_setup(&s);
    s.debug.rules = "none";
    dogbreed_model *model = fixture_model(&s.f);
    dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
    assert_ok(dogbreed_debug_attach(&debug, trainer, &s.debug));
    assert_ok(dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END), save_scalar, debug));
    assert_ok(dogbreed_trainer_run(trainer));
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogbreed_debug_destroy(debug);
    assert_ok(dogbreed_record_open(&record, s.store));
    for (int64_t i = 1; i < 18; i++) {
        int64_t step = 0;
        assert_true(scalar(record, DOGBREED_MODE_TRAIN, i, "scalar/mine", &step) ==
                    2.5 * (double)(i - 1));
    }
    dogbreed_record_destroy(record);
    fixture_close(&s.f);
}

static void a_command_runs_at_the_first_hit(void **state) {
    (void)state;
    setup s;
    char command[400];
    char path[400];
    const dogbreed_rule rule = {
        .struct_size = sizeof rule, .name = "Mine", .epoch = hit_in_epoch_1};
    open_setup(&s);
    (void)snprintf(command, sizeof command, "touch '%s/{rule}'", s.f.root);
    s.debug.rules = "none";
    s.debug.rule_command = command;
    (void)train(&s, &s.debug, NULL, &rule, NULL);
    (void)snprintf(path, sizeof path, "%s/Mine", s.f.root);
    assert_int_equal(access(path, F_OK), 0);
    fixture_close(&s.f);
}

static void a_configuration_of_the_original_is_followed(void **state) {
    (void)state;
    static const char good[] =
        "{\"LocalPath\": \"/opt/ml/output/tensors\", \"HookParameters\": {\"train.save_interval\": "
        "\"3\", \"eval.save_interval\": \"1\", \"include_regex\": \"fc.*output\"},"
        "\"CollectionConfigurations\": [{\"CollectionName\": \"weights\", "
        "\"CollectionParameters\": "
        "{\"save_interval\": \"6\", \"reductions\": \"mean,abs_max\"}}, {\"CollectionName\": "
        "\"losses\"}]}";
    setup s;
    char path[400];
    int32_t at = 0;
    double number = 0;
    dogbreed_record *record = NULL;
    open_setup(&s);
    (void)snprintf(path, sizeof path, "%s/debughookconfig.json", s.f.root);
    assert_ok(dogb_file_replace(path, good, strlen(good)));
    s.debug.rules = "none";
    s.debug.debug_config = path;
    (void)train(&s, &s.debug, NULL, NULL, NULL);
    assert_ok(dogbreed_record_open(&record, s.store));
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN), 6); // 0, 3, ... 15
    assert_ok(dogbreed_record_find(&at, record, 0, "fc_output_0", NULL));
    assert_ok(dogbreed_record_reduction(&number, record, 0, "Tiny_fc.weight", NULL, "abs_max"));
    assert_ok(dogbreed_record_find(&at, record, 3, "fc_output_0", NULL));
    assert_fails(dogbreed_record_reduction(&number, record, 3, "Tiny_fc.weight", NULL, "abs_max"),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, "fc.weight");
    dogbreed_record_destroy(record);
    fixture_close(&s.f);
}

static void a_bad_configuration_names_the_key(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"{\"HookParameters\": {\"save_interval\": 3}}", "save_interval: expected text"},
        {"{\"HookParameters\": {\"save_interval\": \"x\"}}", "save_interval: \"x\""},
        {"{\"HookParameters\": []}", "HookParameters: expected an object"},
        {"{\"LocalPath\": 1}", "LocalPath"},
        {"{\"CollectionConfigurations\": {}}", "CollectionConfigurations: expected a list"},
        {"{\"CollectionConfigurations\": [{}]}", "CollectionName"},
        {"{\"CollectionConfigurations\": [{\"CollectionName\": \"a\", \"CollectionParameters\": "
         "{\"include_regex\": \"\\\\d\"}}]}",
         "at character 1"},
        {"[", "debughookconfig.json"},
    };
    setup s;
    char path[400];
    open_setup(&s);
    (void)snprintf(path, sizeof path, "%s/debughookconfig.json", s.f.root);
    s.debug.debug_config = path;
    dogbreed_model *model = fixture_model(&s.f);
    dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogbreed_debug *debug = NULL;
        assert_ok(dogb_file_replace(path, cases[i].text, strlen(cases[i].text)));
        int rc = dogbreed_debug_attach(&debug, trainer, &s.debug);
        if (rc >= 0 || strstr(dogbreed_error_message(), cases[i].part) == NULL) {
            fail_msg("%s: %d, \"%s\"", cases[i].text, rc, dogbreed_error_message());
        }
    }
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&s.f);
}

static void say_nothing(int32_t level, const char *line, void *userdata) {
    (void)level;
    (void)line;
    (void)userdata;
}

// Whichever allocation fails: attaching or the training says so, or the weights are as ever.
static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    setup s;
    int refused = 0;
    int lived = 0;
    open_setup(&s);
    s.debug.debug_memory = 1 << 20;
    s.f.options.epochs = 1;
    uint64_t plain = train(&s, NULL, NULL, NULL, NULL);
    s.debug.rules = "all";
    s.debug.collections = "gradients:reductions=mean+abs_max;weights:save_shape=on";
    dogbreed_log_set(say_nothing, NULL, DOGBREED_LOG_WARNING);
    int failed = 1;
    for (int count = 0; failed; count += 1 + count / 25) {
        dogbreed_debug *debug = NULL;
        dogbreed_model *model = fixture_model(&s.f);
        dogbreed_trainer *trainer = fixture_trainer(&s.f, model);
        (void)dogb_directory_remove(s.store);
        memory_fail_after(count);
        int rc = dogbreed_debug_attach(&debug, trainer, &s.debug);
        rc = rc < 0 ? rc : dogbreed_trainer_run(trainer);
        failed = memory_restore();
        dogbreed_debug_destroy(debug);
        dogbreed_trainer_destroy(trainer);
        if (rc == DOGBREED_OK) {
            assert_true(fixture_weights(model) == plain);
            lived += failed;
        } else {
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
            refused++;
        }
        dogbreed_model_destroy(model);
    }
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    print_message("# %d runs were refused, %d went on\n", refused, lived);
    assert_true(refused > 10 && lived > 10);
    fixture_close(&s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_stored_and_the_training_is_the_same),
        cmocka_unit_test(stored_steps_are_read_out_of_memory),
        cmocka_unit_test(memory_is_kept_on_request),
        cmocka_unit_test(collections_say_what_is_stored),
        cmocka_unit_test(a_finding_is_told_and_may_stop_the_run),
        cmocka_unit_test(the_log_of_the_run_has_the_last_findings),
        cmocka_unit_test(a_rule_that_fails_ends_itself_alone),
        cmocka_unit_test(a_store_that_cannot_be_written_ends_alone),
        cmocka_unit_test(options_are_checked_at_the_start),
        cmocka_unit_test(a_stored_run_is_judged_as_a_running_one),
        cmocka_unit_test(a_resumed_run_goes_on_in_its_store),
        cmocka_unit_test(numbers_of_the_program_are_stored_with_the_next_step),
        cmocka_unit_test(a_command_runs_at_the_first_hit),
        cmocka_unit_test(a_configuration_of_the_original_is_followed),
        cmocka_unit_test(a_bad_configuration_names_the_key),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
