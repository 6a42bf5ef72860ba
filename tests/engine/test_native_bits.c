// test_native_bits.c - the native engine gives the same bits for any batch size, place in the
// batch, number of threads and concurrent callers; it survives allocations that fail. The argument
// bf16 checks that number format.
#include "engine/native_net.h"

#include "arch/arch.h"
#include "engine/native/native.h"
#include "out_of_memory.h"

#include <pthread.h>

enum { IMAGES = 33, IMAGES_SHORT = 8, THREADS_MAX = 4, CALLERS = 4, CALLS = 6 };

typedef struct subject {
    dogb_graph *graph;
    void **weights;
    float *input;    // [count]
    float *expected; // of each image alone, with one thread
    size_t image;    // floats
    size_t size;     // of one output
    int32_t count;   // images
} subject;

static int infer(dogb_net *net, const float *input, int32_t count, float *out) {
    dogb_batch batch = {input, count, DOGB_DATA_F32};
    return dogb_engine_native()->infer(net, &batch, out);
}

// architecture WINOGRAD: three convolutions of 3 x 3 by tiles of both sizes, one with an addition.
static const char WINOGRAD[] = "winograd";

static dogb_graph *winograd_graph(int32_t side) {
    dogb_graph *graph = NULL;
    dogb_conv first = {.out = 48, .kernel = 3, .padding = 1, .bias = 1};
    dogb_conv second = {.out = 48, .kernel = 3, .padding = 1};
    dogb_conv third = {.out = 32, .kernel = 3, .padding = 2, .bias = 1};
    assert_ok(dogb_graph_create(&graph, WINOGRAD));
    int32_t from = dogb_graph_input(graph, 32, side, side - 3);
    from = dogb_graph_relu(graph, dogb_graph_conv(graph, from, "first", &first), "relu");
    int32_t to = dogb_graph_conv(graph, from, "second", &second);
    from = dogb_graph_relu6(graph, dogb_graph_add(graph, to, from, "add"), "relu6");
    from = dogb_graph_max_pool(graph, from, "pool", 2, 2, 0, 0);
    assert_ok(dogb_graph_finish(graph, dogb_graph_conv(graph, from, "third", &third)));
    return graph;
}

static dogb_graph *subject_graph(const char *architecture, const char *head, int32_t side) {
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    dogb_arch_options options = {head, 11, side};
    if (architecture == WINOGRAD) {
        return winograd_graph(side);
    }
    assert_ok(dogb_arch_find(&arch, architecture));
    assert_ok(dogb_arch_build(&graph, arch, &options));
    return graph;
}

static subject open_subject(const char *architecture, const char *head, int32_t side,
                            const char *set) {
    subject s = {.graph = subject_graph(architecture, head, side)};
    const int64_t *shape = s.graph->nodes[0].shape;
    s.weights = nets_weights(s.graph, 3);
    s.count = test_part() == 1 ? IMAGES : IMAGES_SHORT;
    s.input = nets_input(s.graph, s.count, 4);
    s.image = (size_t)(shape[0] * shape[1] * shape[2]);
    s.size = output_size(s.graph);
    s.expected = calloc((size_t)s.count * s.size, sizeof *s.expected);
    assert_non_null(s.expected);
    dogb_net *net = native_net(s.graph, s.weights, set, 1);
    for (size_t i = 0; i < (size_t)s.count; i++) {
        assert_ok(infer(net, s.input + i * s.image, 1, s.expected + i * s.size));
    }
    dogb_engine_native()->net_destroy(net);
    return s;
}

static void close_subject(subject *s) {
    free(s->expected);
    free(s->input);
    nets_free(s->graph, s->weights);
    dogb_graph_destroy(s->graph);
}

static void check_batch(const subject *s, dogb_net *net, int32_t first, int32_t count,
                        const char *what) {
    float *found = calloc((size_t)count * s->size, sizeof *found);
    assert_non_null(found);
    assert_ok(infer(net, s->input + (size_t)first * s->image, count, found));
    for (size_t i = 0; i < (size_t)count * s->size; i++) {
        const float *expected = s->expected + (size_t)first * s->size;
        if (memcmp(&found[i], &expected[i], sizeof *found) != 0) {
            fail_msg("%s: images %d to %d, value %zu: %.9g, alone it is %.9g", what, (int)first,
                     (int)(first + count - 1), i, (double)found[i], (double)expected[i]);
        }
    }
    free(found);
}

// Batches of 1, 1 + step ... to `last` images.
static void check_subject(const char *architecture, const char *head, int32_t side, int32_t last,
                          int32_t step) {
    for (int set = 0; set < instruction_set_count; set++) {
        subject s = open_subject(architecture, head, side, instruction_sets[set]);
        for (int32_t threads = 1; threads <= THREADS_MAX; threads++) {
            char what[96];
            dogb_net *net = native_net(s.graph, s.weights, instruction_sets[set], threads);
            (void)snprintf(what, sizeof what, "%s, %s, %d threads", architecture,
                           instruction_sets[set], (int)threads);
            for (int32_t count = 1; count <= last && count <= s.count; count += step) {
                if (!test_turn()) {
                    continue;
                }
                check_batch(&s, net, s.count - count, count, what); // another place each time
                if (step == 1) {
                    check_batch(&s, net, 0, count, what);
                }
            }
            dogb_engine_native()->net_destroy(net);
        }
        close_subject(&s);
    }
}

static void test_tiny_at_every_batch(void **state) {
    (void)state;
    check_subject("tiny", "linear", 16, IMAGES, 1);
    check_subject("tiny", "mlp:19:0.5", 19, IMAGES, 1);
}

static void check_network(const char *architecture, int32_t side) {
    if (!test_has_network(architecture)) {
        test_skip("%s takes long: DOGBREED_TEST_SHORT leaves it out", architecture);
    }
    check_subject(architecture, "linear", side, IMAGES, 8);
}

static void test_mobilenet_v2(void **state) {
    (void)state;
    check_network("mobilenet_v2", 33);
}

// Both sizes of tiles are there, on every instruction set.
static void test_winograd(void **state) {
    (void)state;
    for (int set = 0; set < instruction_set_count; set++) {
        dogb_graph *graph = subject_graph(WINOGRAD, "", 27);
        void **weights = nets_weights(graph, 3);
        dogb_net *net = native_net(graph, weights, instruction_sets[set], 1);
        const int f32 = net_dtype == DOGB_DTYPE_F32; // others compute them in the plain way
        assert_int_equal(net->steps[0].winograd, f32 ? 6 : 0);
        if (f32) {
            assert_int_equal(net->steps[1].winograd, 6);
            assert_true(net->steps[1].residual >= 0);
            assert_int_equal(net->steps[3].winograd, 4);
        }
        dogb_engine_native()->net_destroy(net);
        nets_free(graph, weights);
        dogb_graph_destroy(graph);
    }
    check_subject(WINOGRAD, "", 27, 9, 1);
}

// Under ThreadSanitizer two networks show what there is to see; four take minutes.
#if !defined(__SANITIZE_THREAD__)
static void test_resnet18(void **state) {
    (void)state;
    check_network("resnet18", 32);
}

static void test_squeezenet1_1(void **state) {
    (void)state;
    check_network("squeezenet1_1", 35);
}
#endif

// --- many callers

typedef struct caller {
    const subject *s;
    dogb_net *net;
    int32_t count;
    int rc;
    int wrong;
} caller;

static void *call(void *userdata) {
    caller *c = userdata;
    float *out = calloc((size_t)c->count * c->s->size, sizeof *out);
    for (int i = 0; i < CALLS && out != NULL && c->rc == 0; i++) {
        c->rc = infer(c->net, c->s->input, c->count, out);
        c->wrong += memcmp(out, c->s->expected, (size_t)c->count * c->s->size * sizeof *out) != 0;
    }
    free(out);
    return NULL;
}

static void test_concurrent_calls(void **state) {
    (void)state;
    const int32_t counts[CALLERS] = {1, 7, 1, 4};
    subject s = open_subject(test_network("mobilenet_v2"), "linear", 33, best_set);
    dogb_net *net = native_net(s.graph, s.weights, best_set, 3);
    dogb_net *other = native_net(s.graph, s.weights, best_set, 2);
    caller callers[CALLERS] = {{0}};
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller){.s = &s, .net = i == 3 ? other : net, .count = counts[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].rc, 0);
        assert_int_equal(callers[i].wrong, 0);
    }
    dogb_engine_native()->net_destroy(net);
    dogb_engine_native()->net_destroy(other);
    close_subject(&s);
}

// --- memory

static int whole_life(const subject *s, int32_t count, float *out) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {
        .device = "cpu", .mode = DOGB_NET_INFER, .dtype = net_dtype, .threads = 2};
    int rc = dogb_engine_net(&net, dogb_engine_native(), s->graph, (const void *const *)s->weights,
                             &conf);
    if (rc == DOGBREED_OK) {
        rc = dogb_engine_result(dogb_engine_native(), infer(net, s->input, count, out), "infer");
    }
    dogb_engine_native()->net_destroy(net);
    return rc;
}

static void check_memory(const char *architecture, const char *head, int32_t count) {
    subject s = open_subject(architecture, head, 32, best_set);
    float *out = calloc((size_t)count * s.size, sizeof *out);
    assert_non_null(out);
    int rc = -1;
    int at = 0;
    for (; rc < 0 && at < 3000; at += test_part()) {
        memory_fail_after(at);
        rc = whole_life(&s, count, out);
        (void)memory_restore();
        if (rc < 0) {
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
        }
    }
    assert_int_equal(rc, 0);
    assert_true(at > 30);
    assert_memory_equal(out, s.expected, (size_t)count * s.size * sizeof *out);
    free(out);
    close_subject(&s);
}

static void test_out_of_memory_everywhere(void **state) {
    (void)state;
    check_memory("tiny", "mlp:5:0.5", 1);
    check_memory("tiny", "mlp:5:0.5", 3);
    check_memory(test_network("squeezenet1_1"), "linear", 2);
    check_memory(WINOGRAD, "", 1);
    check_memory(WINOGRAD, "", 2);
}

// A call that fails for want of memory leaves a net that works.
static void test_infer_after_a_failure(void **state) {
    (void)state;
    subject s = open_subject("tiny", "mlp:5:0.5", 16, "c");
    dogb_net *net = native_net(s.graph, s.weights, "c", 3);
    int failures = 0;
    for (int at = 0; at < 20; at++) {
        float *out = calloc(3 * s.size, sizeof *out);
        assert_non_null(out);
        memory_fail_after(at);
        int rc = infer(net, s.input, 3, out);
        (void)memory_restore();
        failures += rc < 0;
        assert_true(rc == DOGBREED_OK || rc == DOGBREED_ERROR_NO_MEMORY);
        assert_ok(infer(net, s.input, 3, out));
        assert_memory_equal(out, s.expected, 3 * s.size * sizeof *out);
        free(out);
    }
    assert_in_range(failures, 1, 19);
    dogb_engine_native()->net_destroy(net);
    close_subject(&s);
}

static void test_wrong_calls(void **state) {
    (void)state;
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1};
    subject s = open_subject("tiny", "linear", 16, "c");
    const void *const *weights = (const void *const *)s.weights;
    float out[11];
    assert_fails(dogb_engine_net(&net, dogb_engine_native(), s.graph, weights, &conf),
                 DOGBREED_ERROR_UNSUPPORTED, "trains heads on features only");
    assert_null(net);
    conf.dtype = DOGB_DTYPE_BF16;
    assert_fails(dogb_engine_net(&net, dogb_engine_native(), s.graph, weights, &conf),
                 DOGBREED_ERROR_UNSUPPORTED, "does not offer training in bf16 on this machine");
    conf.mode = DOGB_NET_OBSERVE;
    assert_fails(dogb_engine_net(&net, dogb_engine_native(), s.graph, weights, &conf),
                 DOGBREED_ERROR_UNSUPPORTED, "dtype bf16: only for inference");
    conf.mode = DOGB_NET_INFER;
    conf.dtype = DOGB_DTYPE_F32;
    conf.device = "cuda:0";
    assert_fails(dogb_engine_net(&net, dogb_engine_native(), s.graph, weights, &conf),
                 DOGBREED_ERROR_DEVICE, "cuda:0");
    net = native_net(s.graph, s.weights, "c", 1);
    dogb_batch batch = {s.input, 0, DOGB_DATA_F32};
    assert_fails(dogb_engine_native()->infer(net, &batch, out), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "batch of 0");
    batch = (dogb_batch){s.input, 1, 7};
    assert_fails(dogb_engine_native()->infer(net, &batch, out), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "data type 7");
    dogb_engine_native()->net_destroy(net);
    dogb_engine_native()->net_destroy(NULL);
    close_subject(&s);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiny_at_every_batch),
        cmocka_unit_test(test_mobilenet_v2),
        cmocka_unit_test(test_winograd),
#if !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_resnet18),
        cmocka_unit_test(test_squeezenet1_1),
#endif
        cmocka_unit_test(test_concurrent_calls),
        cmocka_unit_test(test_out_of_memory_everywhere),
        cmocka_unit_test(test_infer_after_a_failure),
        cmocka_unit_test(test_wrong_calls),
    };
    take_dtype(argc, argv);
    return cmocka_run_group_tests(tests, native_sets, NULL);
}
