// manifest.c - manifest.json: what another person needs to repeat the run, written when it begins
// and completed when it ends. Two equal runs differ only in times, host and process members.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/thread.h"
#include "dataset/dataset_internal.h"
#include "model/model_internal.h"
#include "run/run_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int set_hash(json_t *object, const char *key, const dogb_sha256 *hash) {
    char text[65];
    dogb_sha256_text(hash, text);
    return dogb_json_set_text(object, key, text);
}

// A new member object.
static json_t *group(json_t *root, const char *name) {
    json_t *object = json_object();
    return dogb_json_set(root, name, object) < 0 ? NULL : object;
}

static int add_run(dogb_run *run, json_t *root, int complete) {
    json_t *object = group(root, "run");
    char now[28];
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    dogb_clock_text(now);
    if (rc < 0 || (rc = dogb_json_set_text(object, "id", dogb_path_name(run->directory))) < 0 ||
        (rc = dogb_json_set_text(object, "start", run->start)) < 0 ||
        (rc = dogb_json_set_text(object, "state", dogb_run_state(run))) < 0 ||
        (rc = dogb_run_command_line(object)) < 0 ||
        (rc = dogb_json_set(object, "resumed_from",
                            run->resumed_epoch < 0 ? json_null()
                                                   : json_integer(run->resumed_epoch))) < 0) {
        return rc;
    }
    if (!complete) {
        return DOGBREED_OK;
    }
    if ((rc = dogb_json_set_text(object, "end", now)) < 0 ||
        (rc = dogb_json_set_real(object, "wall_s", dogb_clock() - run->begin)) < 0 ||
        (rc = dogb_json_set_int(object, "exit_code", dogb_run_exit_code(run))) < 0) {
        return rc;
    }
    return dogb_run_usage(object);
}

static int hash_file(json_t *object, dogb_run *run, dogb_arena *arena, const char *name) {
    dogb_map map;
    dogb_sha256 hash;
    const char *path = dogb_run_path(run, arena, name);
    int rc =
        path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_map_open(&map, arena, path, SIZE_MAX / 2);
    if (rc < 0 || (rc = dogb_sha256_of(&hash, map.data, map.size)) < 0 ||
        (rc = dogb_json_set_text(object, "file", name)) < 0 ||
        (rc = dogb_json_set_int(object, "bytes", (int64_t)map.size)) < 0) {
        return rc;
    }
    return set_hash(object, "sha256", &hash);
}

static int add_config(dogb_run *run, json_t *root, dogb_arena *arena) {
    json_t *object = group(root, "config");
    return object == NULL ? DOGBREED_ERROR_NO_MEMORY : hash_file(object, run, arena, "config.json");
}

// All random streams come from the seeds by purpose (docs/trainer.md).
static int add_seeds(dogb_run *run, json_t *root) {
    const dogbreed_trainer_options *options = dogb_trainer_options(run->trainer);
    static const char *const streams[] = {"shuffle", "augment", "dropout", "view"};
    json_t *object = group(root, "seeds");
    char seed[32];
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->seed);
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set_text(object, "master", seed);
    json_t *list = json_array();
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set(object, "derived", list);
    } else {
        json_decref(list);
    }
    for (size_t i = 0; i < sizeof streams / sizeof *streams && rc == DOGBREED_OK; i++) {
        rc = dogb_json_add(list, json_string(streams[i]));
    }
    return rc;
}

// Version, compiler, engines, codec libraries: what build info says.
static int add_library(json_t *root, dogb_arena *arena) {
    char *text = NULL;
    json_t *value = NULL;
    int rc = dogbreed_build_info(&text);
    if (rc == DOGBREED_OK &&
        (rc = dogb_json_parse(&value, arena, text, strlen(text), "build info")) == DOGBREED_OK) {
        rc = dogb_json_set(root, "library", json_incref(value));
    }
    dogbreed_free(text);
    return rc;
}

static int add_engine(dogb_run *run, json_t *root) {
    const dogbreed_trainer_options *options = dogb_trainer_options(run->trainer);
    json_t *object = group(root, "engine");
    json_t *determinism = group(root, "determinism");
    if (object == NULL || determinism == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_trainer_facts(run->trainer, object);
    return rc < 0 ? rc : dogb_json_set_bool(determinism, "deterministic", options->deterministic);
}

static int add_split(json_t *object, const dogbreed_dataset *dataset, int32_t threads) {
    dogb_sha256 hash;
    json_t *split = group(object, dogb_dataset_split_name(dataset));
    int rc = split == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || (rc = dogb_dataset_fingerprint(&hash, dataset, threads)) < 0 ||
        (rc = dogb_json_set_int(split, "files", dogbreed_dataset_size(dataset))) < 0) {
        return rc;
    }
    return set_hash(split, "root", &hash);
}

// Hashing every file may take longer than a short run: only the complete manifest has it.
static int add_dataset(dogb_run *run, json_t *root, int complete) {
    const dogbreed_dataset *train = dogb_trainer_train_set(run->trainer);
    const dogbreed_dataset *valid = dogb_trainer_valid_set(run->trainer);
    json_t *object = group(root, "dataset");
    json_t *classes = json_array();
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set(object, "classes", classes);
    if (object == NULL) {
        json_decref(classes);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < dogbreed_dataset_class_count(train); i++) {
        rc = dogb_json_add(classes, dogb_json_text(dogbreed_dataset_class_name(train, i)));
    }
    if (rc < 0 || (rc = dogb_json_set_text(object, "uri", dogb_dataset_root(train))) < 0 ||
        !complete) {
        return rc;
    }
    int32_t threads = dogb_thread_count(dogb_trainer_options(run->trainer)->loader_threads);
    json_t *fingerprint = group(object, "fingerprint");
    if (fingerprint == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((rc = dogb_json_set_text(fingerprint, "algorithm", "sha256-merkle-1")) == DOGBREED_OK &&
        (rc = add_split(fingerprint, train, threads)) == DOGBREED_OK && valid != NULL) {
        rc = add_split(fingerprint, valid, threads);
    }
    return rc;
}

static int add_model(dogb_run *run, json_t *root) {
    const dogbreed_model *model = dogb_trainer_model(run->trainer);
    const dogb_graph *graph = dogb_model_graph(model);
    json_t *object = group(root, "model");
    int64_t trainable = 0;
    for (int32_t i = 0; i < graph->param_count; i++) {
        trainable += dogb_model_trainable(model, i) ? graph->params[i].count : 0;
    }
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_json_set_text(object, "architecture", graph->architecture);
    if (rc < 0 ||
        (rc = dogb_json_set_int(object, "parameters", dogb_graph_parameter_total(graph))) < 0) {
        return rc;
    }
    return dogb_json_set_int(object, "trainable_parameters", trainable);
}

static int add_outputs(dogb_run *run, json_t *root, dogb_arena *arena) {
    static const char *const names[] = {"metrics.csv", "metrics.jsonl", "model.safetensors",
                                        "checkpoint/last/checkpoint.json"};
    json_t *list = json_array();
    int rc = dogb_json_set(root, "outputs", list);
    for (size_t i = 0; i < sizeof names / sizeof *names && rc == DOGBREED_OK; i++) {
        const char *path = dogb_run_path(run, arena, names[i]);
        if (path == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        if (dogb_file_exists(path)) {
            json_t *object = json_object();
            if ((rc = dogb_json_add(list, object)) == DOGBREED_OK) {
                rc = hash_file(object, run, arena, names[i]);
            }
        }
    }
    return rc;
}

int dogb_run_manifest(dogb_run *run, int complete) {
    dogb_arena scratch = {0};
    json_t *root = dogb_json_document(&scratch, "manifest", 1);
    const char *path = dogb_run_path(run, &scratch, "manifest.json");
    json_t *host = root == NULL ? NULL : group(root, "host");
    json_t *git = root == NULL ? NULL : group(root, "git");
    int rc = path == NULL || host == NULL || git == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || (rc = add_run(run, root, complete)) < 0 ||
        (rc = add_config(run, root, &scratch)) < 0 || (rc = add_seeds(run, root)) < 0 ||
        (rc = add_library(root, &scratch)) < 0 || (rc = dogb_run_host(host)) < 0 ||
        (rc = dogb_run_git(git)) < 0 || (rc = add_engine(run, root)) < 0 ||
        (rc = add_dataset(run, root, complete)) < 0 || (rc = add_model(run, root)) < 0 ||
        (complete && (rc = add_outputs(run, root, &scratch)) < 0)) {
        goto out;
    }
    rc = dogb_json_write(path, root);
out:
    dogb_arena_free(&scratch);
    return rc;
}
