// heads_run.c - training and judging a bank: a loop over heads that any number of threads share.
// A head's steps run on one thread, in order, and touch nothing of another head, so neither the
// bank nor the threads change a bit of it.
#include "engine/native/heads.h"

#include "core/error.h"
#include "core/team.h"

#include <stdatomic.h>

enum { JUDGED_ROWS = 64 }; // rows of a batch of heads_eval

typedef struct job {
    dogb_heads *heads;
    const dogb_heads_data *data;
    const dogb_heads_work *work; // NULL: judge
    dogb_loss *judged;
    int32_t count;
    atomic_int next;
} job;

// --- one step

// Notes the rows of step `index`, which the gradient before it brings into the cache.
static void plan_ahead(dogb_heads_space *space, const dogb_heads *heads,
                       const dogb_heads_data *data, const dogb_heads_work *work, int64_t index) {
    dogb_heads_ahead *ahead = &space->ahead;
    int64_t first = index * work->batch;
    int64_t left = work->samples - first;
    ahead->rows = left < work->batch ? (left > 0 ? left : 0) : work->batch;
    for (int64_t i = 0; i < ahead->rows; i++) {
        int64_t row = work->order == NULL ? first + i : work->order[first + i];
        ahead->from[i] = data->features + row * data->stride;
    }
    ahead->floats = heads->features;
    ahead->row = 0;
    ahead->at = 0;
    // Tiles of at most 8 inputs and 48 outputs, so all rows are reached.
    int64_t lines = ahead->rows * ((heads->features + DOGB_HEADS_LINE - 1) / DOGB_HEADS_LINE);
    const dogb_heads_layer *layer = &heads->heads[work->head].layers[0];
    int64_t tiles = layer->groups * 2 * ((layer->width + 47) / 48);
    ahead->lines_per_tile = (int32_t)((lines + tiles - 1) / tiles);
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
    double loss = dogb_heads_loss(heads->kernel, &head->target, logits, space->labels, rows);
    head->steps++;
    dogb_heads_rule rule = dogb_head_rule(&head->optim, head->steps, work->rates[index]);
    float *delta = logits;
    plan_ahead(space, heads, j->data, work, index + 1);
    if (heads->layers == 2) {
        dogb_heads_ahead nothing = {0};
        dogb_head_backward(space, heads, head, rows, masks[1], logits);
        dogb_heads_layer_update(&head->layers[1], heads->kernel, &rule, space->packed[1], logits,
                                rows, &nothing, 1);
        delta = space->delta;
    }
    dogb_heads_layer_update(&head->layers[0], heads->kernel, &rule, space->packed[0], delta, rows,
                            &space->ahead, 1);
    return loss;
}

static void train(dogb_heads_space *space, const job *j, int32_t item) {
    const dogb_heads_work *work = &j->work[item];
    int64_t steps = (work->samples + work->batch - 1) / work->batch;
    for (int64_t i = 0; i < steps; i++) {
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
    *out = (dogb_loss){0, 0, 0};
    for (int64_t first = 0; first < j->data->rows && !head->ended; first += JUDGED_ROWS) {
        int64_t left = j->data->rows - first;
        int64_t rows = left < JUDGED_ROWS ? left : JUDGED_ROWS;
        dogb_head_gather(space, heads, j->data, NULL, first, rows, NULL);
        float *logits = dogb_head_forward(space, heads, head, rows, NULL);
        dogb_heads_judge(heads->kernel, &head->target, logits, space->labels, rows, out, &weights);
    }
    out->loss = head->ended ? 0 : out->loss / weights;
}

static void work_on(int32_t member, int32_t members, void *userdata) {
    job *j = userdata;
    (void)members;
    for (int item; (item = atomic_fetch_add(&j->next, 1)) < j->count;) {
        if (j->work != NULL) {
            train(&j->heads->spaces[member], j, item);
        } else {
            judge(&j->heads->spaces[member], j, item);
        }
    }
}

static void run(job *j) {
    int32_t threads = j->heads->threads < j->count ? j->heads->threads : j->count;
    dogb_team_run(threads, work_on, j);
}

// --- checks

static int check_label(const dogb_heads *heads, const int32_t *labels, int64_t row) {
    if (labels[row] < 0 || labels[row] >= heads->classes) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "heads: label %d of row %lld, expected 0 to %lld", labels[row],
                         (long long)row, (long long)heads->classes - 1);
    }
    return DOGBREED_OK;
}

static int check_work(dogb_heads *heads, const dogb_heads_data *data, const dogb_heads_work *work) {
    dogb_head *head = NULL;
    int rc = dogb_native_heads_find(&head, heads, work->head);
    if (rc < 0) {
        return rc;
    }
    if (work->batch < 1 || work->samples < 0 ||
        (work->order == NULL && work->samples > data->rows)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "head %d: batches of %d of %lld samples, the data have %lld rows",
                         work->head, work->batch, (long long)work->samples, (long long)data->rows);
    }
    for (int64_t i = 0; i < work->samples; i++) {
        int64_t row = work->order == NULL ? i : work->order[i];
        if (row < 0 || row >= data->rows) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "head %d: row %lld of sample %lld, expected 0 to %lld", work->head,
                             (long long)row, (long long)i, (long long)data->rows - 1);
        }
        if ((rc = check_label(heads, data->labels, row)) < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

int dogb_native_heads_run(dogb_heads *heads, const dogb_heads_data *data,
                          const dogb_heads_work *work, int32_t count) {
    int64_t batch = 0;
    int rc = DOGBREED_OK;
    if (data->stride < heads->features) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "heads: rows of %lld features, expected %lld", (long long)data->stride,
                         (long long)heads->features);
    }
    for (int32_t i = 0; i < count; i++) {
        if ((rc = check_work(heads, data, &work[i])) < 0) {
            return rc;
        }
        for (int32_t k = 0; k < i; k++) {
            if (work[k].head == work[i].head) {
                return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "head %d stands twice in one run",
                                 work[i].head);
            }
        }
        int64_t own = work[i].batch < work[i].samples ? work[i].batch : work[i].samples;
        batch = own > batch ? own : batch;
    }
    if ((rc = dogb_heads_prepare(heads, batch)) < 0) {
        return rc;
    }
    job j = {.heads = heads, .data = data, .work = work, .count = count};
    run(&j);
    return DOGBREED_OK;
}

int dogb_native_heads_step(dogb_heads *heads, const float *features, const int32_t *labels,
                           int32_t count, const double *learning_rates, int64_t step,
                           double *losses) {
    dogb_arena arena = {0};
    dogb_heads_data data = {features, labels, count, heads->features};
    dogb_heads_work *work = dogb_alloc(&arena, (size_t)heads->count, sizeof *work);
    int32_t items = 0;
    if (work == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < heads->count; i++) {
        if (heads->heads[i].ended) {
            losses[i] = 0;
            continue;
        }
        work[items++] = (dogb_heads_work){.head = i,
                                          .batch = count,
                                          .samples = count,
                                          .rates = learning_rates + i,
                                          .losses = losses + i,
                                          .step = step};
    }
    int rc = dogb_native_heads_run(heads, &data, work, items);
    dogb_arena_free(&arena);
    return rc;
}

int dogb_native_heads_eval(dogb_heads *heads, const float *features, const int32_t *labels,
                           int32_t count, dogb_loss *out) {
    dogb_heads_data data = {features, labels, count, heads->features};
    int rc = DOGBREED_OK;
    for (int32_t i = 0; i < count; i++) {
        if ((rc = check_label(heads, labels, i)) < 0) {
            return rc;
        }
    }
    if ((rc = dogb_heads_prepare(heads, JUDGED_ROWS)) < 0) {
        return rc;
    }
    job j = {.heads = heads, .data = &data, .judged = out, .count = heads->count};
    run(&j);
    return DOGBREED_OK;
}
