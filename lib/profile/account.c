// account.c - see account.h. Events come in order of their times; one that comes late counts from
// the time that is accounted already, which shortens it and breaks nothing.
#include "profile/account.h"

#include "core/error.h"

#include <string.h>

enum { DEPTH_MAX = 32, SECONDS_MAX = 10000000 }; // of loader_seconds: four months

typedef struct open_span {
    uint64_t begin;
    int32_t kind;
    int32_t reserved;
} open_span;

typedef struct dogb_account_thread {
    open_span open[DEPTH_MAX]; // outermost first
    int32_t depth;
    int32_t skipped;     // begins deeper than that
    int64_t last_second; // of loader_seconds that this thread is counted in; -1: none
} dogb_account_thread;

static int is_data(int32_t kind) {
    return kind == DOGB_SPAN_READ || kind == DOGB_SPAN_DECODE || kind == DOGB_SPAN_TRANSFORM;
}

static int is_layer(int32_t kind) {
    return kind == DOGB_SPAN_LAYER_FORWARD || kind == DOGB_SPAN_LAYER_BACKWARD;
}

static int32_t context_of(const dogb_account_thread *thread) {
    for (int32_t i = thread->depth - 1; i >= 0; i--) {
        switch (thread->open[i].kind) {
        case DOGB_SPAN_STEP:
            return DOGB_CONTEXT_STEP;
        case DOGB_SPAN_EVALUATION:
            return DOGB_CONTEXT_EVALUATION;
        case DOGB_SPAN_FEATURES:
            return DOGB_CONTEXT_FEATURES;
        default:
            break;
        }
    }
    return DOGB_CONTEXT_NONE;
}

static dogb_account_thread *thread_of(dogb_account *account, int32_t number) {
    while (account->thread_count <= (size_t)number) {
        if (dogb_grow(&account->arena, &account->threads, &account->thread_capacity,
                      account->thread_count, sizeof *account->threads) < 0) {
            return NULL;
        }
        dogb_account_thread *added = &account->threads[account->thread_count++];
        memset(added, 0, sizeof *added);
        added->last_second = -1;
    }
    return &account->threads[number];
}

// The time from `last` on belongs to what is open now.
static void elapse(dogb_account *account, uint64_t time) {
    if (account->begin == 0 || account->ended || time <= account->last) {
        return;
    }
    int64_t ns = (int64_t)(time - account->last);
    const dogb_account_thread *run = &account->threads[0];
    int32_t kind = run->depth > 0 ? run->open[run->depth - 1].kind : DOGB_SPAN_RUN;
    int32_t context = context_of(run);
    account->ns[context][kind] += ns;
    if (context == DOGB_CONTEXT_STEP) {
        account->step.phases[kind] += ns;
    }
    for (int32_t i = 0; i < DOGB_SPAN_KINDS; i++) {
        account->kinds[i].ns += account->kinds[i].open > 0 ? ns : 0;
    }
    account->loader.ns += account->loader.open > 0 ? ns : 0;
    account->last = time;
}

void dogb_account_advance(dogb_account *account, uint64_t time) {
    elapse(account, time);
}

static void open_union(dogb_union *u) {
    u->open++;
    u->threads = u->open > u->threads ? u->open : u->threads;
}

static void begin_span(dogb_account *account, dogb_account_thread *thread,
                       const dogb_span_event *event) {
    if (thread->depth == DEPTH_MAX) {
        thread->skipped++;
        return;
    }
    thread->open[thread->depth++] = (open_span){.begin = event->time, .kind = event->kind};
    if (is_data(event->kind)) {
        open_union(&account->kinds[event->kind]);
        open_union(&account->loader);
    }
    if (event->kind == DOGB_SPAN_STEP && event->thread == 0) {
        memset(&account->step, 0, sizeof account->step);
        account->first_step = account->first_step == 0 ? event->time : account->first_step;
    }
}

// The open span that an end belongs to; -1: it is not there.
static int32_t find(const dogb_account_thread *thread, const dogb_span_event *event) {
    for (int32_t i = thread->depth - 1; i >= 0; i--) {
        if (thread->open[i].begin == event->begin && thread->open[i].kind == event->kind) {
            return i;
        }
    }
    return -1;
}

static void add_duration(dogb_account *account, dogb_durations *to, int64_t number, int64_t ns) {
    to->all++;
    if (to->count == DOGB_STEPS_MAX) {
        return;
    }
    if (dogb_grow(&account->arena, &to->items, &to->capacity, to->count, sizeof *to->items) < 0) {
        account->lost++;
        return;
    }
    to->items[to->count++] = (dogb_duration){number, ns};
}

static void keep_slow(dogb_account *account) {
    int32_t at = account->slowest_count;
    if (at < DOGB_SLOWEST) {
        account->slowest_count++;
    } else if (account->slowest[--at].ns >= account->step.ns) {
        return;
    }
    for (; at > 0 && account->slowest[at - 1].ns < account->step.ns; at--) {
        account->slowest[at] = account->slowest[at - 1];
    }
    account->slowest[at] = account->step;
}

// What the reference product computes at each event: everything that has no mode, in one number
// that contains its own last value.
static void reference_others(dogb_account *account, int32_t gpus) {
    int64_t modes[DOGB_SHARES];
    dogb_account_modes(account, modes);
    double all = (double)(account->last_loop - account->first_step);
    double known = (double)modes[DOGB_SHARE_TRAIN] + (double)modes[DOGB_SHARE_EVAL];
    account->mode_others = all - (known + account->mode_others) / (gpus > 0 ? gpus : 1);
}

static void end_of_run_thread(dogb_account *account, const dogb_span_event *event, int32_t context,
                              int32_t gpus) {
    int64_t ns = (int64_t)(event->time - event->begin);
    account->count[context][event->kind]++;
    switch (event->kind) {
    case DOGB_SPAN_STEP:
        account->step.number = event->value;
        account->step.ns = ns;
        add_duration(account, &account->steps, event->value, ns);
        keep_slow(account);
        account->last_loop = event->time;
        reference_others(account, gpus);
        break;
    case DOGB_SPAN_WAIT:
        if (context == DOGB_CONTEXT_STEP || context == DOGB_CONTEXT_FEATURES) {
            add_duration(account, &account->waits, account->waits.all, ns);
        }
        break;
    case DOGB_SPAN_FORWARD:
        if (context == DOGB_CONTEXT_EVALUATION) {
            add_duration(account, &account->evaluations, account->evaluations.all, ns);
        }
        break;
    case DOGB_SPAN_EVALUATION:
        account->first_step = account->first_step == 0 ? event->begin : account->first_step;
        account->last_loop = event->time;
        account->cycle = account->cycle == 0 ? event->time : account->cycle;
        reference_others(account, gpus);
        break;
    case DOGB_SPAN_EPOCH:
        account->cycle = account->cycle == 0 ? event->time : account->cycle;
        break;
    case DOGB_SPAN_RUN:
        account->ended = 1;
        break;
    default:
        break;
    }
}

// This thread was at work in all seconds from begin to end.
static void count_seconds(dogb_account *account, dogb_account_thread *thread,
                          const dogb_span_event *event) {
    uint64_t from = event->begin > account->begin ? event->begin - account->begin : 0;
    uint64_t to = event->time > account->begin ? event->time - account->begin : 0;
    int64_t first = (int64_t)(from / 1000000000u);
    int64_t last = (int64_t)(to / 1000000000u);
    last = last < SECONDS_MAX ? last : SECONDS_MAX - 1;
    first = first > thread->last_second ? first : thread->last_second + 1;
    for (int64_t second = first; second <= last; second++) {
        while (account->second_count <= (size_t)second) {
            if (dogb_grow(&account->arena, &account->loader_seconds, &account->second_capacity,
                          account->second_count, sizeof *account->loader_seconds) < 0) {
                account->lost++;
                return;
            }
            account->loader_seconds[account->second_count++] = 0;
        }
        account->loader_seconds[second]++;
        thread->last_second = second;
    }
}

static void add_layer(dogb_account *account, const dogb_span_event *event) {
    int backward = event->kind == DOGB_SPAN_LAYER_BACKWARD;
    while (event->value >= 0 && account->layer_count <= (size_t)event->value) {
        if (dogb_grow(&account->arena, &account->layers, &account->layer_capacity,
                      account->layer_count, sizeof *account->layers) < 0) {
            account->lost++;
            return;
        }
        memset(&account->layers[account->layer_count++], 0, sizeof *account->layers);
    }
    if (event->value >= 0) {
        dogb_layer_time *layer = &account->layers[event->value];
        layer->ns[backward] += (int64_t)(event->time - event->begin);
        layer->count[backward]++;
    }
}

static void end_span(dogb_account *account, dogb_account_thread *thread,
                     const dogb_span_event *event, int32_t gpus) {
    int32_t context = context_of(thread);
    int32_t at = find(thread, event);
    if (at < 0) {
        thread->skipped -= thread->skipped > 0;
        return;
    }
    thread->depth--;
    memmove(&thread->open[at], &thread->open[at + 1],
            (size_t)(thread->depth - at) * sizeof thread->open[0]);
    if (is_data(event->kind)) {
        account->kinds[event->kind].open--;
        account->loader.open--;
        count_seconds(account, thread, event);
    }
    if (event->thread == 0) {
        end_of_run_thread(account, event, context, gpus);
    }
}

void dogb_account_event(dogb_account *account, const dogb_span_event *event, int32_t gpus) {
    dogb_account_thread *thread = thread_of(account, event->thread);
    if (thread == NULL) {
        account->lost++;
        return;
    }
    if (account->begin == 0 && event->thread == 0 && event->begin == 0) {
        account->begin = event->time;
        account->last = event->time;
    }
    elapse(account, event->time);
    if (is_layer(event->kind)) { // detail of a phase, not a phase
        if (event->begin != 0) {
            add_layer(account, event);
        }
    } else if (event->begin == 0) {
        begin_span(account, thread, event);
    } else {
        end_span(account, thread, event, gpus);
    }
}

void dogb_account_free(dogb_account *account) {
    dogb_arena_free(&account->arena);
    memset(account, 0, sizeof *account);
}

// --- results

int64_t dogb_account_kind(const dogb_account *account, int32_t kind) {
    int64_t sum = 0;
    for (int32_t context = 0; context < DOGB_CONTEXTS; context++) {
        sum += account->ns[context][kind];
    }
    return sum;
}

int64_t dogb_account_total(const dogb_account *account) {
    int64_t sum = 0;
    for (int32_t kind = 0; kind < DOGB_SPAN_KINDS; kind++) {
        sum += dogb_account_kind(account, kind);
    }
    return sum;
}

void dogb_account_modes(const dogb_account *account, int64_t out[DOGB_SHARES]) {
    static const int32_t shares[DOGB_CONTEXTS] = {DOGB_SHARE_OTHERS, DOGB_SHARE_TRAIN,
                                                  DOGB_SHARE_EVAL, DOGB_SHARE_OTHERS};
    memset(out, 0, DOGB_SHARES * sizeof *out);
    for (int32_t context = 0; context < DOGB_CONTEXTS; context++) {
        for (int32_t kind = 0; kind < DOGB_SPAN_KINDS; kind++) {
            out[shares[context]] += account->ns[context][kind];
        }
    }
}

void dogb_account_sort(dogb_span_event *events, dogb_span_event *scratch, size_t count) {
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            size_t a = low;
            size_t b = middle;
            for (size_t at = low; at < high; at++) {
                int left = a < middle && (b >= high || events[a].time <= events[b].time);
                scratch[at] = left ? events[a++] : events[b++];
            }
        }
        memcpy(events, scratch, count * sizeof *events);
    }
}
