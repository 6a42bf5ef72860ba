// engine.c - which engine, which device; argument checks in front of every net. The table of
// engines is the only mutable state, under one lock.
#include "engine/engine_internal.h"
#include "engine/layer.h"

#include "core/error.h"
#include "core/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// One row per engine, in the order of preference. Engines that are not here can still be named when
// their plug-in is found.
typedef struct row {
    const char *name;
    const dogb_engine *(*built_in)(void); // NULL: a plug-in
    int32_t
        fork_safe; // works in a child forked after it was used: no threads, no runtime of its own
    int32_t opened;
    const dogb_engine *engine;
    dogb_engine table; // of a plug-in
} row;

enum { KNOWN = 3, OTHERS = 6, NAME_MAX_BYTES = 31 };
enum { CACHED_BYTES_MIN = 1 << 20 }; // of weights: smaller ones are packed faster than found
static row rows[KNOWN + OTHERS] = {
    {.name = "native", .built_in = dogb_engine_native, .fork_safe = 1},
    {.name = "torch"},
    {.name = "ref", .built_in = dogb_engine_ref, .fork_safe = 1},
};
static char other_names[OTHERS][NAME_MAX_BYTES + 1];
static int32_t row_count = KNOWN; // guarded by `lock`, as rows are
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// --- fork

static int unsafe_used;  // an engine that does not survive fork was opened; written under `lock`
static int forked_after; // this process is a child of one where it was

static void before_fork(void) {
    (void)pthread_mutex_lock(&lock);
}

static void after_fork_parent(void) {
    (void)pthread_mutex_unlock(&lock);
}

static void after_fork_child(void) {
    forked_after = unsafe_used;
    (void)pthread_mutex_unlock(&lock);
}

static void watch_forks(void) {
    (void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

static int check_fork(const char *name, int fork_safe) {
    if (forked_after && !fork_safe) {
        return dogb_fail(DOGBREED_ERROR_STATE,
                         "engine %s: this process was forked after its parent had used an engine; "
                         "fork first, or start a new program",
                         name);
    }
    return DOGBREED_OK;
}

// --- opening; all of this under `lock`

static void forward_log(int32_t level, const char *line, void *userdata) {
    (void)userdata;
    dogb_log(level, "%s", line);
}

static int valid_name(const char *name) {
    size_t length = strlen(name);
    return length > 0 && length <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static int find_row(row **out, const char *name) {
    for (int32_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *out = &rows[i];
            return DOGBREED_OK;
        }
    }
    if (!valid_name(name) || row_count == KNOWN + OTHERS) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "engine: %s is unknown, expected auto, %s or %s",
                         name, rows[0].name, rows[1].name);
    }
    char *copy = other_names[row_count - KNOWN];
    memcpy(copy, name, strlen(name) + 1);
    *out = &rows[row_count];
    **out = (row){.name = copy};
    return DOGBREED_OK; // counted when it opens
}

static int load_row(row *r) {
    dogb_arena arena = {0};
    char *path = NULL;
    int rc = DOGBREED_OK;
    if (r->built_in != NULL) {
        r->engine = r->built_in();
    } else if ((rc = dogb_plugin_find(&path, &arena, r->name)) == DOGBREED_OK &&
               (rc = dogb_plugin_open(&r->table, path, r->name)) == DOGBREED_OK) {
        r->engine = &r->table;
    }
    dogb_arena_free(&arena);
    return rc;
}

static int open_row(row *r) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int rc = check_fork(r->name, r->fork_safe);
    if (rc < 0 || r->opened) {
        return rc;
    }
    (void)pthread_once(&once, watch_forks);
    if (r->engine == NULL && (rc = load_row(r)) < 0) {
        return rc;
    }
    unsafe_used |= !r->fork_safe;
    rc = r->engine->open(forward_log, NULL);
    if (rc < 0) {
        char what[64];
        (void)snprintf(what, sizeof what, "engine %s", r->name);
        return dogb_engine_result(r->engine, rc, what);
    }
    if (r->engine->listen != NULL) {
        r->engine->listen(&dogb_engine_spans);
    }
    r->opened = 1;
    if (r == &rows[row_count]) {
        row_count++;
    }
    return DOGBREED_OK;
}

// --- devices

static int has_device(const dogb_engine *engine, const char *id) {
    dogb_device device;
    for (int32_t i = 0; i < engine->device_count(); i++) {
        if (engine->device_info(&device, i) == DOGBREED_OK && strcmp(device.id, id) == 0) {
            return 1;
        }
    }
    return 0;
}

// The id that a user's text means; NULL: not a device's name. "auto" prefers the first GPU.
static const char *device_id(char buffer[16], const dogb_engine *engine, const char *device) {
    unsigned number = 0;
    char rest = 0;
    if (strcmp(device, "auto") == 0) {
        return has_device(engine, "cuda:0") ? "cuda:0" : "cpu";
    }
    if (strcmp(device, "cpu") == 0) {
        return "cpu";
    }
    if (strcmp(device, "cuda") == 0) {
        return "cuda:0";
    }
    if (strncmp(device, "cuda:", 5) != 0 || device[5] < '0' || device[5] > '9' ||
        sscanf(device, "cuda:%3u%c", &number, &rest) != 1) {
        return NULL;
    }
    (void)snprintf(buffer, 16, "cuda:%u", number);
    return buffer;
}

static int check_device(const char **id, char buffer[16], const dogb_engine *engine,
                        const char *device) {
    *id = device_id(buffer, engine, device);
    DOGB_CHECK(*id != NULL, "device: %s, expected auto, cpu, cuda or cuda:<number>", device);
    if (!has_device(engine, *id)) {
        return dogb_fail(DOGBREED_ERROR_DEVICE,
                         "device: %s is not here; engine %s has %d device(s), the first is cpu",
                         device, engine->name, engine->device_count());
    }
    return DOGBREED_OK;
}

int dogb_engine_device(const char **out, dogb_arena *arena, const dogb_engine *engine,
                       const char *device) {
    char buffer[16];
    const char *id = NULL;
    *out = NULL;
    int rc = check_device(&id, buffer, engine, device);
    if (rc == DOGBREED_OK) {
        *out = dogb_strdup(arena, id);
        rc = *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    return rc;
}

// --- choosing

static int check_capabilities(const row *r, uint32_t wanted, const char *device) {
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{DOGB_CAN_INFER, "inference"},
                 {DOGB_CAN_TRAIN, "training"},
                 {DOGB_CAN_TRAIN_HEAD, "training of heads"},
                 {DOGB_CAN_HEADS, "banks of heads"},
                 {DOGB_CAN_BF16, "bf16 on this machine"},
                 {DOGB_CAN_TRAIN_BF16, "training in bf16 on this machine"},
                 {DOGB_CAN_CUDA, "CUDA on this machine"},
                 {DOGB_CAN_INT8, "int8"}};
    char buffer[16];
    const char *id = NULL;
    uint32_t has = r->engine->capabilities();
    if ((wanted & DOGB_CAN_TRAIN) != 0 &&
        (has & (DOGB_CAN_TRAIN | DOGB_CAN_TRAIN_HEAD)) == DOGB_CAN_TRAIN_HEAD) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "engine %s: " DOGB_TRAINS_HEADS_ONLY, r->name);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((wanted & names[i].bit) != 0 && (has & names[i].bit) == 0) {
            return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "engine %s: does not offer %s", r->name,
                             names[i].name);
        }
    }
    return device == NULL ? DOGBREED_OK : check_device(&id, buffer, r->engine, device);
}

static int try_row(const dogb_engine **out, row *r, uint32_t capabilities, const char *device) {
    int rc = open_row(r);
    if (rc == DOGBREED_OK) {
        rc = check_capabilities(r, capabilities, device);
    }
    *out = rc == DOGBREED_OK ? r->engine : NULL;
    return rc;
}

// A driver of NVIDIA's is on this machine: "auto" looks for a GPU before it takes the CPU, which
// costs opening the plug-in.
static int choose_gpu(const dogb_engine **out, uint32_t capabilities, const char *device) {
    int open = device != NULL && strcmp(device, "auto") == 0 && access("/dev/nvidiactl", F_OK) == 0;
    for (int32_t i = 0; open && i < KNOWN; i++) {
        if (rows[i].built_in == NULL &&
            try_row(out, &rows[i], capabilities | DOGB_CAN_CUDA, device) == DOGBREED_OK) {
            return DOGBREED_OK;
        }
    }
    return DOGBREED_ERROR_NOT_FOUND;
}

// Whole networks of any size need the plug-in; the reference engine does small ones.
static void warn_slow(const dogb_engine *engine, uint32_t capabilities) {
    const row *r = &rows[KNOWN - 1];
    if (engine == r->engine && (capabilities & DOGB_CAN_TRAIN) != 0) {
        dogb_log(DOGBREED_LOG_WARNING,
                 "engine %s trains this network: right, but slow for anything larger than tiny; "
                 "engine torch is fast (" DOGB_GET_TORCH ")",
                 r->name);
    }
}

static int choose(const dogb_engine **out, uint32_t capabilities, const char *device) {
    char reasons[700] = "";
    size_t used = 0;
    int rc = choose_gpu(out, capabilities, device);
    if (rc == DOGBREED_OK) {
        return rc;
    }
    for (int32_t i = 0; i < KNOWN; i++) {
        rc = try_row(out, &rows[i], capabilities, device);
        if (rc == DOGBREED_OK) {
            return rc;
        }
        // An engine that is installed but does not start deserves a word; an absent one, or one
        // that does not offer what is asked for, is normal.
        int broken = !rows[i].opened && rc != DOGBREED_ERROR_NOT_FOUND;
        dogb_log(broken ? DOGBREED_LOG_WARNING : DOGBREED_LOG_DEBUG, "%s",
                 dogbreed_error_message());
        int added = snprintf(reasons + used, sizeof reasons - used, "%s%s", used == 0 ? "" : "; ",
                             dogbreed_error_message());
        used += added < 0 ? 0 : (size_t)added;
        used = used < sizeof reasons ? used : sizeof reasons - 1;
    }
    // The last one, always there, says best what is wrong with the request itself.
    return rc == DOGBREED_ERROR_INVALID_ARGUMENT || rc == DOGBREED_ERROR_NO_MEMORY
               ? rc
               : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "no engine for this: %s", reasons);
}

int dogb_engine_open(const dogb_engine **out, const char *name, uint32_t capabilities,
                     const char *device) {
    row *r = NULL;
    *out = NULL;
    DOGB_CHECK(name != NULL, "engine: no name given, expected auto or a name");
    (void)pthread_mutex_lock(&lock);
    int rc;
    if (strcmp(name, "auto") == 0) {
        rc = choose(out, capabilities, device);
        if (rc == DOGBREED_OK) {
            warn_slow(*out, capabilities);
        }
    } else if ((rc = find_row(&r, name)) == DOGBREED_OK) {
        rc = try_row(out, r, capabilities, device);
    }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

int dogb_engine_auto(const dogb_engine **out, uint32_t capabilities, const char *device) {
    *out = NULL;
    (void)pthread_mutex_lock(&lock);
    int rc = choose(out, capabilities, device);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

// --- calling

const char *dogb_engine_dtype(int32_t dtype) {
    static const char *const names[] = {"f32", "bf16", "int8"};
    return names[dtype];
}

int dogb_engine_result(const dogb_engine *engine, int rc, const char *what) {
    char line[900];
    if (rc >= 0) {
        return rc;
    }
    // Copied first: a built-in engine's line is this thread's own message.
    (void)snprintf(line, sizeof line, "%s", engine->error());
    return dogb_fail(rc, "%s: %s", what, line[0] == '\0' ? dogbreed_error_name(rc) : line);
}

// What the net needs and the engine has not; NULL: nothing.
static const char *lacking(const dogb_engine *engine, const dogb_net_conf *conf) {
    uint32_t has = engine->capabilities();
    int train = conf->mode == DOGB_NET_TRAIN;
    // Which nets an engine for heads trains, it says itself.
    uint32_t either = train ? DOGB_CAN_TRAIN | DOGB_CAN_TRAIN_HEAD : DOGB_CAN_INFER;
    if (conf->dtype == DOGB_DTYPE_BF16 &&
        (has & (train ? DOGB_CAN_TRAIN_BF16 : DOGB_CAN_BF16)) == 0) {
        return train ? "training in bf16 on this machine" : "bf16 on this machine";
    }
    if (conf->dtype == DOGB_DTYPE_INT8 && (train || (has & DOGB_CAN_INT8) == 0)) {
        return train ? "training in int8" : "int8";
    }
    if (conf->mode == DOGB_NET_OBSERVE && engine->observe == NULL) {
        return "views of values inside a network";
    }
    if ((has & either) == 0) {
        return train ? "training" : "inference";
    }
    return NULL;
}

static int check_net(const dogb_engine *engine, const dogb_graph *graph, const void *const *weights,
                     const dogb_net_conf *conf) {
    DOGB_CHECK(graph->status == DOGBREED_OK && graph->output > 0, "net: the graph is not finished");
    DOGB_CHECK(conf->mode >= DOGB_NET_INFER && conf->mode <= DOGB_NET_OBSERVE,
               "net: mode %d is not known", conf->mode);
    DOGB_CHECK(conf->threads >= 1, "threads: %d, expected 1 or more", conf->threads);
    DOGB_CHECK(conf->dtype >= DOGB_DTYPE_F32 && conf->dtype <= DOGB_DTYPE_INT8,
               "dtype: %d, expected f32, bf16 or int8", conf->dtype);
    DOGB_CHECK(conf->dtype != DOGB_DTYPE_INT8 || dogb_graph_quantised(graph),
               "dtype: int8 needs a quantised network");
    DOGB_CHECK(conf->batch_norm == DOGB_BN_FROZEN || conf->batch_norm == DOGB_BN_TRAIN,
               "batch_norm: %d, expected frozen or train", conf->batch_norm);
    DOGB_CHECK(conf->device != NULL && strcmp(conf->device, "auto") != 0,
               "device: expected cpu or cuda:<number>");
    for (int32_t i = 0; i < graph->param_count; i++) {
        DOGB_CHECK(weights[i] != NULL, "net: no data for parameter %s", graph->params[i].name);
    }
    const char *lacks = lacking(engine, conf);
    return lacks == NULL ? DOGBREED_OK
                         : dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "engine %s: does not offer %s",
                                     engine->name, lacks);
}

static int fork_safe(const dogb_engine *engine) {
    for (int32_t i = 0; i < row_count; i++) {
        if (rows[i].engine == engine) {
            return rows[i].fork_safe;
        }
    }
    return 0;
}

static int create_net(dogb_net **out, const dogb_engine *engine, const dogb_graph *graph,
                      const void *const *weights, const dogb_net_conf *conf) {
    char what[64];
    (void)snprintf(what, sizeof what, "engine %s", engine->name);
    (void)pthread_mutex_lock(&lock);
    int rc = check_fork(engine->name, fork_safe(engine));
    if (rc == DOGBREED_OK) {
        rc = engine->net_create(out, graph, weights, conf);
        rc = dogb_engine_result(engine, rc, what);
    }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static int is_cached(const dogb_engine *engine, const dogb_graph *graph,
                     const dogb_net_conf *conf) {
    return (engine->capabilities() & DOGB_CAN_CACHE) != 0 && conf->mode == DOGB_NET_INFER &&
           conf->dtype == DOGB_DTYPE_F32 && conf->cache_dir != NULL && *conf->cache_dir != '\0' &&
           dogb_engine_weight_bytes(graph) >= CACHED_BYTES_MIN;
}

// What an earlier start has packed. Any failure: it is packed again.
static int take_cached(dogb_net **out, const dogb_engine *engine, const dogb_graph *graph,
                       const dogb_net_conf *conf) {
    dogb_graph *folded = NULL;
    int rc = dogb_graph_fold(&folded, NULL, graph, NULL);
    if (rc == DOGBREED_OK) {
        rc = create_net(out, engine, folded, NULL, conf);
        dogb_graph_destroy(folded);
    }
    if (rc < 0) {
        dogb_log(DOGBREED_LOG_DEBUG, "packed weights: %s", dogbreed_error_message());
        *out = NULL;
    }
    return rc;
}

int dogb_engine_net(dogb_net **out, const dogb_engine *engine, const dogb_graph *graph,
                    const void *const *weights, const dogb_net_conf *conf) {
    dogb_graph *folded = NULL;
    dogb_net_conf own = *conf;
    dogb_sha256 key;
    *out = NULL;
    own.cache_key = NULL;
    int rc = check_net(engine, graph, weights, conf);
    if (rc == DOGBREED_OK && is_cached(engine, graph, conf) &&
        (conf->cache_key != NULL ||
         (rc = dogb_engine_key(&key, graph, weights, conf->threads)) == DOGBREED_OK)) {
        own.cache_key = conf->cache_key != NULL ? conf->cache_key : &key;
        if (take_cached(out, engine, graph, &own) == DOGBREED_OK) {
            return DOGBREED_OK;
        }
    }
    if (rc == DOGBREED_OK && conf->mode != DOGB_NET_TRAIN) {
        rc = dogb_graph_fold(&folded, &weights, graph, weights);
    }
    if (rc < 0) {
        return rc;
    }
    rc = create_net(out, engine, folded == NULL ? graph : folded, weights, &own);
    dogb_graph_destroy(folded);
    if (rc < 0) {
        *out = NULL;
    }
    return rc;
}

int dogb_engine_heads(dogb_heads **out, const dogb_engine *engine, const dogb_heads_conf *conf) {
    char what[64];
    *out = NULL;
    if ((engine->capabilities() & DOGB_CAN_HEADS) == 0) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "engine %s: does not offer banks of heads",
                         engine->name);
    }
    (void)snprintf(what, sizeof what, "engine %s", engine->name);
    (void)pthread_mutex_lock(&lock);
    int rc = check_fork(engine->name, fork_safe(engine));
    if (rc == DOGBREED_OK) {
        rc = dogb_engine_result(engine, engine->heads_create(out, conf), what);
    }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

// --- for info and doctor

static int list_row(json_t *array, row *r, int open) {
    dogb_arena arena = {0};
    char *path = NULL;
    int rc;
    if (open || r->opened) {
        rc = open_row(r);
    } else {
        rc = r->built_in != NULL ? DOGBREED_OK : dogb_plugin_find(&path, &arena, r->name);
    }
    const char *version = r->opened ? r->engine->version() : "";
    json_t *object = json_object();
    int failed =
        object == NULL || dogb_json_set_text(object, "name", r->name) < 0 ||
        dogb_json_set_bool(object, "available", rc == DOGBREED_OK) < 0 ||
        dogb_json_set_text(object, "version", version) < 0 ||
        dogb_json_set_text(object, "reason", rc == DOGBREED_OK ? "" : dogbreed_error_message()) < 0;
    if (failed) {
        json_decref(object);
        object = NULL; // reported by dogb_json_add
    }
    dogb_arena_free(&arena);
    return dogb_json_add(array, object);
}

int dogb_engine_list(json_t *array, int open) {
    int rc = DOGBREED_OK;
    (void)pthread_mutex_lock(&lock);
    for (int32_t i = 0; rc == DOGBREED_OK && i < row_count; i++) {
        rc = list_row(array, &rows[i], open);
    }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}
