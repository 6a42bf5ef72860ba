// calls.c - the calls of the seam around values: optimisers and their state, freezing, views, wrong
// calls, devices.
#include "conformance/conformance.h"

#include <math.h>

static const dogb_optim_conf optimizers[] = {
    {.kind = DOGB_OPTIM_SGD},
    {.kind = DOGB_OPTIM_SGD, .momentum = 0.9, .weight_decay = 0.02},
    {.kind = DOGB_OPTIM_SGD, .momentum = 0.8, .nesterov = 1},
    {.kind = DOGB_OPTIM_ADAM, .weight_decay = 0.02, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-6},
    {.kind = DOGB_OPTIM_ADAMW, .weight_decay = 0.1, .beta1 = 0.8, .beta2 = 0.999, .epsilon = 1e-6},
};
enum { OPTIMIZERS = sizeof optimizers / sizeof optimizers[0] };

static float *read_state(const pair *p, int which, int32_t param, int32_t slot) {
    size_t count = (size_t)p->graph->params[param].count;
    float *values = floats_of(count);
    assert_ok(p->engines[which]->optim_read(p->optims[which], param, slot, values,
                                            count * sizeof *values));
    return values;
}

static void assert_states_near(const pair *p, double tolerance) {
    int32_t slots = p->engines[1]->optim_slots(p->optims[1]);
    assert_int_equal(p->engines[0]->optim_slots(p->optims[0]), slots);
    assert_int_equal(p->engines[0]->optim_steps(p->optims[0]),
                     p->engines[1]->optim_steps(p->optims[1]));
    for (int32_t i = 0; i < p->graph->param_count; i++) {
        for (int32_t slot = 0; slot < slots && !dogb_graph_is_buffer(&p->graph->params[i]);
             slot++) {
            float *found = read_state(p, 0, i, slot);
            float *expected = read_state(p, 1, i, slot);
            assert_near(p->graph->params[i].name, found, expected,
                        (size_t)p->graph->params[i].count, tolerance);
            free(found);
            free(expected);
        }
    }
}

static void both_step(pair *p, int64_t step) {
    for (int i = 0; i < 2; i++) {
        (void)pair_step(p, i, step);
        assert_ok(p->engines[i]->optim_step(p->optims[i], 0.02));
    }
}

void test_optimizers_step_like_ref(void **state) {
    (void)state;
    for (size_t i = 0; i < OPTIMIZERS; i++) {
        pair p = pair_open("tiny", "mlp:6:0.3", 24, &pair_frozen);
        pair_optim(&p, &optimizers[i]);
        for (int64_t step = 0; step < 4; step++) {
            both_step(&p, step);
        }
        assert_params_near(&p, 2e-4);
        assert_states_near(&p, 2e-4);
        pair_close(&p);
    }
}

// Parameters and optimiser state of one engine, continued on the other.
static void move(pair *p, int from, int to) {
    for (int32_t i = 0; i < p->graph->param_count; i++) {
        const dogb_param *param = &p->graph->params[i];
        size_t size = (size_t)param->count * (param->role == DOGB_ROLE_COUNTER ? 8 : 4);
        void *data = floats_of((size_t)param->count + 1);
        assert_ok(p->engines[from]->param_read(p->nets[from], i, data, size));
        assert_ok(p->engines[to]->param_write(p->nets[to], i, data, size));
        for (int32_t slot = 0; slot < 2 && !dogb_graph_is_buffer(param); slot++) {
            assert_ok(p->engines[from]->optim_read(p->optims[from], i, slot, data, size));
            assert_ok(p->engines[to]->optim_write(p->optims[to], i, slot, data, size));
        }
        free(data);
    }
    assert_ok(p->engines[to]->optim_set_steps(p->optims[to],
                                              p->engines[from]->optim_steps(p->optims[from])));
}

void test_state_moves_both_ways(void **state) {
    (void)state;
    for (int from = 0; from < 2; from++) {
        pair p = pair_open("tiny", "linear", 24, &pair_train);
        pair_optim(&p, &optimizers[4]);
        for (int64_t step = 0; step < 2; step++) {
            (void)pair_step(&p, from, step);
            assert_ok(p.engines[from]->optim_step(p.optims[from], 0.02));
        }
        move(&p, from, 1 - from);
        assert_params_near(&p, 0); // the same bits
        assert_states_near(&p, 0);
        both_step(&p, 2);
        assert_params_near(&p, 1e-3);
        pair_close(&p);
    }
}

void test_freezing(void **state) {
    (void)state;
    pair p = pair_open("tiny", "mlp:6", 24, &pair_frozen);
    int32_t first = 0;
    int32_t last = p.graph->param_count - 2; // the last layer's weight
    int32_t mean = dogb_graph_find_param(p.graph, "bn1.running_mean");
    for (int i = 0; i < 2; i++) {
        for (int32_t k = 0; k < last; k++) {
            if (!dogb_graph_is_buffer(&p.graph->params[k])) {
                assert_ok(p.engines[i]->param_trainable(p.nets[i], k, 0));
            }
        }
        if (mean >= 0) {
            assert_int_equal(p.engines[i]->param_trainable(p.nets[i], mean, 1),
                             DOGBREED_ERROR_INVALID_ARGUMENT);
        }
    }
    pair_optim(&p, &optimizers[1]);
    float *before = read_param(&p, 0, first);
    both_step(&p, 0);
    both_step(&p, 1);
    float *after = read_param(&p, 0, first);
    size_t count = (size_t)p.graph->params[first].count;
    assert_memory_equal(before, after, count * sizeof *before);
    assert_int_equal(tested->grad_read(p.nets[0], first, after, count * sizeof *after),
                     DOGBREED_ERROR_STATE);
    assert_params_near(&p, 1e-5);
    free(before);
    free(after);
    pair_close(&p);
}

// --- wrong calls: each row makes one on a net in the state that its name says.

typedef int (*wrong_call)(const pair *p, int which);

static float small[4];

static dogb_target target_of(const pair *p) {
    dogb_target target = {.labels = p->labels, .count = PAIR_BATCH};
    return target;
}

static int early_backward(const pair *p, int which) {
    return p->engines[which]->backward(p->nets[which]);
}

static int early_loss(const pair *p, int which) {
    dogb_target target = target_of(p);
    dogb_loss loss;
    return p->engines[which]->loss(p->nets[which], &target, &loss);
}

static int early_output(const pair *p, int which) {
    return p->engines[which]->output_read(p->nets[which], small, sizeof small);
}

static int early_grad(const pair *p, int which) {
    float *values = floats_of((size_t)p->graph->params[0].count);
    int rc = p->engines[which]->grad_read(p->nets[which], 0, values,
                                          (size_t)p->graph->params[0].count * sizeof *values);
    free(values);
    return rc;
}

static int empty_batch(const pair *p, int which) {
    dogb_batch batch = {p->input, 0, DOGB_DATA_F32};
    return p->engines[which]->forward(p->nets[which], &batch, DOGB_MODE_TRAIN, 0, 0);
}

static int unknown_data(const pair *p, int which) {
    dogb_batch batch = {p->input, 1, 7};
    return p->engines[which]->forward(p->nets[which], &batch, DOGB_MODE_TRAIN, 0, 0);
}

static int param_below(const pair *p, int which) {
    return p->engines[which]->param_read(p->nets[which], -1, small, sizeof small);
}

static int param_above(const pair *p, int which) {
    return p->engines[which]->param_write(p->nets[which], p->graph->param_count, small,
                                          sizeof small);
}

static int param_size(const pair *p, int which) {
    return p->engines[which]->param_read(p->nets[which], 0, small, sizeof small);
}

static int unwatched(const pair *p, int which) {
    dogbreed_tensor tensor = {.struct_size = sizeof tensor};
    return p->engines[which]->tensor_describe(p->nets[which], DOGBREED_TENSOR_WEIGHT, 0, &tensor);
}

static int unknown_kind(const pair *p, int which) {
    dogbreed_tensor_stats stats = {.struct_size = sizeof stats};
    return p->engines[which]->tensor_stats(p->nets[which], 9, 0, &stats);
}

static int unknown_optimizer(const pair *p, int which) {
    dogb_optim_conf conf = {.kind = 44};
    dogb_optim *optim = NULL;
    int rc = p->engines[which]->optim_create(&optim, p->nets[which], &conf);
    assert_null(optim);
    return rc;
}

static int negative_steps(const pair *p, int which) {
    return p->engines[which]->optim_set_steps(p->optims[which], -1);
}

static int unknown_slot(const pair *p, int which) {
    return p->engines[which]->optim_read(p->optims[which], 0, 5, small, sizeof small);
}

static int state_size(const pair *p, int which) {
    return p->engines[which]->optim_write(p->optims[which], 0, 0, small, sizeof small);
}

static int forward_then(const pair *p, int which, int32_t mode) {
    dogb_batch batch = {p->input, PAIR_BATCH, DOGB_DATA_F32};
    return p->engines[which]->forward(p->nets[which], &batch, mode, 0, 0);
}

static int label_outside(const pair *p, int which) {
    int32_t labels[PAIR_BATCH] = {0, 0, PAIR_CLASSES, 0};
    dogb_target target = {.labels = labels, .count = PAIR_BATCH};
    dogb_loss loss;
    assert_int_equal(forward_then(p, which, DOGB_MODE_TRAIN), 0);
    return p->engines[which]->loss(p->nets[which], &target, &loss);
}

static int few_labels(const pair *p, int which) {
    dogb_target target = target_of(p);
    dogb_loss loss;
    target.count = 1;
    assert_int_equal(forward_then(p, which, DOGB_MODE_TRAIN), 0);
    return p->engines[which]->loss(p->nets[which], &target, &loss);
}

static int backward_of_evaluation(const pair *p, int which) {
    dogb_target target = target_of(p);
    dogb_loss loss;
    assert_int_equal(forward_then(p, which, DOGB_MODE_EVAL), 0);
    assert_int_equal(p->engines[which]->loss(p->nets[which], &target, &loss), 0);
    return p->engines[which]->backward(p->nets[which]);
}

static int backward_twice(const pair *p, int which) {
    pair copy = *p;
    (void)pair_step(&copy, which, 0);
    return p->engines[which]->backward(p->nets[which]);
}

void test_wrong_calls_fail_alike(void **state) {
    (void)state;
    static const struct {
        const char *name;
        wrong_call call;
        int code;
    } rows[] = {
        {"backward before forward", early_backward, DOGBREED_ERROR_STATE},
        {"loss before forward", early_loss, DOGBREED_ERROR_STATE},
        {"output before forward", early_output, DOGBREED_ERROR_STATE},
        {"gradient before backward", early_grad, DOGBREED_ERROR_STATE},
        {"empty batch", empty_batch, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"unknown data type", unknown_data, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"parameter -1", param_below, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"parameter behind the last", param_above, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"wrong size", param_size, DOGBREED_ERROR_MISMATCH},
        {"view that is not watched", unwatched, DOGBREED_ERROR_NOT_FOUND},
        {"unknown kind of view", unknown_kind, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"unknown optimiser", unknown_optimizer, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"negative steps", negative_steps, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"unknown slot", unknown_slot, DOGBREED_ERROR_NOT_FOUND},
        {"wrong size of state", state_size, DOGBREED_ERROR_MISMATCH},
        {"label out of range", label_outside, DOGBREED_ERROR_INVALID_ARGUMENT},
        {"too few labels", few_labels, DOGBREED_ERROR_MISMATCH},
        {"backward of an evaluation", backward_of_evaluation, DOGBREED_ERROR_STATE},
        {"backward twice", backward_twice, DOGBREED_ERROR_STATE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pair p = pair_open("tiny", "linear", 24, &pair_frozen);
        pair_optim(&p, &optimizers[3]);
        for (int which = 0; which < 2; which++) {
            int rc = rows[i].call(&p, which);
            if (rc != rows[i].code) {
                fail_msg("%s: engine %s returns %s, expected %s", rows[i].name,
                         p.engines[which]->name, dogbreed_error_name(rc),
                         dogbreed_error_name(rows[i].code));
            }
            const char *line = p.engines[which]->error();
            assert_true(line != NULL && line[0] != '\0' && strchr(line, '\n') == NULL);
        }
        // The net still works.
        both_step(&p, 1);
        pair_close(&p);
    }
}

// --- views

static void compare_view(const pair *p, int32_t what, int32_t index) {
    dogbreed_tensor tensors[2];
    dogbreed_tensor_stats stats[2];
    float *values[2];
    size_t count = 1;
    memset(tensors, 0, sizeof tensors);
    memset(stats, 0, sizeof stats);
    for (int i = 0; i < 2; i++) {
        const dogb_engine *engine = p->engines[i];
        assert_ok(engine->tensor_describe(p->nets[i], what, index, &tensors[i]));
        count = 1;
        for (int32_t k = 0; k < tensors[i].rank; k++) {
            count *= (size_t)tensors[i].shape[k];
        }
        values[i] = floats_of(count);
        assert_ok(engine->tensor_read(p->nets[i], what, index, values[i], count));
        assert_ok(engine->tensor_stats(p->nets[i], what, index, &stats[i]));
        assert_int_equal(engine->tensor_read(p->nets[i], what, index, values[i], count + 1),
                         DOGBREED_ERROR_MISMATCH);
    }
    assert_string_equal(tensors[0].name, tensors[1].name);
    assert_int_equal(tensors[0].rank, tensors[1].rank);
    assert_memory_equal(tensors[0].shape, tensors[1].shape, sizeof tensors[0].shape);
    assert_int_equal(tensors[0].what, what);
    assert_near(tensors[0].name, values[0], values[1], count, 1e-4);
    double scale = 1e-4 * (1 + fmax(fabs(stats[1].minimum), fabs(stats[1].maximum)));
    assert_true(fabs(stats[0].minimum - stats[1].minimum) <= scale);
    assert_true(fabs(stats[0].maximum - stats[1].maximum) <= scale);
    assert_true(fabs(stats[0].mean - stats[1].mean) <= scale);
    assert_true(fabs(stats[0].deviation - stats[1].deviation) <= scale);
    assert_true(fabs(stats[0].norm - stats[1].norm) <= scale * sqrt((double)count));
    assert_true(fabs(stats[0].zero_share - stats[1].zero_share) < 0.02);
    assert_int_equal(stats[0].nan_count, 0);
    assert_int_equal(stats[0].infinity_count, 0);
    free(values[0]);
    free(values[1]);
}

void test_views_equal_ref(void **state) {
    (void)state;
    pair p = pair_open("tiny", "mlp:6:0.3", 24, &pair_frozen);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p.engines[i]->tensor_count(p.nets[i], DOGBREED_TENSOR_WEIGHT), 0);
        assert_ok(p.engines[i]->watch(p.nets[i], 7));
        (void)pair_step(&p, i, 2);
    }
    for (int32_t what = 0; what < 3; what++) {
        int32_t count = p.engines[1]->tensor_count(p.nets[1], what);
        assert_true(count > 0);
        assert_int_equal(p.engines[0]->tensor_count(p.nets[0], what), count);
        for (int32_t index = 0; index < count; index++) {
            compare_view(&p, what, index);
        }
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(p.engines[i]->watch(p.nets[i], 0));
        assert_int_equal(p.engines[i]->tensor_count(p.nets[i], DOGBREED_TENSOR_ACTIVATION), 0);
    }
    pair_close(&p);
}

// --- devices

void test_devices_and_memory(void **state) {
    (void)state;
    dogb_device device;
    int64_t used = -1;
    int64_t peak = -1;
    assert_true(tested->device_count() >= 1);
    assert_ok(tested->device_info(&device, 0));
    assert_string_equal(device.id, "cpu");
    assert_true(device.name[0] != '\0');
    assert_true(tested->device_info(&device, tested->device_count()) < 0);
    assert_true(tested->device_info(&device, -1) < 0);
    assert_ok(tested->memory(tested_device, &used, &peak));
    assert_true(used >= 0 && peak >= 0);
    assert_true(tested->memory("cuda:99", &used, &peak) < 0);
    assert_non_null(tested->version());
    assert_non_null(tested->name);
    dogb_net_conf conf = {.device = "cpu", .threads = 1};
    pair p = pair_open("tiny", "linear", 24, &conf);
    assert_ok(tested->synchronize(p.nets[0]));
    pair_close(&p);
}
