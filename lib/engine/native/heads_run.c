// heads_run.c - training and judging a bank: a loop over heads that any number of threads share.
// A head's steps run on one thread, in order, and touch nothing of another head, so neither the
// bank nor the threads change a bit of it.
#include "engine/native/heads.h"

#include "core/team.h"
#include "engine/engine_internal.h"

#include <stdatomic.h>

enum { JUDGED_ROWS = 64 }; // rows of a batch of heads_eval

typedef struct job {
    dogb_heads *heads;
    const dogb_heads_data *data;
    const dogb_heads_work *work; // NULL: judge
    const int32_t *turns;        // [count] items in the order in which threads take them
    dogb_loss *judged;
    int32_t count;
    atomic_int next;
} job;

// --- one step

static void count_hits(int32_t hits[2], const dogb_heads_target *target, const float *logits,
                       const int32_t *labels, int64_t rows) {
    hits[0] = 0;
    hits[1] = 0;
    for (int64_t i = 0; i < rows; i++) {
        int64_t rank = dogb_label_rank(logits + i * target->stride, target->classes, labels[i]);
        hits[0] += rank < 1;
        hits[1] += rank < 5;
    }
}

static double train_step(dogb_heads_space *space, const job *j, const dogb_heads_work *work,
                         int64_t index) {
    const dogb_heads *heads = j->heads;
    dogb_head *head = &heads->heads[work->head];
    int64_t first = index * work->batch;
    int64_t rows = work->samples - first < work->batch ? work->samples - first : work->batch;
    const float *masks[DOGB_HEADS_LAYERS] = {NULL, NULL};
    for (int32_t layer = 0; layer < heads->layers; layer++) {
        masks[layer] = dogb_head_draw(space, heads, head, layer, rows, work->step + index);
    }
    dogb_head_gather(space, heads, j->data, work->order, first, rows, masks[0]);
    float *logits = dogb_head_forward(space, heads, head, rows, masks[1]);
    if (work->hits != NULL) {
        count_hits(work->hits + 2 * index, &head->target, logits, space->labels, rows);
    }
    double loss = dogb_heads_loss(heads->kernel, &head->target, logits, space->labels, rows);
    head->steps++;
    dogb_heads_rule rule = dogb_head_rule(&head->optim, head->steps, work->rates[index]);
    float *delta = logits;
    if (heads->layers == 2) {
        dogb_head_backward(space, heads, head, rows, masks[1], logits);
        dogb_heads_layer_update(&head->layers[1], heads->kernel, &rule, space->packed[1], logits,
                                rows, 1);
        delta = space->delta;
    }
    dogb_heads_layer_update(&head->layers[0], heads->kernel, &rule, space->packed[0], delta, rows,
                            1);
    return loss;
}

static int64_t steps_of(const dogb_heads_work *work) {
    return (work->samples + work->batch - 1) / work->batch;
}

static void train(dogb_heads_space *space, const job *j, int32_t item) {
    const dogb_heads_work *work = &j->work[item];
    for (int64_t i = 0; i < steps_of(work); i++) {
        double loss = train_step(space, j, work, i);
        if (work->losses != NULL) {
            work->losses[i] = loss;
        }
    }
}

static void judge(dogb_heads_space *space, const job *j, int32_t item) {
    const dogb_heads *heads = j->heads;
    const dogb_head *head = &heads->heads[item];
    dogb_loss *out = &j->judged[item];
    double weights = 0;
    int ended = heads->ended[item];
    *out = (dogb_loss){0, 0, 0};
    for (int64_t first = 0; first < j->data->rows && !ended; first += JUDGED_ROWS) {
        int64_t left = j->data->rows - first;
        int64_t rows = left < JUDGED_ROWS ? left : JUDGED_ROWS;
        dogb_head_gather(space, heads, j->data, NULL, first, rows, NULL);
        float *logits = dogb_head_forward(space, heads, head, rows, NULL);
        dogb_heads_judge(heads->kernel, &head->target, logits, space->labels, rows, out, &weights);
    }
    out->loss = ended ? 0 : out->loss / weights;
}

static void work_on(int32_t member, int32_t members, void *userdata) {
    job *j = userdata;
    (void)members;
    for (int item; (item = atomic_fetch_add(&j->next, 1)) < j->count;) {
        if (j->work != NULL) {
            train(&j->heads->spaces[member], j, j->turns[item]);
        } else {
            judge(&j->heads->spaces[member], j, item);
        }
    }
}

// Those with the most steps, which take longest, come first: at the end threads wait for short
// ones.
static void order_turns(int32_t *turns, const dogb_heads_work *work, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        int32_t at = i;
        for (; at > 0 && steps_of(&work[turns[at - 1]]) < steps_of(&work[i]); at--) {
            turns[at] = turns[at - 1];
        }
        turns[at] = i;
    }
}

static void run(job *j) {
    int32_t threads = j->heads->threads < j->count ? j->heads->threads : j->count;
    dogb_team_run(threads, work_on, j);
}

int dogb_native_heads_run(dogb_heads *heads, const dogb_heads_data *data,
                          const dogb_heads_work *work, int32_t count) {
    char line[DOGB_HEADS_TEXT];
    dogb_heads_shape shape = dogb_native_heads_shape(heads);
    int64_t batch = 0;
    int rc = dogb_heads_result(dogb_heads_check_run(line, &shape, data, work, count), line);
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        int64_t own = work[i].batch < work[i].samples ? work[i].batch : work[i].samples;
        batch = own > batch ? own : batch;
    }
    if (rc < 0 || (rc = dogb_heads_prepare(heads, batch)) < 0) {
        return rc;
    }
    dogb_arena arena = {0};
    int32_t *turns = dogb_alloc(&arena, (size_t)count, sizeof *turns);
    if (turns == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    order_turns(turns, work, count);
    job j = {.heads = heads, .data = data, .work = work, .turns = turns, .count = count};
    run(&j);
    dogb_arena_free(&arena);
    return DOGBREED_OK;
}

int dogb_native_heads_step(dogb_heads *heads, const float *features, const int32_t *labels,
                           int32_t count, const double *learning_rates, int64_t step,
                           double *losses) {
    dogb_arena arena = {0};
    dogb_heads_data data = {
        .features = features, .labels = labels, .rows = count, .stride = heads->features};
    dogb_heads_work *work = dogb_alloc(&arena, (size_t)heads->count, sizeof *work);
    if (work == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_heads_shape shape = dogb_native_heads_shape(heads);
    int32_t items = dogb_heads_one_step(work, &shape, count, learning_rates, step, losses);
    int rc = dogb_native_heads_run(heads, &data, work, items);
    dogb_arena_free(&arena);
    return rc;
}

int dogb_native_heads_eval(dogb_heads *heads, const float *features, const int32_t *labels,
                           int32_t count, dogb_loss *out) {
    char line[DOGB_HEADS_TEXT];
    dogb_heads_shape shape = dogb_native_heads_shape(heads);
    dogb_heads_data data = {
        .features = features, .labels = labels, .rows = count, .stride = heads->features};
    int rc = dogb_heads_result(dogb_heads_check_labels(line, &shape, labels, count), line);
    if (rc < 0 || (rc = dogb_heads_prepare(heads, JUDGED_ROWS)) < 0) {
        return rc;
    }
    job j = {.heads = heads, .data = &data, .judged = out, .count = heads->count};
    run(&j);
    return DOGBREED_OK;
}
