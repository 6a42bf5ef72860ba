// conformance.c - runs the conformance tests on the engine named by the first argument (second: the
// device, default cpu; third: the instruction set). Exit code 77, a visible skip, when the engine
// is not installed.
#include "conformance/conformance.h"

#include "arch/arch.h"
#include "engine/native_sets.h"

#include <math.h>

const dogb_engine *tested;
const char *tested_device = "cpu";

const dogb_net_conf pair_train = {.device = "cpu",
                                  .mode = DOGB_NET_TRAIN,
                                  .threads = 1,
                                  .deterministic = 1,
                                  .batch_norm = DOGB_BN_TRAIN};
const dogb_net_conf pair_frozen = {
    .device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1, .deterministic = 1};

float *floats_of(size_t count) {
    float *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    return values;
}

pair pair_open(const char *architecture, const char *head, int32_t side,
               const dogb_net_conf *conf) {
    pair p = {.engines = {tested, dogb_engine_ref()}};
    const dogb_arch *arch = NULL;
    dogb_arch_options options = {head, PAIR_CLASSES, side};
    assert_ok(dogb_arch_find(&arch, architecture));
    assert_ok(dogb_arch_build(&p.graph, arch, &options));
    if (conf->mode == DOGB_NET_TRAIN && (tested->capabilities() & DOGB_CAN_TRAIN) == 0) {
        dogb_graph *whole = p.graph;
        assert_ok(dogb_graph_slice(&p.graph, whole, whole->feature, whole->output));
        dogb_graph_destroy(whole);
    }
    p.weights = nets_weights(p.graph, 21);
    p.input = nets_input(p.graph, PAIR_BATCH, 22);
    p.labels = calloc(PAIR_BATCH, sizeof *p.labels);
    assert_non_null(p.labels);
    for (int32_t i = 0; i < PAIR_BATCH; i++) {
        p.labels[i] = (i * 3 + 1) % PAIR_CLASSES;
    }
    for (int i = 0; i < 2; i++) {
        dogb_net_conf own = *conf;
        own.device = i == 0 ? tested_device : "cpu";
        own.dtype = i == 0 ? conf->dtype : DOGB_DTYPE_F32;
        own.batch_max = PAIR_BATCH;
        assert_ok(dogb_engine_net(&p.nets[i], p.engines[i], p.graph, (const void *const *)p.weights,
                                  &own));
    }
    return p;
}

void pair_optim(pair *p, const dogb_optim_conf *conf) {
    for (int i = 0; i < 2; i++) {
        assert_ok(dogb_engine_result(
            p->engines[i], p->engines[i]->optim_create(&p->optims[i], p->nets[i], conf), "optim"));
    }
}

void pair_close(pair *p) {
    for (int i = 0; i < 2; i++) {
        if (p->optims[i] != NULL) {
            p->engines[i]->optim_destroy(p->optims[i]);
        }
        p->engines[i]->net_destroy(p->nets[i]);
    }
    free(p->labels);
    free(p->input);
    nets_free(p->graph, p->weights);
    dogb_graph_destroy(p->graph);
}

dogb_loss pair_step(pair *p, int which, int64_t step) {
    const dogb_engine *engine = p->engines[which];
    dogb_batch batch = {p->input, PAIR_BATCH, DOGB_DATA_F32};
    dogb_target target = {.labels = p->labels, .count = PAIR_BATCH, .label_smoothing = 0.1};
    dogb_loss loss = {0, 0, 0};
    assert_ok(dogb_engine_result(
        engine, engine->forward(p->nets[which], &batch, DOGB_MODE_TRAIN, 5, step), "forward"));
    assert_ok(dogb_engine_result(engine, engine->loss(p->nets[which], &target, &loss), "loss"));
    assert_ok(dogb_engine_result(engine, engine->backward(p->nets[which]), "backward"));
    return loss;
}

void assert_near(const char *what, const float *found, const float *expected, size_t count,
                 double tolerance) {
    double largest = 0;
    double worst = 0;
    size_t place = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)found[i] - (double)expected[i]);
        largest = fmax(largest, fabs((double)expected[i]));
        if (!(difference <= worst)) { // also when it is not a number
            worst = difference;
            place = i;
        }
    }
    if (!(worst <= tolerance * (1 + largest))) {
        fail_msg("%s[%zu]: %.9g, ref has %.9g (largest value %g)", what, place,
                 (double)found[place], (double)expected[place], largest);
    }
}

void assert_outputs_near(const pair *p, double tolerance) {
    size_t count = PAIR_BATCH * PAIR_CLASSES;
    float *outputs[2];
    for (int i = 0; i < 2; i++) {
        outputs[i] = floats_of(count);
        assert_ok(p->engines[i]->output_read(p->nets[i], outputs[i], count * sizeof(float)));
    }
    assert_near("output", outputs[0], outputs[1], count, tolerance);
    free(outputs[0]);
    free(outputs[1]);
}

float *read_param(const pair *p, int which, int32_t param) {
    const dogb_param *at = &p->graph->params[param];
    float *values = floats_of((size_t)at->count);
    if (at->role == DOGB_ROLE_COUNTER) {
        int64_t counter = -1;
        assert_ok(p->engines[which]->param_read(p->nets[which], param, &counter, sizeof counter));
        values[0] = (float)counter;
    } else {
        assert_ok(p->engines[which]->param_read(p->nets[which], param, values,
                                                (size_t)at->count * sizeof *values));
    }
    return values;
}

void assert_params_near(const pair *p, double tolerance) {
    for (int32_t i = 0; i < p->graph->param_count; i++) {
        float *found = read_param(p, 0, i);
        float *expected = read_param(p, 1, i);
        assert_near(p->graph->params[i].name, found, expected, (size_t)p->graph->params[i].count,
                    tolerance);
        free(found);
        free(expected);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_values),
        cmocka_unit_test(test_networks_infer_like_ref),
        cmocka_unit_test(test_networks_train_like_ref),
        cmocka_unit_test(test_frozen_norm_trains_like_ref),
        cmocka_unit_test(test_bytes_equal_floats),
        cmocka_unit_test(test_infer_runs_in_many_threads),
        cmocka_unit_test(test_batches_do_not_mix),
        cmocka_unit_test(test_same_run_same_bits),
        cmocka_unit_test(test_loss_options),
        cmocka_unit_test(test_optimizers_step_like_ref),
        cmocka_unit_test(test_state_moves_both_ways),
        cmocka_unit_test(test_freezing),
        cmocka_unit_test(test_wrong_calls_fail_alike),
        cmocka_unit_test(test_views_equal_ref),
        cmocka_unit_test(test_devices_and_memory),
        cmocka_unit_test(test_optional_groups_are_whole),
        cmocka_unit_test(test_heads_train_like_nets),
        cmocka_unit_test(test_bf16_is_offered_or_refused),
        cmocka_unit_test(test_bf16_infers_near_f32),
        cmocka_unit_test(test_bf16_trains_near_f32),
        cmocka_unit_test(test_mobilenet_v2_on_photos),
        cmocka_unit_test(test_squeezenet1_1_on_photos),
    };
    const char *name = argc > 1 ? argv[1] : "ref";
    tested_device = argc > 2 ? argv[2] : "cpu";
    if (argc > 3) {
        assert_int_equal(setenv("DOGBREED_CPU", argv[3], 1), 0);
    }
    int rc = dogb_engine_open(&tested, name, DOGB_CAN_INFER, tested_device);
    if (rc < 0) {
        (void)printf("1..0 # SKIP %s\n", dogbreed_error_message());
        // A plug-in that is there and does not open is a failure, not a skip.
        return rc == DOGBREED_ERROR_NOT_FOUND || rc == DOGBREED_ERROR_DEVICE ? 77 : 1;
    }
    if (argc > 3 && is_other_set(tested, argv[3])) {
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
