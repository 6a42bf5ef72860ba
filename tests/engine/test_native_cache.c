// test_native_cache.c - packed weights in the cache: a second start takes them and has the same
// bits; what is damaged, foreign or out of reach is packed again.
#include "engine/native_net.h"
#include "scratch.h"

#include "engine/native/native.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, OUTPUTS = 100 };

typedef struct subject {
    dogb_graph *graph;
    void **weights;
    float *input;
    float expected[OUTPUTS];
} subject;

static dogb_net *open_net(const subject *s, const char *folder) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = "cpu", .threads = 2, .cache_dir = folder};
    assert_ok(dogb_engine_net(&net, dogb_engine_native(), s->graph, (const void *const *)s->weights,
                              &conf));
    return net;
}

static void compute(const subject *s, dogb_net *net, float *out) {
    dogb_batch batch = {s->input, 1, DOGB_DATA_F32};
    assert_ok(dogb_engine_native()->infer(net, &batch, out));
}

// Every kind of packed weights: a norm that stays, a picture's convolution, groups, a block, a
// head.
static subject open_subject(void) {
    subject s = {0};
    dogb_conv first = {.out = 33, .kernel = 3, .padding = 1};
    dogb_conv groups = {.out = 66, .kernel = 3, .padding = 1, .groups = 3, .bias = 1};
    dogb_conv depth = {.out = 66, .kernel = 3, .padding = 1, .groups = 66, .bias = 1};
    dogb_conv project = {.out = 65, .kernel = 1};
    assert_ok(dogb_graph_create(&s.graph, "test"));
    int32_t at = dogb_graph_input(s.graph, 3, 8, 8);
    at = dogb_graph_batch_norm(s.graph, at, "norm", 1e-5, 0.1, DOGB_INIT_ONE);
    at = dogb_graph_conv(s.graph, at, "first", &first);
    at = dogb_graph_batch_norm(s.graph, at, "folded", 1e-5, 0.1, DOGB_INIT_ONE);
    at = dogb_graph_conv(s.graph, dogb_graph_relu(s.graph, at, "relu"), "groups", &groups);
    at = dogb_graph_conv(s.graph, dogb_graph_relu(s.graph, at, "relu2"), "depth", &depth);
    at = dogb_graph_conv(s.graph, at, "project", &project);
    at = dogb_graph_flatten(s.graph, at, "flatten");
    at = dogb_graph_linear(s.graph, at, "head", OUTPUTS, 0, 0, 0);
    assert_ok(dogb_graph_finish(s.graph, at));
    s.weights = nets_weights(s.graph, 3);
    s.input = nets_input(s.graph, 1, 4);
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
    dogb_net *net = open_net(&s, NULL);
    compute(&s, net, s.expected);
    dogb_engine_native()->net_destroy(net);
    return s;
}

static void close_subject(subject *s) {
    free(s->input);
    nets_free(s->graph, s->weights);
    dogb_graph_destroy(s->graph);
}

// Whether the weights came from a file; the outputs are the same either way.
static int check_start(const subject *s, const char *folder) {
    float found[OUTPUTS];
    dogb_net *net = open_net(s, folder);
    int mapped = net->packing.mapped != NULL;
    compute(s, net, found);
    assert_memory_equal(found, s->expected, sizeof found);
    dogb_engine_native()->net_destroy(net);
    return mapped;
}

// The folder's files; the path of the last one.
static int count_files(const char *folder, char path[1024]) {
    int count = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        if (e->d_name[0] != '.') {
            (void)snprintf(path, 1024, "%s/%s", folder, e->d_name);
            count++;
        }
    }
    (void)closedir(directory);
    return count;
}

static const char *make_folder(const char *name) {
    const char *folder = scratch(name);
    assert_ok(dogb_directory_make(folder));
    return folder;
}

static void test_second_start_packs_nothing(void **state) {
    (void)state;
    char path[1024];
    subject s = open_subject();
    const char *folder = make_folder("second");
    assert_false(check_start(&s, folder));
    assert_int_equal(count_files(folder, path), 1);
    assert_true(check_start(&s, folder));
    assert_int_equal(count_files(folder, path), 1);
    // One weight of the folded kind, one instruction set: other files.
    ((float *)s.weights[dogb_graph_find_param(s.graph, "folded.running_var")])[7] *= 2.0f;
    dogb_net *net = open_net(&s, folder);
    assert_null(net->packing.mapped);
    compute(&s, net, s.expected);
    dogb_engine_native()->net_destroy(net);
    assert_true(check_start(&s, folder));
    assert_int_equal(count_files(folder, path), 2);
    if (strcmp(dogb_engine_native()->version(), "c") != 0) {
        assert_int_equal(setenv("DOGBREED_CPU", "c", 1), 0);
        net = open_net(&s, folder);
        assert_null(net->packing.mapped);
        dogb_engine_native()->net_destroy(net);
        assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
        assert_int_equal(count_files(folder, path), 3);
    }
    close_subject(&s);
}

static void damage(const char *path, size_t at, size_t size, size_t cut) {
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t length = 0;
    assert_ok(dogb_file_read(&bytes, &length, &arena, path, SIZE_MAX / 2));
    for (size_t i = at; i < at + size && i < length; i++) {
        ((uint8_t *)bytes)[i] ^= 0x10;
    }
    assert_ok(dogb_file_put(path, bytes, length - cut)); // in place, as a broken disk would
    dogb_arena_free(&arena);
}

static void test_damaged_files_are_replaced(void **state) {
    (void)state;
    char path[1024];
    struct stat info;
    subject s = open_subject();
    const char *folder = make_folder("damaged");
    assert_false(check_start(&s, folder));
    assert_int_equal(count_files(folder, path), 1);
    assert_int_equal(stat(path, &info), 0);
    size_t length = (size_t)info.st_size;
    for (size_t at = 0; at < 128; at += 4 * (size_t)test_part()) { // the header
        damage(path, at, 1, 0);
        assert_false(check_start(&s, folder));
        assert_true(check_start(&s, folder));
    }
    for (size_t i = 0; i < 20; i += (size_t)test_part()) { // the weights
        damage(path, 128 + i * (length - 129) / 19, 1, 0);
        assert_false(check_start(&s, folder));
    }
    const size_t cuts[] = {1, 4, 64, length - 129, length - 128, length - 1, length};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        damage(path, 0, 0, cuts[i]);
        assert_false(check_start(&s, folder));
    }
    assert_true(check_start(&s, folder));
    assert_int_equal(unlink(path), 0);
    assert_ok(dogb_directory_make(path)); // not even a file
    assert_false(check_start(&s, folder));
    close_subject(&s);
}

static void test_no_folder_is_no_failure(void **state) {
    (void)state;
    subject s = open_subject();
    const char *file = scratch("file");
    assert_ok(dogb_file_put(file, "x", 1));
    assert_false(check_start(&s, file));
    assert_false(check_start(&s, scratch("file/inside")));
    assert_false(check_start(&s, scratch("absent")));
    assert_false(check_start(&s, ""));
    close_subject(&s);
}

static void test_folder_is_bounded(void **state) {
    (void)state;
    char path[1024];
    float values[16] = {1};
    dogb_piece piece = {values, 16};
    dogb_packing packing = {.floats = 16, .pieces = &piece, .count = 1};
    dogb_packing found = {0};
    dogb_arena arena = {0};
    const char *folder = make_folder("bounded");
    enum { SIZE = 128 + 64, BOUND = 3 * SIZE + 1 };
    dogb_sha256 keys[5] = {0};
    assert_ok(dogb_file_put(scratch("bounded/other"), "x", 1)); // not ours
    for (uint8_t i = 0; i < 5; i++) {
        keys[i].bytes[0] = i;
        assert_ok(dogb_packfile_write(&packing, folder, &keys[i], "set", BOUND));
        assert_ok(dogb_packfile_open(&found, &arena, folder, &keys[0], "set")); // used most
        assert_int_equal(found.floats, 16);
        assert_memory_equal(found.mapped, values, sizeof values);
        assert_int_equal(nanosleep(&(struct timespec){0, 20000000}, NULL), 0);
    }
    assert_int_equal(count_files(folder, path), 4);
    for (int i = 0; i < 5; i++) {
        int rc = dogb_packfile_open(&found, &arena, folder, &keys[i], "set");
        assert_int_equal(rc, i == 1 || i == 2 ? DOGBREED_ERROR_NOT_FOUND : DOGBREED_OK);
    }
    assert_ok(dogb_packfile_write(&packing, folder, &keys[1], "set", SIZE - 1)); // too large
    assert_int_equal(count_files(folder, path), 4);
    dogb_arena_free(&arena);
}

static void test_processes_at_once(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    test_skip("ThreadSanitizer forbids threads after fork");
#endif
    char path[1024];
    subject s = open_subject();
    const char *folder = make_folder("processes");
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            for (int k = 0; k < 5; k++) {
                float found[OUTPUTS];
                dogb_net *net = open_net(&s, folder);
                compute(&s, net, found);
                if (memcmp(found, s.expected, sizeof found) != 0) {
                    _exit(1);
                }
                dogb_engine_native()->net_destroy(net);
                if (i == 0 && count_files(folder, path) > 0) {
                    (void)unlink(path); // under the others
                }
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    (void)check_start(&s, folder);
    assert_true(check_start(&s, folder));
    assert_int_equal(count_files(folder, path), 1);
    close_subject(&s);
}

static int begin(void **state) {
    return native_sets(state) < 0 ? -1 : scratch_make(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_start_packs_nothing),
        cmocka_unit_test(test_damaged_files_are_replaced),
        cmocka_unit_test(test_no_folder_is_no_failure),
        cmocka_unit_test(test_folder_is_bounded),
        cmocka_unit_test(test_processes_at_once),
    };
    return cmocka_run_group_tests(tests, begin, scratch_remove);
}
