// bank.c - an epoch of all members is one call of the engine; what follows it (validation, metrics,
// events) is each member's own. A member that ends leaves the bank.
#include "trainer/bank.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"
#include "trainer/bank_conf.h"
#include "trainer/state.h"

#include <string.h>

typedef struct member {
    dogb_training loop;
    dogb_epoch epoch; // the running one
    int64_t *order;   // [rows of the table]
    double *rates;    // [steps of an epoch]
    double *losses;   // [steps]
    int32_t *hits;    // [steps][2]
    int64_t samples;  // of order
    int32_t active;
    int32_t end; // DOGB_END_ of the running epoch
} member;

struct dogb_trainer_bank {
    dogb_arena arena;
    dogbreed_trainer *const *trainers;
    int32_t count;
    int32_t threads;
    const dogbreed_trainer *leader; // the first that trains: has the features; NULL: none
    const dogb_engine *engine;
    dogb_heads *heads; // NULL: not made yet
    dogb_heads_data data;
    dogb_heads_work *work; // [count]
    member *members;       // [count]
};

// --- who can be together

// A head all of whose parameters are trained; *nodes says how it looks.
static int is_plain_head(dogb_head_nodes *nodes, const dogbreed_trainer *trainer) {
    return trainer->cached && dogb_graph_head(nodes, trainer->graph) &&
           trainer->slot_count == trainer->graph->param_count;
}

static int same_shape(const dogbreed_trainer *a, const dogbreed_trainer *b) {
    if (a->graph->node_count != b->graph->node_count || a->slot_count != b->slot_count) {
        return 0;
    }
    for (int32_t i = 0; i < a->slot_count; i++) {
        if (a->slots[i].count != b->slots[i].count) {
            return 0;
        }
    }
    dogb_head_nodes own;
    dogb_head_nodes other;
    return dogb_graph_head(&own, a->graph) && dogb_graph_head(&other, b->graph) &&
           memcmp(&own, &other, sizeof own) == 0;
}

// What the features depend on, and what a bank has once.
static int same_job(const dogbreed_trainer *a, const dogbreed_trainer *b) {
    const dogbreed_trainer_options *x = &a->options;
    const dogbreed_trainer_options *y = &b->options;
    return a->train == b->train && a->valid == b->valid && a->fold.numbers == b->fold.numbers &&
           x->seed == y->seed && x->augment_views == y->augment_views && x->dtype == y->dtype &&
           x->class_weights == y->class_weights && a->threads == b->threads &&
           strcmp(x->engine, y->engine) == 0 && strcmp(x->device, y->device) == 0 &&
           strcmp(x->cache_dir, y->cache_dir) == 0;
}

const char *dogb_trainer_bank_refusal(dogbreed_trainer *const *trainers, int32_t count) {
    static const uint64_t STEPS = DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN) |
                                  DOGBREED_EVENT_MASK(DOGBREED_EVENT_BATCH_READY) |
                                  DOGBREED_EVENT_MASK(DOGBREED_EVENT_FORWARD_END) |
                                  DOGBREED_EVENT_MASK(DOGBREED_EVENT_BACKWARD_END) |
                                  DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END);
    const dogbreed_trainer *first = trainers[0];
    dogb_head_nodes nodes;
    for (int32_t i = 0; i < count; i++) {
        const dogbreed_trainer *one = trainers[i];
        if (!is_plain_head(&nodes, one)) {
            return "the trained part is not a head on stored features";
        }
        if (one->progress.position != 0 || one->optim_steps != 0) {
            return "a training has begun already";
        }
        if ((dogb_bus_mask(one->bus) & STEPS) != 0) {
            return "somebody listens to single steps";
        }
        if (!same_shape(first, one) || !same_job(first, one)) {
            return "the trainings differ in more than the options of a head";
        }
    }
    return NULL;
}

// --- opening

static int make_table(dogb_trainer_bank *bank) {
    const dogb_source *source = bank->leader->session->train;
    int64_t rows = dogb_source_rows(source);
    size_t width = (size_t)dogb_feature_size(dogb_source_feature(source));
    float *features = dogb_alloc_raw(&bank->arena, (size_t)rows * width, sizeof *features);
    int32_t *labels = dogb_alloc_raw(&bank->arena, (size_t)rows, sizeof *labels);
    if (features == NULL || labels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_source_table(source, features, labels);
    bank->data = (dogb_heads_data){
        .features = features, .labels = labels, .rows = rows, .stride = (int64_t)width, .key = 1};
    return DOGBREED_OK;
}

static int make_heads(dogb_trainer_bank *bank) {
    dogb_arena scratch = {0};
    dogb_heads_conf conf;
    int rc = dogb_bank_conf(&conf, &scratch, bank->trainers, bank->count);
    rc = rc < 0 ? rc : dogb_engine_heads(&bank->heads, bank->engine, &conf);
    for (int32_t i = 0; rc == DOGBREED_OK && i < bank->count; i++) {
        const dogbreed_trainer *one = bank->trainers[i];
        for (int32_t k = 0; rc == DOGBREED_OK && k < one->slot_count; k++) {
            rc = bank->engine->heads_write(bank->heads, i, one->slots[k].net_param,
                                           one->slots[k].last, one->slots[k].bytes);
            rc = dogb_engine_result(bank->engine, rc, "weights of a head");
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int prepare_member(dogb_trainer_bank *bank, int32_t i) {
    dogbreed_trainer *one = bank->trainers[i];
    member *m = &bank->members[i];
    size_t rows = (size_t)bank->data.rows;
    size_t steps = (size_t)dogb_source_steps(one->session->train);
    m->loop = (dogb_training){.trainer = one, .session = one->session};
    m->order = dogb_alloc_raw(&bank->arena, rows, sizeof *m->order);
    m->rates = dogb_alloc_raw(&bank->arena, steps, sizeof *m->rates);
    m->losses = dogb_alloc_raw(&bank->arena, steps, sizeof *m->losses);
    m->hits = dogb_alloc_raw(&bank->arena, steps, 2 * sizeof *m->hits);
    return m->order == NULL || m->rates == NULL || m->losses == NULL || m->hits == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : DOGBREED_OK;
}

static int is_over(const dogbreed_trainer *trainer) {
    return trainer->progress.finished || trainer->progress.epoch >= trainer->options.epochs;
}

// A member that cannot begin has its end; the others go on.
static void begin_member(dogb_trainer_bank *bank, int32_t i) {
    dogbreed_trainer *one = bank->trainers[i];
    one->leader = bank->leader;
    int rc = dogb_trainer_begin(one);
    bank->members[i].active = rc == DOGBREED_OK && !is_over(one);
    if (bank->members[i].active) {
        bank->leader = bank->leader == NULL ? one : bank->leader;
    } else {
        int32_t end = rc == DOGBREED_STOP ? DOGB_END_STOP : DOGB_END_COMPLETED;
        (void)dogb_trainer_end(one, rc < 0 ? rc : DOGBREED_OK, end);
    }
}

// --- an epoch

static void plan(dogb_trainer_bank *bank, int32_t i) {
    member *m = &bank->members[i];
    dogbreed_trainer *one = m->loop.trainer;
    dogb_session *session = one->session;
    int32_t batch = one->options.batch_size;
    int64_t first = one->progress.epoch * session->schedule.epoch_steps;
    m->samples = dogb_source_order(session->train, one->progress.epoch, m->order);
    for (int64_t k = 0; k * batch < m->samples; k++) {
        m->rates[k] = dogb_schedule_rate(&session->schedule, first + k);
    }
}

static dogb_heads_work work_of(const member *m, int32_t head) {
    const dogbreed_trainer *one = m->loop.trainer;
    return (dogb_heads_work){
        .head = head,
        .batch = one->options.batch_size,
        .order = m->order,
        .samples = m->samples,
        .rates = m->rates,
        .losses = m->losses,
        .hits = m->hits,
        .step = one->progress.epoch * one->session->schedule.epoch_steps,
    };
}

// Sums of the epoch, as the loop has them. NUMERIC: a step's loss is not finite.
static int count(member *m) {
    dogb_progress *progress = &m->loop.trainer->progress;
    int64_t batch = m->loop.trainer->options.batch_size;
    for (int64_t k = 0; k * batch < m->samples; k++) {
        int64_t left = m->samples - k * batch;
        int64_t samples = left < batch ? left : batch;
        progress->rate = m->rates[k];
        int rc = dogb_loop_check_loss(&m->loop, m->losses[k]);
        if (rc < 0) {
            return rc;
        }
        progress->tally.count += samples;
        progress->tally.correct += m->hits[2 * k];
        progress->tally.correct5 += m->hits[2 * k + 1];
        progress->tally.loss_sum += m->losses[k] * (double)samples;
        progress->position++;
    }
    m->loop.epoch_samples = m->samples;
    return DOGBREED_OK;
}

static int read_weights(const dogb_trainer_bank *bank, int32_t i) {
    const dogbreed_trainer *one = bank->trainers[i];
    int rc = DOGBREED_OK;
    for (int32_t k = 0; rc == DOGBREED_OK && k < one->slot_count; k++) {
        rc = bank->engine->heads_read(bank->heads, i, one->slots[k].net_param, one->slots[k].last,
                                      one->slots[k].bytes);
    }
    return dogb_engine_result(bank->engine, rc, "weights of a head");
}

typedef struct judging {
    const dogb_trainer_bank *bank;
    const int32_t *who; // member of each index
} judging;

// On any thread: touches nothing but its member.
static int judge(int64_t index, void *userdata) {
    const judging *j = userdata;
    member *m = &j->bank->members[j->who[index]];
    dogb_loop_clear_epoch(&m->epoch);
    if (m->loop.session->valid == NULL) {
        return DOGBREED_OK;
    }
    m->loop.validated = 1;
    return dogb_validate(m->loop.trainer, &m->epoch);
}

static void leave(dogb_trainer_bank *bank, int32_t i, int rc, int32_t end) {
    bank->members[i].active = 0;
    (void)dogb_trainer_end(bank->trainers[i], rc, end);
    (void)bank->engine->heads_end(bank->heads, i);
}

// Fills `who` with the members that train in this epoch.
static int32_t begin_epoch(dogb_trainer_bank *bank, int32_t *who) {
    int32_t active = 0;
    for (int32_t i = 0; i < bank->count; i++) {
        member *m = &bank->members[i];
        if (!m->active) {
            continue;
        }
        int rc = dogb_loop_begin_epoch(&m->loop);
        int32_t end = dogb_loop_interrupted(&m->loop);
        if (rc < 0 || end != DOGB_END_NONE || m->loop.stopping) {
            leave(bank, i, rc, end != DOGB_END_NONE ? end : DOGB_END_STOP);
            continue;
        }
        plan(bank, i);
        bank->work[active] = work_of(m, i);
        who[active++] = i;
    }
    return active;
}

static void finish_epoch(dogb_trainer_bank *bank, int32_t i, int rc) {
    member *m = &bank->members[i];
    int32_t end = dogb_loop_interrupted(&m->loop);
    if (rc < 0) {
        m->loop.trainer->broken = 1;
    } else if (end != DOGB_END_CANCELLED) {
        rc = dogb_loop_finish_epoch(&m->loop, &m->epoch);
        end = dogb_loop_end(&m->loop);
    }
    if (rc < 0 || end != DOGB_END_NONE) {
        leave(bank, i, rc, end);
    }
}

// *active: how many trained. Negative: the engine or the machine failed.
static int run_epoch(dogb_trainer_bank *bank, int32_t *who, int32_t *active) {
    judging j = {bank, who};
    int32_t kept = 0;
    *active = begin_epoch(bank, who);
    if (*active == 0) {
        return DOGBREED_OK;
    }
    int rc = bank->engine->heads_run(bank->heads, &bank->data, bank->work, *active);
    rc = dogb_engine_result(bank->engine, rc, "training of heads");
    for (int32_t k = 0; rc == DOGBREED_OK && k < *active; k++) {
        int counted = count(&bank->members[who[k]]);
        if (counted < 0) { // this one has diverged
            finish_epoch(bank, who[k], counted);
        } else if ((rc = read_weights(bank, who[k])) == DOGBREED_OK) {
            who[kept++] = who[k];
        }
    }
    rc = rc < 0 ? rc : dogb_parallel(bank->threads, kept, judge, &j);
    for (int32_t k = 0; rc == DOGBREED_OK && k < kept; k++) {
        finish_epoch(bank, who[k], DOGBREED_OK);
    }
    return rc;
}

// --- a run

static int open_bank(dogb_trainer_bank *bank) {
    size_t count = (size_t)bank->count;
    bank->members = dogb_alloc(&bank->arena, count, sizeof *bank->members);
    bank->work = dogb_alloc(&bank->arena, count, sizeof *bank->work);
    if (bank->members == NULL || bank->work == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < bank->count; i++) {
        bank->trainers[i]->banked = 1;
        bank->trainers[i]->detached = 1;
        begin_member(bank, i);
    }
    if (bank->leader == NULL) {
        const dogbreed_trainer *first = bank->trainers[0];
        return first->end_code < 0 ? dogb_fail(first->end_code, "%s", first->end_text)
                                   : DOGBREED_OK;
    }
    bank->engine = bank->leader->engine;
    int rc = make_table(bank);
    for (int32_t i = 0; rc == DOGBREED_OK && i < bank->count; i++) {
        rc = bank->members[i].active ? prepare_member(bank, i) : DOGBREED_OK;
    }
    return rc < 0 ? rc : make_heads(bank);
}

static int run_all(dogb_trainer_bank *bank, dogb_trainer_bank_fn fn, void *userdata) {
    int32_t active = 0;
    int32_t *who = dogb_alloc(&bank->arena, (size_t)bank->count, sizeof *who);
    int rc = who == NULL ? DOGBREED_ERROR_NO_MEMORY : open_bank(bank);
    if (rc < 0 || bank->heads == NULL) {
        return rc;
    }
    do {
        rc = run_epoch(bank, who, &active);
        if (rc == DOGBREED_OK && fn != NULL) {
            rc = fn(userdata);
        }
    } while (rc == DOGBREED_OK && active > 0);
    return rc;
}

int dogb_trainer_bank_run(dogbreed_trainer *const *trainers, int32_t count, dogb_trainer_bank_fn fn,
                          void *userdata) {
    const char *refusal = dogb_trainer_bank_refusal(trainers, count);
    if (refusal != NULL) {
        return dogb_fail(DOGBREED_ERROR_STATE, "bank of heads: %s", refusal);
    }
    dogb_trainer_bank bank = {.trainers = trainers, .count = count};
    dogb_error_state error;
    bank.threads = trainers[0]->threads;
    for (int32_t i = 0; i < count; i++) {
        trainers[i]->running = 1;
    }
    int rc = run_all(&bank, fn, userdata);
    dogb_error_save(&error, rc);
    for (int32_t i = 0; i < count; i++) {
        trainers[i]->running = 0;
        trainers[i]->stop = 0;
        if (bank.members != NULL && bank.members[i].active) {
            (void)dogb_trainer_end(trainers[i], rc < 0 ? rc : DOGBREED_OK, DOGB_END_CANCELLED);
        }
    }
    if (bank.heads != NULL) {
        bank.engine->heads_destroy(bank.heads);
    }
    dogb_arena_free(&bank.arena);
    return dogb_error_restore(&error);
}
