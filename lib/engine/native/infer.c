// infer.c - a batch through the plan. Pictures are shared out one by one and need no barrier; one
// picture alone has the rows of each step shared out; the linear layers at the end run over the
// whole batch, so that their weights are read once.
#include "engine/native/native.h"

#include "engine/engine_internal.h"

#include "core/error.h"
#include "core/team.h"
#include "engine/layer.h"

#include <stdatomic.h>
#include <string.h>

typedef struct job {
    dogb_net *net;
    const dogb_batch *batch;
    float *out;
    dogb_observe_fn observe; // NULL: nobody looks
    void *userdata;
    int status;          // of observe
    char *features;      // [count][inputs of the tail]: items of its value; NULL: no tail
    char *between;       // results inside the tail, two of [count][widest floats]
    int64_t widest;      // bytes
    dogb_space **spaces; // by member
    atomic_llong next;
} job;

// --- memory

static dogb_space *take_space(dogb_net *net) {
    (void)pthread_mutex_lock(&net->lock);
    dogb_space *space = net->spaces;
    if (space != NULL) {
        net->spaces = space->next;
    }
    (void)pthread_mutex_unlock(&net->lock);
    if (space != NULL) {
        return space;
    }
    dogb_arena arena = {0};
    space = dogb_alloc(&arena, 1, sizeof *space);
    // One more: words of 8-bit elements reach over the end.
    float *values = dogb_alloc_raw(&arena, (size_t)net->value_floats + 1, sizeof *values);
    float *scratch = dogb_alloc_raw(&arena, (size_t)net->scratch_floats + 1, sizeof *scratch);
    if (space == NULL || values == NULL || scratch == NULL) {
        dogb_arena_free(&arena);
        return NULL;
    }
    if (net->int8 != NULL) { // elements behind the channels meet weights of zero, but are read
        memset(values, 0, ((size_t)net->value_floats + 1) * sizeof *values);
        memset(scratch, 0, ((size_t)net->scratch_floats + 1) * sizeof *scratch);
    }
    space->arena = arena;
    space->values = values;
    space->scratch = scratch;
    return space;
}

static void give_spaces(dogb_net *net, dogb_space **spaces, int32_t count) {
    (void)pthread_mutex_lock(&net->lock);
    for (int32_t i = 0; i < count && spaces[i] != NULL; i++) {
        spaces[i]->next = net->spaces;
        net->spaces = spaces[i];
    }
    (void)pthread_mutex_unlock(&net->lock);
}

// --- one picture

static void load_bytes(const dogb_net *net, float *to, const uint8_t *from) {
    const dogb_value *in = &net->values[0];
    for (int64_t x = 0; x < in->width; x++) {
        for (int64_t c = 0; c < 3; c++) {
            to[x * 3 + c] = net->levels[c][from[x * 3 + c]];
        }
    }
}

static void load_floats(const dogb_value *in, float *to, const float *from, int64_t row) {
    int64_t plane = (int64_t)in->width * in->height;
    for (int64_t c = 0; c < in->channels; c++) {
        for (int64_t x = 0; x < in->width; x++) {
            to[x * in->stride + c] = from[c * plane + row * in->width + x];
        }
    }
}

// Elements of one row: bytes through the lookup table (16 or 8 bits an element), floats one by one.
static void load_wide(uint16_t *to, const uint8_t *from, const uint16_t *lookup, int64_t width) {
    for (int64_t x = 0; x < width; x++, to += 3, from += 3) {
        to[0] = lookup[from[0] * 3];
        to[1] = lookup[from[1] * 3 + 1];
        to[2] = lookup[from[2] * 3 + 2];
    }
}

static void load_narrow(uint8_t *to, const uint8_t *from, const uint16_t *lookup, int64_t width) {
    for (int64_t x = 0; x < width; x++, to += 3, from += 3) {
        to[0] = (uint8_t)lookup[from[0] * 3];
        to[1] = (uint8_t)lookup[from[1] * 3 + 1];
        to[2] = (uint8_t)lookup[from[2] * 3 + 2];
    }
}

static void load_floats_as_elements(const dogb_net *net, void *to, const float *from, int64_t row) {
    const dogb_value *in = &net->values[0];
    int64_t plane = (int64_t)in->width * in->height;
    for (int64_t c = 0; c < in->channels; c++) {
        for (int64_t x = 0; x < in->width; x++) {
            dogb_native_put(net, to, x * in->stride + c, from[c * plane + row * in->width + x]);
        }
    }
}

static void load_elements(const job *j, float *values, int64_t image, int64_t row) {
    const dogb_net *net = j->net;
    const dogb_value *in = &net->values[0];
    const dogb_pass pass = {.net = net, .values = values};
    int64_t size = (int64_t)in->channels * in->height * in->width;
    int64_t side = in->border * in->stride;
    char *line = dogb_native_at(&pass, in, row * in->pitch - side);
    int inside = row >= 0 && row < in->height;
    for (int64_t i = 0; i < (inside ? side : in->pitch); i++) {
        dogb_native_put(net, line, i, 0.0f);
        dogb_native_put(net, line, in->pitch - 1 - i, 0.0f);
    }
    void *to = line + side * in->bytes;
    const uint8_t *bytes = (const uint8_t *)j->batch->data + image * size + row * in->width * 3;
    if (!inside) {
        return;
    }
    if (j->batch->dtype != DOGB_DATA_U8) {
        load_floats_as_elements(net, to, (const float *)j->batch->data + image * size, row);
    } else if (net->lookup == NULL) {
        load_bytes(net, to, bytes);
    } else if (in->bytes == 1) {
        load_narrow(to, bytes, net->lookup, in->width);
    } else {
        load_wide(to, bytes, net->lookup, in->width);
    }
}

// Row `row` of the picture, with zeros beside it; rows of the border are zeros.
static void load_row(const job *j, float *values, int64_t image, int64_t row) {
    const dogb_net *net = j->net;
    const dogb_value *in = &net->values[0];
    if (in->elements) {
        load_elements(j, values, image, row);
        return;
    }
    float *to = values + in->offset + row * in->pitch;
    int64_t size = (int64_t)in->channels * in->height * in->width;
    int64_t side = in->border * in->stride;
    if (row < 0 || row >= in->height) {
        memset(to - side, 0, (size_t)in->pitch * sizeof *to);
        return;
    }
    memset(to - side, 0, (size_t)side * sizeof *to);
    memset(to + in->width * in->stride, 0, (size_t)side * sizeof *to);
    if (j->batch->dtype == DOGB_DATA_U8) {
        load_bytes(net, to, (const uint8_t *)j->batch->data + image * size + row * in->width * 3);
    } else {
        load_floats(in, to, (const float *)j->batch->data + image * size, row);
    }
}

static void store(const job *j, float *values, int64_t image) {
    const dogb_net *net = j->net;
    const int tail = net->tail < net->step_count;
    const dogb_value *value = &net->values[tail ? net->steps[net->tail].input : net->graph->output];
    int64_t plane = (int64_t)value->height * value->width;
    if (tail) { // a vector
        const dogb_pass pass = {.net = net, .values = values};
        size_t size = (size_t)value->channels * (size_t)value->bytes;
        memcpy(j->features + image * (int64_t)size, dogb_native_at(&pass, value, 0), size);
        return;
    }
    float *to = j->out + image * value->channels * plane;
    const float *from = values + value->offset;
    for (int64_t i = 0; i < plane; i++) {
        const float *pixel =
            from + i / value->width * value->pitch + i % value->width * value->stride;
        for (int64_t c = 0; c < value->channels; c++) {
            to[c * plane + i] = pixel[c];
        }
    }
}

static void share(int64_t count, int32_t member, int32_t members, int64_t *from, int64_t *to) {
    *from = count * member / members;
    *to = count * (member + 1) / members;
}

// Shows what a step has made.
static void show(job *j, const dogb_step *step, float *values) {
    const dogb_value *value = &j->net->values[step->output];
    const dogb_observed seen = {.node = j->net->graph->nodes[step->output].name,
                                .data = values + value->offset,
                                .count = (int64_t)value->height * value->width,
                                .channels = value->channels,
                                .stride = value->stride};
    if (j->observe != NULL && j->status == DOGBREED_OK) {
        j->status = j->observe(&seen, j->userdata);
    }
}

static void run_image(job *j, float *values, float *scratch, int64_t image, int32_t member,
                      int32_t members) {
    const dogb_net *net = j->net;
    const dogb_value *in = &net->values[0];
    const dogb_pass pass = {.net = net, .values = values};
    int64_t from = 0;
    int64_t to = 0;
    share(in->height + 2 * (int64_t)in->border, member, members, &from, &to);
    for (int64_t row = from; row < to; row++) {
        load_row(j, values, image, row - in->border);
    }
    dogb_team_wait(members);
    for (int32_t s = 0; s < net->tail; s++) {
        const dogb_step *step = &net->steps[s];
        uint64_t span = member == 0 ? dogb_layer_begin(DOGB_SPAN_LAYER_FORWARD) : 0;
        share(step->units, member, members, &from, &to);
        if (from < to) {
            step->run(&pass, step, from, to, scratch);
        }
        dogb_team_wait(members);
        dogb_layer_end(DOGB_SPAN_LAYER_FORWARD, span, &net->graph->nodes[step->output]);
        if (j->observe != NULL) {
            show(j, step, values);
        }
    }
    if (member == 0 && j->observe == NULL) {
        store(j, values, image);
    }
}

static void run_images(int32_t member, int32_t members, void *userdata) {
    job *j = userdata;
    dogb_space *space = j->spaces[member];
    (void)members;
    for (;;) {
        int64_t image = atomic_fetch_add(&j->next, 1);
        if (image >= j->batch->count) {
            return;
        }
        run_image(j, space->values, space->scratch, image, 0, 1);
    }
}

static void run_rows(int32_t member, int32_t members, void *userdata) {
    job *j = userdata;
    run_image(j, j->spaces[0]->values, j->spaces[member]->scratch, 0, member, members);
}

// --- the linear layers at the end

static void run_tail(int32_t member, int32_t members, void *userdata) {
    const job *j = userdata;
    const dogb_net *net = j->net;
    const char *from = j->features;
    for (int32_t s = net->tail; s < net->step_count; s++) {
        const dogb_step *step = &net->steps[s];
        const dogb_packed *packed = &step->packed[0];
        uint64_t span = member == 0 ? dogb_layer_begin(DOGB_SPAN_LAYER_FORWARD) : 0;
        int last = s == net->step_count - 1;
        const int64_t size = net->values[step->input].bytes; // of an input
        const int64_t out_size = net->values[step->output].bytes;
        char *to =
            last ? (char *)j->out : j->between + (s - net->tail) % 2 * j->batch->count * j->widest;
        const void **rows = (const void **)(void *)j->spaces[member]->scratch;
        int64_t first = 0;
        int64_t end = 0;
        share(packed->panels, member, members, &first, &end);
        for (int64_t i = 0; i < j->batch->count; i += step->group) {
            int64_t left = j->batch->count - i;
            dogb_points points = {.rows = rows,
                                  .taps = 1,
                                  .channels = packed->inputs,
                                  .pixels = left < step->group ? left : step->group,
                                  .out = to + i * packed->channels * out_size,
                                  .out_stride = packed->channels,
                                  .panel_from = (int32_t)first,
                                  .panel_to = (int32_t)end};
            for (int64_t k = 0; k < points.pixels; k++) {
                rows[k] = from + (i + k) * packed->inputs * size;
            }
            dogb_native_points(net, packed, 0, &points, step->part[0]->activation);
        }
        from = to;
        dogb_team_wait(members);
        dogb_layer_end(DOGB_SPAN_LAYER_FORWARD, span, &net->graph->nodes[step->output]);
    }
}

static int prepare_tail(job *j, dogb_arena *arena) {
    const dogb_net *net = j->net;
    size_t count = (size_t)j->batch->count;
    if (net->tail == net->step_count) {
        return DOGBREED_OK;
    }
    for (int32_t s = net->tail; s < net->step_count; s++) {
        int64_t width = net->steps[s].packed[0].channels * (int64_t)sizeof(float);
        j->widest = width > j->widest ? width : j->widest;
    }
    size_t inputs = (size_t)net->steps[net->tail].packed[0].inputs;
    j->features = dogb_alloc_raw(arena, count * inputs, sizeof(float));
    j->between = dogb_alloc_raw(arena, 2 * count, (size_t)j->widest);
    return j->features == NULL || j->between == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_native_infer(dogb_net *net, const dogb_batch *batch, float *out, int32_t threads) {
    dogb_arena arena = {0};
    job j = {.net = net, .batch = batch, .out = out};
    int rc = dogb_batch_check(net->graph, batch);
    if (rc < 0) {
        return rc;
    }
    // One picture's rows are shared by all; more pictures need at most a thread each.
    int32_t members = threads < net->threads ? threads : net->threads;
    members = batch->count > 1 && batch->count < members ? batch->count : members;
    atomic_init(&j.next, 0);
    j.spaces = dogb_alloc(&arena, (size_t)members, sizeof(dogb_space *));
    rc = j.spaces == NULL ? DOGBREED_ERROR_NO_MEMORY : prepare_tail(&j, &arena);
    for (int32_t i = 0; rc == DOGBREED_OK && i < members; i++) {
        j.spaces[i] = take_space(net);
        rc = j.spaces[i] == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    if (rc == DOGBREED_OK) {
        dogb_team_run(members, batch->count == 1 ? run_rows : run_images, &j);
    }
    if (rc == DOGBREED_OK && j.features != NULL) {
        dogb_team_run(members, run_tail, &j);
    }
    if (j.spaces != NULL) {
        give_spaces(net, j.spaces, members);
    }
    dogb_arena_free(&arena);
    return rc;
}

int dogb_native_observe(dogb_net *net, const dogb_batch *batch, dogb_observe_fn fn,
                        void *userdata) {
    job j = {.net = net, .batch = batch, .observe = fn, .userdata = userdata};
    int rc = dogb_batch_check(net->graph, batch);
    if (rc < 0) {
        return rc;
    }
    dogb_space *space = take_space(net);
    if (space == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; j.status == DOGBREED_OK && i < batch->count; i++) {
        run_image(&j, space->values, space->scratch, i, 0, 1);
    }
    give_spaces(net, &space, 1);
    return j.status;
}
