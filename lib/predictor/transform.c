// transform.c - many pictures to files: looked for and decoded by threads into a block of slots,
// computed in batches, written in groups. What a result holds depends on its picture alone.
#include "predictor/transform.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

static const double GROUP_SECONDS = 1.0; // what a kill may cost, and a stop may wait for
enum { GROUP_MAX = 1024, RESULT_BYTES_MAX = 1 << 28 };

enum { SLOT_LOADED, SLOT_THERE, SLOT_FAILED };

typedef struct slot { // one picture of a block
    int64_t picture;
    int32_t state;
    int32_t code;
    int32_t turned; // of dogb_decoded
    char message[1024];
} slot;

typedef struct worker { // memory of one thread, kept from picture to picture
    dogb_arena arena;
    void *bytes;
    size_t capacity;
} worker;

typedef struct job {
    dogbreed_predictor *predictor;
    dogb_arena arena;
    const dogbreed_rectangle *crop;
    dogbreed_transform_options options;
    dogbreed_transform_fn fn;
    void *userdata;
    dogb_picture *pictures;
    int64_t count;
    int64_t next; // not yet in a slot
    int64_t done;
    dogb_answer_form form;
    dogb_results results;
    slot *slots;
    uint8_t *pixels; // of the slots that are loaded, closed up
    float *logits;
    dogbreed_prediction *best;
    worker *workers;
    int32_t capacity; // slots
    int32_t loaded;
    int32_t first; // of the slots that the workers are at
    int32_t taken;
    _Atomic int32_t at;
    int32_t stop; // what the function returned when it wanted no more
    double committed;
} job;

// --- what is said

static int tell(job *j, int64_t picture, int32_t state, int code, const char *message) {
    const dogbreed_transform_result result = {.struct_size = sizeof result,
                                              .state = state,
                                              .path = j->pictures[picture].path,
                                              .name = j->pictures[picture].name,
                                              .message = message,
                                              .done = j->done,
                                              .total = j->count,
                                              .code = code};
    return j->fn(&result, j->userdata);
}

// The picture is done. Without a function a failure ends the call.
static int report(job *j, int64_t picture, int32_t state, int code, const char *message) {
    j->done++;
    if (j->fn == NULL) {
        return code < 0 ? dogb_fail(code, "%s", message) : DOGBREED_OK;
    }
    int answer = tell(j, picture, state, code, message);
    if (j->stop == 0 && (answer < 0 || answer == DOGBREED_STOP)) {
        j->stop = answer;
    }
    return DOGBREED_OK;
}

static int stopped(int answer) {
    return answer < 0
               ? dogb_fail(DOGBREED_ERROR_CALLBACK, "transform: a callback failed (%d)", answer)
               : dogb_fail(DOGBREED_ERROR_CANCELLED, "transform: a callback asked to stop");
}

static int ask(job *j) {
    for (int64_t i = 0; j->fn != NULL && i < j->count; i++) {
        int answer = tell(j, i, DOGBREED_TRANSFORM_ASKED, DOGBREED_OK, "");
        if (answer < 0 || answer == DOGBREED_STOP) {
            return stopped(answer);
        }
        j->pictures[i].elsewhere = answer == DOGBREED_TRANSFORM_PASS;
    }
    return DOGBREED_OK;
}

// --- looking and decoding, on the threads

// 1 or 0. A result that cannot be read is computed again. NO_MEMORY.
static int is_there(const job *j, worker *w, const dogb_picture *picture) {
    dogb_arena scratch = {0};
    size_t size = 0;
    char *path = dogb_path_join(&scratch, j->results.folder, picture->name);
    int rc = path == NULL              ? DOGBREED_ERROR_NO_MEMORY
             : !dogb_file_exists(path) ? DOGBREED_ERROR_NOT_FOUND
                                       : dogb_file_read_into(&w->bytes, &w->capacity, &size,
                                                             &w->arena, path, RESULT_BYTES_MAX);
    if (rc != DOGBREED_ERROR_NO_MEMORY) {
        rc = rc == DOGBREED_OK && dogb_answer_is_whole(&j->form, w->bytes, size, &scratch);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// 250 bytes and more for a picture's own name are rare, but end no job.
static int check_name(const dogb_picture *picture) {
    size_t more = sizeof DOGB_RESULT_ASIDE - sizeof DOGB_RESULT_END;
    return strlen(dogb_path_name(picture->name)) + more <= NAME_MAX
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_IO,
                           "%s: the name of its result is longer than a file's can be",
                           picture->path);
}

static int load(const job *j, worker *w, slot *s, uint8_t *pixels) {
    const dogb_picture *picture = &j->pictures[s->picture];
    dogb_decoded facts = {0};
    size_t size = 0;
    int rc = check_name(picture);
    rc = rc < 0 ? rc
                : dogb_file_read_into(&w->bytes, &w->capacity, &size, &w->arena, picture->path,
                                      (size_t)j->predictor->options.bytes_max);
    if (rc == DOGBREED_OK) {
        const dogb_encoded in = {w->bytes, size, j->crop, picture->path};
        rc = dogb_predictor_decode(pixels, &facts, j->predictor, &w->arena, &in);
    }
    s->turned = facts.turned;
    return rc;
}

// A failure is the picture's own, but for memory, which ends the call.
static int look_at(const job *j, worker *w, slot *s, uint8_t *pixels) {
    const dogb_picture *picture = &j->pictures[s->picture];
    int there = picture->elsewhere ? 1 : is_there(j, w, picture);
    s->state = SLOT_THERE;
    if (there != 0) {
        return there < 0 ? there : DOGBREED_OK;
    }
    s->code = load(j, w, s, pixels);
    s->state = s->code < 0 ? SLOT_FAILED : SLOT_LOADED;
    if (s->state == SLOT_FAILED) {
        dogb_error_state error;
        dogb_error_save(&error, s->code);
        memcpy(s->message, error.text, sizeof s->message);
    }
    return s->code == DOGBREED_ERROR_NO_MEMORY ? s->code : DOGBREED_OK;
}

static int work(int64_t index, void *userdata) {
    job *j = userdata;
    size_t size = dogb_predictor_picture(j->predictor);
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && (i = atomic_fetch_add(&j->at, 1)) < j->taken;) {
        int32_t place = j->first + i;
        rc = look_at(j, &j->workers[index], &j->slots[place], j->pixels + (size_t)place * size);
    }
    return rc;
}

// The slots that the workers were at: pictures to compute move up, the others are done.
static int close_up(job *j) {
    size_t size = dogb_predictor_picture(j->predictor);
    int rc = DOGBREED_OK;
    for (int32_t i = j->first; rc == DOGBREED_OK && i < j->first + j->taken; i++) {
        const slot *s = &j->slots[i];
        if (s->state != SLOT_LOADED) {
            rc = report(j, s->picture,
                        s->state == SLOT_THERE ? DOGBREED_TRANSFORM_PASSED
                                               : DOGBREED_TRANSFORM_FAILED,
                        s->code, s->message);
            continue;
        }
        if (j->loaded < i) {
            memcpy(j->pixels + (size_t)j->loaded * size, j->pixels + (size_t)i * size, size);
            j->slots[j->loaded] = *s;
        }
        j->loaded++;
    }
    return rc;
}

static int fill(job *j) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && j->stop == 0 && j->loaded < j->capacity && j->next < j->count) {
        j->first = j->loaded;
        for (j->taken = 0; j->first + j->taken < j->capacity && j->next < j->count; j->taken++) {
            slot *s = &j->slots[j->first + j->taken];
            s->picture = j->next++;
            s->code = DOGBREED_OK;
            s->message[0] = '\0';
        }
        atomic_store(&j->at, 0);
        int32_t threads = j->predictor->threads;
        rc = dogb_parallel(threads, threads < j->taken ? threads : j->taken, work, j);
        rc = rc < 0 ? rc : close_up(j);
    }
    return rc;
}

// --- computing and writing

static int write_result(job *j, const slot *s, const float *logits) {
    dogb_arena scratch = {0};
    dogb_buffer text = {.arena = &scratch};
    const dogb_picture *picture = &j->pictures[s->picture];
    int rc = dogb_answer_write(&text, &j->form, logits, s->turned, j->best);
    if (rc == DOGBREED_ERROR_NUMERIC) { // its neighbours may be well
        dogb_error_state error;
        (void)dogb_fail(rc, "%s: the network's output is not a number", picture->path);
        dogb_error_save(&error, rc);
        rc = report(j, s->picture, DOGBREED_TRANSFORM_FAILED, rc, error.text);
    } else {
        rc = rc < 0 ? rc : text.rc;
        rc = rc < 0
                 ? rc
                 : dogb_results_put(&j->results, s->picture, picture->name, text.data, text.length);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int compute(job *j) {
    size_t size = dogb_predictor_picture(j->predictor);
    size_t classes = (size_t)j->form.classes;
    int32_t most = j->predictor->options.batch_size;
    int rc = DOGBREED_OK;
    for (int32_t first = 0; rc == DOGBREED_OK && first < j->loaded; first += most) {
        const dogb_batch batch = {.data = j->pixels + (size_t)first * size,
                                  .count = j->loaded - first < most ? j->loaded - first : most,
                                  .dtype = DOGB_DATA_U8};
        rc = dogb_predictor_logits(j->logits, j->predictor, &batch, j->predictor->threads);
        for (int32_t i = 0; rc == DOGBREED_OK && i < batch.count; i++) {
            rc = write_result(j, &j->slots[first + i], j->logits + (size_t)i * classes);
        }
    }
    j->loaded = 0;
    return rc;
}

static int commit(job *j) {
    int rc = dogb_results_commit(&j->results);
    for (size_t i = 0; rc == DOGBREED_OK && i < j->results.group_count; i++) {
        rc = report(j, j->results.group[i].picture, DOGBREED_TRANSFORM_WRITTEN, DOGBREED_OK, "");
    }
    if (rc == DOGBREED_OK) {
        dogb_results_clear(&j->results);
    }
    j->committed = dogb_clock();
    return rc;
}

static int run(job *j) {
    int rc = DOGBREED_OK;
    j->committed = dogb_clock();
    while (rc == DOGBREED_OK && j->stop == 0 && j->next < j->count) {
        rc = fill(j);
        rc = rc < 0 || j->stop != 0 ? rc : compute(j);
        if (rc == DOGBREED_OK &&
            (j->results.group_count >= GROUP_MAX || dogb_clock() - j->committed >= GROUP_SECONDS)) {
            rc = commit(j);
        }
    }
    // What is computed is kept, whatever ends the call.
    dogb_error_state error;
    dogb_error_save(&error, rc);
    int last = commit(j);
    rc = rc < 0 ? dogb_error_restore(&error) : last;
    dogb_results_close(&j->results);
    return rc == DOGBREED_OK && j->stop != 0 ? stopped(j->stop) : rc;
}

// --- the call

// Whole batches, and two pictures for each thread at least.
static int32_t slots_of(const job *j) {
    int64_t batch = j->predictor->options.batch_size;
    int64_t wanted = 2 * (int64_t)j->predictor->threads;
    int64_t slots = (wanted + batch - 1) / batch * batch;
    return (int32_t)(slots < j->count ? slots : j->count);
}

static int make_room(job *j) {
    const dogbreed_predictor *p = j->predictor;
    int32_t batch = p->options.batch_size;
    j->capacity = slots_of(j);
    size_t slots = (size_t)j->capacity + 1; // none is no error
    j->slots = dogb_alloc(&j->arena, slots, sizeof *j->slots);
    j->pixels = dogb_alloc_raw(&j->arena, slots, dogb_predictor_picture(p));
    j->logits = dogb_alloc(&j->arena, (size_t)(batch < j->capacity ? batch : j->capacity) + 1,
                           (size_t)p->class_count * sizeof *j->logits);
    j->best = dogb_alloc(&j->arena, (size_t)j->form.top + 1, sizeof *j->best);
    j->workers = dogb_alloc(&j->arena, (size_t)p->threads, sizeof *j->workers);
    return j->slots == NULL || j->pixels == NULL || j->logits == NULL || j->best == NULL ||
                   j->workers == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : DOGBREED_OK;
}

static int prepare(job *j, const char *const *paths, int32_t path_count) {
    json_t *record = NULL;
    j->form = (dogb_answer_form){.accept = j->options.accept,
                                 .top = j->options.top_k,
                                 .classes = j->predictor->class_count,
                                 .labels = j->predictor->classes};
    int rc = dogb_answer_form_settle(&j->form);
    rc = rc < 0 ? rc : dogb_transform_list(&j->pictures, &j->count, &j->arena, paths, path_count);
    rc = rc < 0 ? rc : make_room(j);
    rc = rc < 0 ? rc : ask(j);
    rc = rc < 0 ? rc : dogb_transform_record(&record, &j->arena, j->predictor, &j->form, j->crop);
    return rc < 0 ? rc
                  : dogb_results_open(&j->results, j->pictures, j->count, record,
                                      j->options.overwrite);
}

int dogbreed_predictor_transform(dogbreed_predictor *predictor, const char *const *paths,
                                 int32_t path_count, const dogbreed_rectangle *crop,
                                 const char *folder, const dogbreed_transform_options *options,
                                 dogbreed_transform_fn fn, void *userdata) {
    DOGB_CHECK(predictor != NULL, "transform: predictor is NULL");
    DOGB_CHECK(path_count >= 0 && (paths != NULL || path_count == 0),
               "transform: there are no paths");
    DOGB_CHECK(folder != NULL && *folder != '\0', "transform: folder is empty");
    job j = {.predictor = predictor,
             .crop = crop,
             .fn = fn,
             .userdata = userdata,
             .results.folder = folder};
    int rc = dogb_table_import(&j.options, &dogb_transform_table, options, &j.arena);
    rc = rc < 0 ? rc : prepare(&j, paths, path_count);
    rc = rc < 0 ? rc : run(&j);
    for (int32_t i = 0; j.workers != NULL && i < predictor->threads; i++) {
        dogb_arena_free(&j.workers[i].arena);
    }
    dogb_arena_free(&j.arena);
    return rc;
}
