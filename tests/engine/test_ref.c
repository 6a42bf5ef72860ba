// The reference engine beyond its values: order of calls, freezing, views, many threads at once,
// memory that runs out, gradients by finite differences.
#include "test.h"

#include "arch/arch.h"
#include "graph/nets.h"
#include "out_of_memory.h"

#include <math.h>
#include <pthread.h>

enum { BATCH = 4, CLASSES = 3 };

typedef struct setup {
    dogb_graph *graph;
    void **weights;
    float *input;
    dogb_net *net;
    const dogb_engine *engine;
} setup;

static const int32_t labels[BATCH] = {0, 2, 1, 2};
static const dogb_target target = {.labels = labels, .count = BATCH, .label_smoothing = 0.1};

static setup make(const char *name, const char *head, const dogb_net_conf *conf) {
    setup s = {.engine = dogb_engine_ref()};
    const dogb_arch *arch = NULL;
    dogb_arch_options options = {head, CLASSES, 16};
    assert_ok(dogb_arch_find(&arch, name));
    assert_ok(dogb_arch_build(&s.graph, arch, &options));
    s.weights = nets_weights(s.graph, 2);
    s.input = nets_input(s.graph, BATCH, 3);
    assert_ok(dogb_engine_net(&s.net, s.engine, s.graph, (const void *const *)s.weights, conf));
    return s;
}

static void end(setup *s) {
    s->engine->net_destroy(s->net);
    free(s->input);
    nets_free(s->graph, s->weights);
    dogb_graph_destroy(s->graph);
}

static const dogb_net_conf train_conf = {
    .device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1, .batch_norm = DOGB_BN_TRAIN};

static void forward(setup *s, int32_t mode) {
    dogb_batch batch = {s->input, BATCH, DOGB_DATA_F32};
    assert_ok(s->engine->forward(s->net, &batch, mode, 11, 5));
}

static void test_calls_out_of_order(void **state) {
    (void)state;
    setup s = make("tiny", "mlp:5:0.5", &train_conf);
    dogb_loss loss;
    float few[4];
    assert_fails(s.engine->backward(s.net), DOGBREED_ERROR_STATE, "backward");
    assert_fails(s.engine->loss(s.net, &target, &loss), DOGBREED_ERROR_STATE, "forward");
    assert_fails(s.engine->output_read(s.net, few, sizeof few), DOGBREED_ERROR_STATE, "forward");
    forward(&s, DOGB_MODE_TRAIN);
    assert_fails(s.engine->backward(s.net), DOGBREED_ERROR_STATE, "loss");
    assert_fails(s.engine->output_read(s.net, few, sizeof few), DOGBREED_ERROR_MISMATCH, "48");
    float weight[16 * 27];
    assert_fails(s.engine->grad_read(s.net, 0, weight, sizeof weight), DOGBREED_ERROR_STATE,
                 "conv1.weight");
    assert_ok(s.engine->loss(s.net, &target, &loss));
    assert_ok(s.engine->backward(s.net));
    assert_ok(s.engine->grad_read(s.net, 0, weight, sizeof weight));
    assert_fails(s.engine->backward(s.net), DOGBREED_ERROR_STATE, "backward"); // used up
    forward(&s, DOGB_MODE_EVAL);
    assert_ok(s.engine->loss(s.net, &target, &loss));
    assert_fails(s.engine->backward(s.net), DOGBREED_ERROR_STATE, "training mode");
    end(&s);
}

static void test_wrong_arguments(void **state) {
    (void)state;
    setup s = make("tiny", "linear", &train_conf);
    dogb_loss loss;
    float weight[16 * 27];
    dogb_batch batch = {s.input, 0, DOGB_DATA_F32};
    assert_fails(s.engine->forward(s.net, &batch, 0, 0, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "batch");
    batch = (dogb_batch){s.input, 1, 9};
    assert_fails(s.engine->forward(s.net, &batch, 0, 0, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "type");
    forward(&s, DOGB_MODE_TRAIN);
    int32_t wrong[BATCH] = {0, 1, CLASSES, 0};
    dogb_target bad = {.labels = wrong, .count = BATCH};
    assert_fails(s.engine->loss(s.net, &bad, &loss), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "label 3 of sample 2");
    wrong[2] = -1;
    assert_fails(s.engine->loss(s.net, &bad, &loss), DOGBREED_ERROR_INVALID_ARGUMENT, "label -1");
    bad.count = 1;
    assert_fails(s.engine->loss(s.net, &bad, &loss), DOGBREED_ERROR_MISMATCH, "1 labels");
    assert_fails(s.engine->param_read(s.net, -1, weight, 4), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "parameter -1");
    assert_fails(s.engine->param_read(s.net, 0, weight, 4), DOGBREED_ERROR_MISMATCH,
                 "conv1.weight");
    assert_fails(s.engine->param_write(s.net, 999, weight, 4), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "parameter 999");
    int32_t mean = dogb_graph_find_param(s.graph, "bn1.running_mean");
    assert_fails(s.engine->param_trainable(s.net, mean, 1), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "bn1.running_mean");
    assert_ok(s.engine->param_trainable(s.net, mean, 0));
    end(&s);
}

// The derivative of the loss by a weight equals the gradient that backward gives.
static void test_gradients_by_finite_differences(void **state) {
    (void)state;
    setup s = make("tiny", "mlp:5:0.5", &train_conf);
    dogb_loss loss;
    forward(&s, DOGB_MODE_TRAIN);
    assert_ok(s.engine->loss(s.net, &target, &loss));
    assert_ok(s.engine->backward(s.net));
    int32_t checked = 0;
    for (int32_t i = 0; i < s.graph->param_count; i++) {
        const dogb_param *param = &s.graph->params[i];
        size_t size = (size_t)param->count * sizeof(float);
        if (dogb_graph_is_buffer(param)) {
            continue;
        }
        float *values = malloc(size);
        float *gradient = malloc(size);
        assert_non_null(values);
        assert_non_null(gradient);
        assert_ok(s.engine->grad_read(s.net, i, gradient, size));
        for (int64_t k = 0; k < param->count; k += param->count / 3 + 1) {
            double step = 2e-3;
            double sides[2];
            for (int side = 0; side < 2; side++) {
                assert_ok(s.engine->param_read(s.net, i, values, size));
                float kept = values[k];
                values[k] = (float)((double)kept + (side == 0 ? step : -step));
                assert_ok(s.engine->param_write(s.net, i, values, size));
                forward(&s, DOGB_MODE_TRAIN);
                assert_ok(s.engine->loss(s.net, &target, &loss));
                sides[side] = loss.loss;
                values[k] = kept;
                assert_ok(s.engine->param_write(s.net, i, values, size));
            }
            double slope = (sides[0] - sides[1]) / (2 * step);
            if (fabs(slope - (double)gradient[k]) > 0.02 * fmax(0.2, fabs(slope))) {
                fail_msg("%s[%lld]: slope %g, gradient %g", param->name, (long long)k, slope,
                         (double)gradient[k]);
            }
            checked++;
        }
        free(values);
        free(gradient);
    }
    assert_true(checked > 30);
    end(&s);
}

static float *output(setup *s) {
    size_t size = BATCH * CLASSES * sizeof(float);
    float *out = malloc(size);
    assert_non_null(out);
    assert_ok(s->engine->output_read(s->net, out, size));
    return out;
}

static void one_step(setup *s, dogb_optim *optim) {
    dogb_loss loss;
    forward(s, DOGB_MODE_TRAIN);
    assert_ok(s->engine->loss(s->net, &target, &loss));
    assert_ok(s->engine->backward(s->net));
    assert_ok(s->engine->optim_step(optim, 0.05));
}

// One and three threads, and a second run, give the same bits.
static void test_threads_do_not_change_results(void **state) {
    (void)state;
    float *results[3];
    for (int run = 0; run < 3; run++) {
        dogb_net_conf conf = train_conf;
        conf.threads = run == 1 ? 3 : 1;
        setup s = make("resnet18", "linear", &conf);
        dogb_optim *optim = NULL;
        dogb_optim_conf sgd = {.kind = DOGB_OPTIM_SGD, .momentum = 0.9};
        assert_ok(s.engine->optim_create(&optim, s.net, &sgd));
        one_step(&s, optim);
        one_step(&s, optim);
        forward(&s, DOGB_MODE_EVAL);
        results[run] = output(&s);
        s.engine->optim_destroy(optim);
        end(&s);
    }
    assert_memory_equal(results[0], results[1], BATCH * CLASSES * sizeof(float));
    assert_memory_equal(results[0], results[2], BATCH * CLASSES * sizeof(float));
    for (int run = 0; run < 3; run++) {
        free(results[run]);
    }
}

static void test_frozen_parameters_stay(void **state) {
    (void)state;
    setup s = make("tiny", "linear", &train_conf);
    dogb_optim *optim = NULL;
    dogb_optim_conf adamw = {.kind = DOGB_OPTIM_ADAMW,
                             .beta1 = 0.9,
                             .beta2 = 0.999,
                             .epsilon = 1e-8,
                             .weight_decay = 0.1};
    float before[16 * 27];
    float after[16 * 27];
    int32_t fc = dogb_graph_find_param(s.graph, "fc.weight");
    for (int32_t i = 0; i < fc; i++) {
        if (!dogb_graph_is_buffer(&s.graph->params[i])) {
            assert_ok(s.engine->param_trainable(s.net, i, 0));
        }
    }
    assert_ok(s.engine->optim_create(&optim, s.net, &adamw));
    assert_int_equal(s.engine->optim_slots(optim), 2);
    assert_ok(s.engine->param_read(s.net, 0, before, sizeof before));
    one_step(&s, optim);
    assert_ok(s.engine->param_read(s.net, 0, after, sizeof after));
    assert_memory_equal(before, after, sizeof before);
    assert_fails(s.engine->grad_read(s.net, 0, after, sizeof after), DOGBREED_ERROR_STATE,
                 "gradient");
    assert_fails(s.engine->optim_read(optim, 0, 0, after, sizeof after), DOGBREED_ERROR_NOT_FOUND,
                 "conv1.weight");
    float state_of_fc[CLASSES * 32];
    assert_ok(s.engine->optim_read(optim, fc, 0, state_of_fc, sizeof state_of_fc));
    assert_true(state_of_fc[0] != 0.0f);
    s.engine->optim_destroy(optim);
    end(&s);
}

// Optimiser state read and written elsewhere continues as if nothing had happened.
static void test_optimizer_state_moves(void **state) {
    (void)state;
    setup a = make("tiny", "linear", &train_conf);
    setup b = make("tiny", "linear", &train_conf);
    dogb_optim *optims[2] = {NULL, NULL};
    dogb_optim_conf adam = {.kind = DOGB_OPTIM_ADAM, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
    assert_ok(a.engine->optim_create(&optims[0], a.net, &adam));
    assert_ok(b.engine->optim_create(&optims[1], b.net, &adam));
    one_step(&a, optims[0]);
    one_step(&a, optims[0]);
    for (int32_t i = 0; i < a.graph->param_count; i++) {
        const dogb_param *param = &a.graph->params[i];
        size_t size = (size_t)param->count * (param->role == DOGB_ROLE_COUNTER ? 8 : 4);
        void *data = malloc(size);
        assert_non_null(data);
        assert_ok(a.engine->param_read(a.net, i, data, size));
        assert_ok(b.engine->param_write(b.net, i, data, size));
        for (int32_t slot = 0; slot < 2 && !dogb_graph_is_buffer(param); slot++) {
            assert_ok(a.engine->optim_read(optims[0], i, slot, data, size));
            assert_ok(b.engine->optim_write(optims[1], i, slot, data, size));
        }
        free(data);
    }
    assert_ok(b.engine->optim_set_steps(optims[1], a.engine->optim_steps(optims[0])));
    assert_fails(b.engine->optim_set_steps(optims[1], -1), DOGBREED_ERROR_INVALID_ARGUMENT, "-1");
    one_step(&a, optims[0]);
    one_step(&b, optims[1]);
    forward(&a, DOGB_MODE_TRAIN);
    forward(&b, DOGB_MODE_TRAIN);
    float *left = output(&a);
    float *right = output(&b);
    assert_memory_equal(left, right, BATCH * CLASSES * sizeof *left);
    free(left);
    free(right);
    a.engine->optim_destroy(optims[0]);
    b.engine->optim_destroy(optims[1]);
    end(&a);
    end(&b);
}

static void test_views(void **state) {
    (void)state;
    setup s = make("tiny", "linear", &train_conf);
    dogb_loss loss;
    dogbreed_tensor tensor;
    dogbreed_tensor_stats stats;
    forward(&s, DOGB_MODE_TRAIN);
    assert_int_equal(s.engine->tensor_count(s.net, DOGBREED_TENSOR_ACTIVATION), 0);
    assert_ok(s.engine->watch(s.net, 7));
    assert_int_equal(s.engine->tensor_count(s.net, DOGBREED_TENSOR_GRADIENT), 0);
    assert_int_equal(s.engine->tensor_count(s.net, 99), 0);
    forward(&s, DOGB_MODE_TRAIN);
    assert_ok(s.engine->loss(s.net, &target, &loss));
    assert_ok(s.engine->backward(s.net));
    assert_int_equal(s.engine->tensor_count(s.net, DOGBREED_TENSOR_ACTIVATION),
                     s.graph->node_count - 1);
    assert_int_equal(s.engine->tensor_count(s.net, DOGBREED_TENSOR_GRADIENT), 3 + 6 + 2);
    assert_int_equal(s.engine->tensor_count(s.net, DOGBREED_TENSOR_WEIGHT), 3 + 6 + 2);
    assert_ok(s.engine->tensor_describe(s.net, DOGBREED_TENSOR_ACTIVATION, 2, &tensor));
    assert_string_equal(tensor.name, "relu1");
    assert_int_equal(tensor.rank, 4);
    assert_int_equal(tensor.shape[0], BATCH);
    assert_int_equal(tensor.shape[1], 16);
    assert_int_equal(tensor.shape[3], 16);
    size_t count = BATCH * 16 * 16 * 16;
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    assert_ok(s.engine->tensor_read(s.net, DOGBREED_TENSOR_ACTIVATION, 2, values, count));
    assert_ok(s.engine->tensor_stats(s.net, DOGBREED_TENSOR_ACTIVATION, 2, &stats));
    double sum = 0;
    double zeros = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        zeros += values[i] == 0.0f;
    }
    free(values);
    assert_true(fabs(stats.mean - sum / (double)count) < 1e-9);
    assert_true(fabs(stats.zero_share - zeros / (double)count) < 1e-12);
    assert_true(stats.minimum == 0 && stats.maximum > 0 && stats.nan_count == 0);
    assert_fails(s.engine->tensor_read(s.net, 0, 2, NULL, 1), DOGBREED_ERROR_MISMATCH, "relu1");
    assert_fails(s.engine->tensor_describe(s.net, 0, 999, &tensor), DOGBREED_ERROR_NOT_FOUND,
                 "999");
    assert_fails(s.engine->tensor_describe(s.net, 5, 0, &tensor), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "kind 5");
    end(&s);
}

static void test_not_a_number_is_seen(void **state) {
    (void)state;
    setup s = make("tiny", "linear", &train_conf);
    dogb_loss loss;
    dogbreed_tensor_stats stats;
    assert_ok(s.engine->watch(s.net, 1u << DOGBREED_TENSOR_ACTIVATION));
    s.input[5] = NAN;
    forward(&s, DOGB_MODE_EVAL);
    assert_ok(s.engine->loss(s.net, &target, &loss));
    assert_true(isnan(loss.loss));
    assert_true(loss.correct <= BATCH - 1); // sample 0 is never right
    assert_ok(s.engine->tensor_stats(s.net, DOGBREED_TENSOR_ACTIVATION, 2, &stats));
    assert_true(stats.nan_count > 0); // relu passes it on
    end(&s);
}

static void test_bytes_are_normalised(void **state) {
    (void)state;
    dogb_net_conf conf = train_conf;
    setup s = make("tiny", "linear", &conf);
    uint8_t pixels[BATCH * 16 * 16 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(i * 37 % 256);
    }
    for (int n = 0; n < BATCH; n++) {
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < 256; i++) {
                s.input[(n * 3 + c) * 256 + i] =
                    ((float)pixels[(n * 256 + i) * 3 + c] / 255.0f - s.graph->mean[c]) /
                    s.graph->deviation[c];
            }
        }
    }
    forward(&s, DOGB_MODE_EVAL);
    float *expected = output(&s);
    dogb_batch batch = {pixels, BATCH, DOGB_DATA_U8};
    assert_ok(s.engine->forward(s.net, &batch, DOGB_MODE_EVAL, 0, 0));
    float *found = output(&s);
    assert_memory_equal(found, expected, BATCH * CLASSES * sizeof *found);
    free(found);
    free(expected);
    end(&s);
}

// --- infer in many threads

typedef struct caller {
    setup *s;
    float out[BATCH * CLASSES];
    int rc;
} caller;

static void *call_infer(void *userdata) {
    caller *c = userdata;
    dogb_batch batch = {c->s->input, BATCH, DOGB_DATA_F32};
    for (int i = 0; i < 5 && c->rc == 0; i++) {
        c->rc = c->s->engine->infer(c->s->net, &batch, c->out);
    }
    return NULL;
}

static void test_infer_runs_in_many_threads(void **state) {
    (void)state;
    dogb_net_conf conf = {.device = "cpu", .mode = DOGB_NET_INFER, .threads = 2};
    setup s = make("tiny", "mlp:6:0.5", &conf);
    caller callers[4];
    pthread_t threads[4];
    memset(callers, 0, sizeof callers);
    for (int i = 0; i < 4; i++) {
        callers[i].s = &s;
        assert_int_equal(pthread_create(&threads[i], NULL, call_infer, &callers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].rc, 0);
        assert_memory_equal(callers[i].out, callers[0].out, sizeof callers[0].out);
    }
    // One by one gives the same bits as all together.
    for (int n = 0; n < BATCH; n++) {
        float out[CLASSES];
        dogb_batch one = {s.input + n * 3 * 16 * 16, 1, DOGB_DATA_F32};
        assert_ok(s.engine->infer(s.net, &one, out));
        assert_memory_equal(out, callers[0].out + n * CLASSES, sizeof out);
    }
    assert_fails(s.engine->watch(s.net, 1), DOGBREED_ERROR_STATE, "inference");
    assert_fails(s.engine->param_write(s.net, 0, s.input, 4), DOGBREED_ERROR_STATE, "inference");
    end(&s);
}

// --- memory

// A whole step, stopping at the first failure.
static int whole_step(const setup *s) {
    dogb_net *net = NULL;
    dogb_optim *optim = NULL;
    dogb_loss loss;
    dogb_batch batch = {s->input, BATCH, DOGB_DATA_F32};
    dogb_optim_conf adam = {.kind = DOGB_OPTIM_ADAM, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
    float out[BATCH * CLASSES];
    int rc =
        dogb_engine_net(&net, s->engine, s->graph, (const void *const *)s->weights, &train_conf);
    if (rc < 0 || (rc = s->engine->optim_create(&optim, net, &adam)) < 0 ||
        (rc = s->engine->forward(net, &batch, DOGB_MODE_TRAIN, 1, 1)) < 0 ||
        (rc = s->engine->loss(net, &target, &loss)) < 0 || (rc = s->engine->backward(net)) < 0 ||
        (rc = s->engine->optim_step(optim, 0.1)) < 0) {
        goto out;
    }
    rc = s->engine->infer(net, &batch, out);
out:
    s->engine->optim_destroy(optim);
    s->engine->net_destroy(net);
    return rc;
}

static void test_out_of_memory_everywhere(void **state) {
    (void)state;
    setup s = make("tiny", "mlp:4:0.5", &train_conf);
    int rc = -1;
    int at = 0;
    for (; rc < 0 && at < 3000; at++) {
        memory_fail_after(at);
        rc = whole_step(&s);
        (void)memory_restore();
        if (rc < 0) {
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
        }
    }
    assert_int_equal(rc, 0);
    assert_true(at > 100);
    end(&s);
}

static void test_dropout_mask(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    static float mask[COUNT];
    static float other[COUNT];
    double kept = 0;
    dogb_dropout_mask(mask, COUNT, 0.3, 9, 4, 17);
    for (int i = 0; i < COUNT; i++) {
        assert_true(mask[i] == 0.0f || mask[i] == (float)(1 / 0.7));
        kept += mask[i] != 0.0f;
    }
    assert_true(fabs(kept / COUNT - 0.7) < 0.015);
    dogb_dropout_mask(other, 100, 0.3, 9, 4, 17);
    assert_memory_equal(mask, other, 100 * sizeof *mask); // does not depend on the count
    dogb_dropout_mask(other, COUNT, 0.3, 9, 4, 18);
    assert_memory_not_equal(mask, other, sizeof mask);
    dogb_dropout_mask(other, COUNT, 0.3, 9, 5, 17);
    assert_memory_not_equal(mask, other, sizeof mask);
    dogb_dropout_mask(other, COUNT, 0.3, 10, 4, 17);
    assert_memory_not_equal(mask, other, sizeof mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_out_of_order),
        cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_gradients_by_finite_differences),
        cmocka_unit_test(test_threads_do_not_change_results),
        cmocka_unit_test(test_frozen_parameters_stay),
        cmocka_unit_test(test_optimizer_state_moves),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_not_a_number_is_seen),
        cmocka_unit_test(test_bytes_are_normalised),
        cmocka_unit_test(test_infer_runs_in_many_threads),
        cmocka_unit_test(test_out_of_memory_everywhere),
        cmocka_unit_test(test_dropout_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
