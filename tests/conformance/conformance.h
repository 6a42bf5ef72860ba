// conformance.h - what every engine must do, checked against the reference engine: pairs of nets
// with the same network and values, one on each engine.
#ifndef DOGB_TEST_CONFORMANCE_H
#define DOGB_TEST_CONFORMANCE_H

#include "test.h"

#include "graph/nets.h"

enum { PAIR_BATCH = 4, PAIR_CLASSES = 5 };

typedef struct pair {
    dogb_graph *graph;
    void **weights;
    float *input;
    int32_t *labels;
    const dogb_engine *engines[2]; // 0: the engine under test, 1: ref
    dogb_net *nets[2];
    dogb_optim *optims[2];
} pair;

extern const dogb_engine *tested; // opened by main
extern const char *tested_device;

// A network of the table with a head, `side` pixels wide, on both engines; ref is always float32.
// An engine that trains only heads gets the network's head to train.
pair pair_open(const char *architecture, const char *head, int32_t side, const dogb_net_conf *conf);
void pair_optim(pair *p, const dogb_optim_conf *conf);
void pair_close(pair *p);
// A forward in training mode, loss and backward on engine `which`; the loss must succeed.
dogb_loss pair_step(pair *p, int which, int64_t step);

// Largest difference as a share of 1 + the largest expected value must stay below `tolerance`.
void assert_near(const char *what, const float *found, const float *expected, size_t count,
                 double tolerance);
void assert_outputs_near(const pair *p, double tolerance);
void assert_params_near(const pair *p, double tolerance);
float *read_param(const pair *p, int which, int32_t param); // counters as one float; to free
float *floats_of(size_t count);                             // never NULL

extern const dogb_net_conf pair_train; // batch norm in training
extern const dogb_net_conf pair_frozen;

// The tests.
void test_golden_values(void **state);
void test_networks_infer_like_ref(void **state);
void test_networks_train_like_ref(void **state);
void test_frozen_norm_trains_like_ref(void **state);
void test_bytes_equal_floats(void **state);
void test_infer_runs_in_many_threads(void **state);
void test_batches_do_not_mix(void **state);
void test_same_run_same_bits(void **state);
void test_loss_options(void **state);
void test_optimizers_step_like_ref(void **state);
void test_state_moves_both_ways(void **state);
void test_freezing(void **state);
void test_wrong_calls_fail_alike(void **state);
void test_views_equal_ref(void **state);
void test_devices_and_memory(void **state);
void test_optional_groups_are_whole(void **state);
void test_heads_train_like_nets(void **state);
void test_bf16_is_offered_or_refused(void **state);
void test_bf16_infers_near_f32(void **state);
void test_bf16_trains_near_f32(void **state);
void test_mobilenet_v2_on_photos(void **state);
void test_squeezenet1_1_on_photos(void **state);

#endif
