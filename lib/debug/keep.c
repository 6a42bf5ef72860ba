// keep.c - what the collections ask for goes into the store, a step at a time. A step that cannot
// be written ends the storing, never the training.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "debug/debug_internal.h"

#include <dogbreed/record.h>
#include <string.h>

void dogb_debug_give_up(dogbreed_debug *debug) {
    if (!debug->failed) {
        dogb_log(DOGBREED_LOG_WARNING,
                 "debugger: %s; no more tensors are stored, the training goes on",
                 dogbreed_error_message());
    }
    debug->failed = 1;
    debug->recording = 0;
    (void)dogb_keeper_close(debug->keeper, 0);
    debug->keeper = NULL;
}

static int write_collections(dogbreed_debug *debug, dogb_record_writer *writer) {
    dogb_arena scratch = {0};
    size_t count = debug->collections.count;
    dogb_record_collection *all = dogb_alloc(&scratch, count, sizeof *all);
    const char **names =
        dogb_alloc(&scratch, count * (size_t)(debug->subjects.count + 1), sizeof *names);
    int rc = all == NULL || names == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    size_t kept = 0;
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        const dogb_collection *one = debug->collections.items[i];
        dogb_record_collection *out = &all[kept];
        out->name = one->name;
        out->include_regex = one->include;
        out->names = names;
        out->reductions = one->reductions;
        out->save_raw = one->raw || *one->reductions == '\0';
        out->save_shape = one->shape;
        out->save_histogram = one->histogram;
        for (int32_t mode = 0; mode < DOGB_MODES; mode++) {
            out->save[mode] = one->save[mode];
        }
        for (int32_t k = 0; k < debug->subjects.count; k++) {
            if (debug->subjects.items[k].in[i]) {
                names[out->name_count++] = debug->subjects.items[k].tensor.name;
            }
        }
        names += out->name_count;
        kept++;
    }
    rc = rc < 0 ? rc : dogb_record_writer_collections(writer, all, kept);
    dogb_arena_free(&scratch);
    return rc;
}

// What was asked for and will not be: a network without such layers, the state of the optimiser.
static void say_what_is_empty(const dogbreed_debug *debug) {
    for (size_t i = 0; i < debug->collections.count; i++) {
        const dogb_collection *one = debug->collections.items[i];
        if (one->stored && one->groups == 0) {
            dogb_log(DOGBREED_LOG_WARNING, "collection %s: no tensor of this training is in it",
                     one->name);
        }
    }
}

static int open_writer(dogb_record_writer **out, dogbreed_debug *debug,
                       const dogb_record_conf *conf) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, debug->trainer);
    int64_t step = status.step + debug->evaluations * debug->eval_steps;
    int rc = dogb_record_writer_open(out, conf);
    rc = rc < 0 ? rc : dogb_record_writer_resume(*out, step);
    return rc < 0 ? rc : write_collections(debug, *out);
}

int dogb_debug_store(dogbreed_debug *debug) {
    const dogb_record_conf confs[DOGB_KEEPER_WRITERS] = {
        {.directory = debug->directory, .crc = debug->options.record_crc},
        {.memory = debug->memory}};
    dogb_record_writer *writers[DOGB_KEEPER_WRITERS] = {NULL, NULL};
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < DOGB_KEEPER_WRITERS; i++) {
        int wanted = confs[i].directory != NULL || confs[i].memory != NULL;
        rc = wanted ? open_writer(&writers[i], debug, &confs[i]) : rc;
    }
    if (rc < 0) {
        for (int i = 0; i < DOGB_KEEPER_WRITERS; i++) {
            dogb_record_writer_close(writers[i]);
        }
        return rc;
    }
    say_what_is_empty(debug);
    return dogb_keeper_open(&debug->keeper, writers);
}

static int open_step(dogbreed_debug *debug) {
    if (debug->recording) {
        return DOGBREED_OK;
    }
    const dogb_rule_moment *m = &debug->moment;
    debug->recording = 1;
    return dogb_keeper_begin(debug->keeper, m->mode, m->mode_step, m->step, dogb_clock_wall());
}

// What all collections that are due want of a tensor together.
typedef struct want {
    int32_t raw;
    int32_t shape;
    int32_t board; // TensorBoard
    int32_t reserved;
    char *reductions; // names, each once; NULL: none
} want;

static int has_name(const char *list, const char *name, size_t length) {
    while (list != NULL && *list != '\0') {
        size_t size = strcspn(list, ",");
        if (size == length && memcmp(list, name, length) == 0) {
            return 1;
        }
        list += size + (list[size] == ',');
    }
    return 0;
}

static int add_names(dogbreed_debug *debug, want *w, const char *list) {
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        if (!has_name(w->reductions, list, length)) {
            w->reductions = w->reductions == NULL ? dogb_strndup(&debug->scratch, list, length)
                                                  : dogb_format(&debug->scratch, "%s,%.*s",
                                                                w->reductions, (int)length, list);
            if (w->reductions == NULL) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
        }
        list += length + (list[length] == ',');
    }
    return DOGBREED_OK;
}

static int gather(want *w, dogbreed_debug *debug, const dogb_subject *one) {
    int rc = DOGBREED_OK;
    *w = (want){0};
    for (size_t i = 0; rc == DOGBREED_OK && i < debug->collections.count; i++) {
        const dogb_collection *c = debug->collections.items[i];
        if (one->in[i] && debug->due[i] && c->stored) {
            int single = one->tensor.what == DOGBREED_TENSOR_SCALAR;
            w->raw |= c->raw || *c->reductions == '\0' || single;
            w->shape |= c->shape;
            w->board |=
                debug->directory != NULL && (c->histogram || debug->options.debug_tensorboard);
            rc = single ? rc : add_names(debug, w, c->reductions);
        }
    }
    return rc;
}

static int keep(dogbreed_debug *debug, dogb_subject *one) {
    const dogb_rule_tensor *t = &one->tensor;
    const float *values = NULL;
    size_t count = 0;
    want w;
    int rc = gather(&w, debug, one);
    if (rc < 0 || (!w.raw && !w.shape && !w.board && w.reductions == NULL)) {
        return rc;
    }
    rc = open_step(debug);
    if (rc == DOGBREED_OK && (w.raw || w.board || w.reductions != NULL)) {
        rc = dogb_debug_read(&values, &count, t);
    }
    if (rc == DOGBREED_OK && w.raw) {
        rc = dogb_keeper_add(debug->keeper, t->name, t->rank, t->shape, values, count);
    }
    if (rc == DOGBREED_OK && w.shape) {
        rc = dogb_keeper_shape(debug->keeper, t->name, t->rank, t->shape);
    }
    if (rc == DOGBREED_OK && w.board) {
        rc = dogb_debug_show(debug, one, values, count);
    }
    return rc < 0 || w.reductions == NULL
               ? rc
               : dogb_keeper_reduce(debug->keeper, t->name, w.reductions, values, count);
}

void dogb_debug_keep(dogbreed_debug *debug, dogb_subject *one) {
    if (debug->keeper != NULL && keep(debug, one) < 0) {
        dogb_debug_give_up(debug);
    }
}

void dogb_debug_keep_scalars(dogbreed_debug *debug) {
    static const int64_t single = 1;
    int rc = DOGBREED_OK;
    debug->pending = 0;
    for (size_t i = 0; debug->keeper != NULL && rc == DOGBREED_OK && i < debug->scalar_count; i++) {
        dogb_scalar *one = &debug->scalars[i];
        float value = (float)one->value;
        if (one->pending) {
            one->pending = 0;
            rc = open_step(debug);
            rc = rc < 0 ? rc : dogb_keeper_add(debug->keeper, one->name, 1, &single, &value, 1);
        }
    }
    if (rc < 0) {
        dogb_debug_give_up(debug);
    }
}

void dogb_debug_commit(dogbreed_debug *debug) {
    if (debug->keeper != NULL && debug->recording) {
        debug->recording = 0;
        if (dogb_keeper_commit(debug->keeper) < 0) {
            dogb_debug_give_up(debug);
        }
    }
}

void dogb_debug_finish(dogbreed_debug *debug) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, debug->trainer);
    int over = status.end == DOGB_END_COMPLETED || status.end == DOGB_END_EARLY;
    int rc = dogb_keeper_close(debug->keeper, over);
    debug->keeper = NULL;
    if (rc < 0) {
        dogb_debug_give_up(debug);
    }
}
