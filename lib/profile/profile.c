// profile.c - the public calls: a subscriber of a trainer that begins and ends a recording with its
// run, and the same documents from stored files.
#include "profile/profile_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "core/ref.h"
#include "profile/read.h"
#include "profile/summary.h"
#include "trainer/trainer_internal.h"

#include <string.h>

enum { GPU_STEPS = 10 }; // steps whose kernels are recorded by default

// What trainer and profile both hold, whichever goes first.
typedef struct tie {
    dogb_ref ref;
    dogbreed_trainer *trainer; // NULL: it is gone
} tie;

struct dogbreed_profile {
    dogb_arena arena;
    char *directory; // NULL: no files
    tie *tie;
    int32_t subscription;
    int32_t steps;             // to the begin and end of steps; 0: none
    const dogb_engine *engine; // that records operators; NULL: none does
    int32_t recording;         // 0: not yet, or no more
    int32_t recorded;          // steps
    int32_t wanted;
    int32_t seen;         // steps that have begun
    pthread_mutex_t lock; // guards what follows
    dogb_arena texts;     // of options
    dogbreed_profile_options options;
    dogb_collector *collector; // of the last run; NULL: none has begun
};

// --- operators of some steps

static void end_activities(dogbreed_profile *profile) {
    if (profile->recording &&
        dogb_collector_activities(profile->collector, profile->engine, profile->recorded) < 0) {
        dogb_log(DOGBREED_LOG_WARNING, "profile: %s", dogbreed_error_message());
    }
    profile->recording = 0;
    if (profile->steps > 0 && profile->tie->trainer != NULL) {
        (void)dogbreed_trainer_release(profile->tie->trainer, profile->steps);
    }
    profile->steps = 0;
}

// The first step of a run makes buffers and chooses kernels: the second one is the first that
// counts.
static int hear_step(const dogbreed_event *event, void *userdata) {
    dogbreed_profile *profile = userdata;
    dogb_error_state error;
    dogb_error_save(&error, 0);
    if (event->kind == DOGBREED_EVENT_STEP_END) {
        profile->recorded += profile->recording;
        if (profile->recorded == profile->wanted) {
            end_activities(profile);
        }
    } else if (++profile->seen == 2) {
        int rc =
            dogb_engine_result(profile->engine, profile->engine->activities_begin(), "operators");
        profile->recording = rc == DOGBREED_OK;
        if (rc < 0) {
            dogb_log(DOGBREED_LOG_WARNING, "profile: %s", dogbreed_error_message());
            end_activities(profile);
        }
    }
    (void)dogb_error_restore(&error);
    return DOGBREED_OK;
}

static int begin_activities(dogbreed_profile *profile, const dogbreed_profile_options *options) {
    const char *device = NULL;
    dogbreed_trainer *trainer = profile->tie->trainer;
    const dogb_engine *engine = dogb_trainer_engine(trainer, &device);
    int gpu = device != NULL && strncmp(device, "cuda", 4) == 0;
    int32_t wanted = options->profile_kernels >= 0 ? options->profile_kernels : gpu ? GPU_STEPS : 0;
    profile->seen = 0;
    profile->recorded = 0;
    profile->wanted = wanted;
    profile->engine = engine;
    if (wanted == 0 || engine == NULL) {
        return DOGBREED_OK;
    }
    if (engine->activities_begin == NULL || engine->activities_end == NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "profile_kernels: engine %s does not record operators; engine torch does",
                         engine->name);
    }
    return dogbreed_trainer_subscribe(trainer, &profile->steps,
                                      DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN) |
                                          DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END),
                                      hear_step, profile);
}

// The options as they are now. Strings are copied.
static int current(dogbreed_profile_options *out, dogb_arena *arena,
                   const dogbreed_profile *profile) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&profile->lock;
    (void)pthread_mutex_lock(lock);
    int rc = dogb_profile_import(out, &profile->options, arena);
    (void)pthread_mutex_unlock(lock);
    return rc;
}

static dogb_profile_judging judging_of(const dogbreed_profile_options *options) {
    return (dogb_profile_judging){.parity = options->profile_parity,
                                  .overrides = options->profile_rules};
}

// --- a run

static void set_collector(dogbreed_profile *profile, dogb_collector *collector) {
    (void)pthread_mutex_lock(&profile->lock);
    dogb_collector *before = profile->collector;
    profile->collector = collector;
    (void)pthread_mutex_unlock(&profile->lock);
    dogb_collector_destroy(before);
}

static int begin(dogbreed_profile *profile) {
    dogb_arena scratch = {0};
    dogbreed_profile_options options;
    dogb_collector *collector = NULL;
    if (profile->collector != NULL) { // of a run whose end was not heard
        dogb_collector_stop(profile->collector);
    }
    json_t *facts = dogb_json_object(&scratch);
    int rc = facts == NULL ? DOGBREED_ERROR_NO_MEMORY : current(&options, &scratch, profile);
    if (rc == DOGBREED_OK && dogb_span_listener != NULL) {
        rc = dogb_fail(DOGBREED_ERROR_STATE, "another profile records this thread");
    }
    if (rc == DOGBREED_OK &&
        (rc = dogb_profile_facts(facts, profile->tie->trainer, &options)) == DOGBREED_OK) {
        dogb_collector_conf conf = {.directory = profile->directory,
                                    .facts = facts,
                                    .trace_bytes = options.profile_trace_bytes,
                                    .interval = options.profile_interval,
                                    .layers = options.profile_layers,
                                    .gpu = options.profile_gpu,
                                    .parity = options.profile_parity};
        rc = dogb_collector_start(&collector, &conf);
    }
    if (rc == DOGBREED_OK) {
        set_collector(profile, collector);
        rc = begin_activities(profile, &options);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// The document under the collector's lock. STATE: no run has begun.
static int summarise(json_t **out, dogb_arena *arena, const dogbreed_profile *profile) {
    dogbreed_profile_options options;
    int rc = current(&options, arena, profile);
    if (rc < 0) {
        return rc;
    }
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&profile->lock;
    dogb_profile_judging judging = judging_of(&options);
    (void)pthread_mutex_lock(lock); // the collector stays
    if (profile->collector == NULL) {
        rc = dogb_fail(DOGBREED_ERROR_STATE, "profile: no run has begun");
    } else {
        const dogb_profile_data *data = dogb_collector_lock(profile->collector);
        rc = dogb_profile_summary(out, arena, data, &judging);
        dogb_collector_unlock(profile->collector);
    }
    (void)pthread_mutex_unlock(lock);
    return rc;
}

static int end(dogbreed_profile *profile) {
    dogb_arena scratch = {0};
    json_t *summary = NULL;
    end_activities(profile); // a short run
    dogb_collector_stop(profile->collector);
    int rc = summarise(&summary, &scratch, profile);
    if (rc == DOGBREED_OK && profile->directory != NULL) {
        dogb_profile_write(profile->directory, summary);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Never ends a training.
static int hear(const dogbreed_event *event, void *userdata) {
    dogbreed_profile *profile = userdata;
    dogb_error_state error;
    dogb_error_save(&error, 0);
    int begins = event->kind == DOGBREED_EVENT_RUN_BEGIN;
    int rc = begins ? begin(profile) : profile->collector == NULL ? DOGBREED_OK : end(profile);
    if (rc < 0) {
        dogb_log(DOGBREED_LOG_WARNING, "profile: %s", dogbreed_error_message());
    }
    (void)dogb_error_restore(&error);
    return DOGBREED_OK;
}

// --- its life

static void release_tie(tie *t) {
    if (t != NULL && dogb_ref_drop(&t->ref)) {
        dogb_free(t);
    }
}

static void forget_trainer(void *pointer) {
    tie *t = pointer;
    t->trainer = NULL;
    release_tie(t);
}

static int tie_to(dogbreed_profile *profile, dogbreed_trainer *trainer) {
    profile->tie = dogb_malloc(1, sizeof *profile->tie);
    if (profile->tie == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    profile->tie->ref = 2;
    profile->tie->trainer = trainer;
    return dogb_trainer_defer(trainer, forget_trainer, profile->tie);
}

static int fill(dogbreed_profile *profile, const char *directory,
                const dogbreed_profile_options *options) {
    int rc = dogb_profile_import(&profile->options, options, &profile->texts);
    if (rc == DOGBREED_OK && directory != NULL) {
        profile->directory = dogb_path_join(&profile->arena, directory, "profile");
        rc = profile->directory == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    return rc;
}

int dogbreed_profile_attach(dogbreed_profile **out, dogbreed_trainer *trainer,
                            const char *directory, const dogbreed_profile_options *options) {
    DOGB_CHECK(out != NULL, "out: is NULL");
    *out = NULL;
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    DOGB_CHECK(directory == NULL || *directory != '\0', "directory: is empty");
    dogbreed_profile *profile = dogb_malloc(1, sizeof *profile);
    if (profile == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (pthread_mutex_init(&profile->lock, NULL) != 0) {
        dogb_free(profile);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    int rc = fill(profile, directory, options);
    if (rc == DOGBREED_OK && (rc = tie_to(profile, trainer)) == DOGBREED_OK) {
        rc = dogbreed_trainer_subscribe(trainer, &profile->subscription,
                                        DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_BEGIN) |
                                            DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_END),
                                        hear, profile);
    }
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogbreed_profile_destroy(profile);
        return dogb_error_restore(&error);
    }
    *out = profile;
    return DOGBREED_OK;
}

void dogbreed_profile_destroy(dogbreed_profile *profile) {
    if (profile == NULL) {
        return;
    }
    if (profile->tie != NULL && profile->tie->trainer != NULL && profile->subscription > 0) {
        (void)dogbreed_trainer_release(profile->tie->trainer, profile->subscription);
    }
    release_tie(profile->tie);
    if (profile->collector != NULL && dogb_collector_runs(profile->collector)) {
        (void)end(profile); // the run's end was not heard
    }
    dogb_collector_destroy(profile->collector);
    (void)pthread_mutex_destroy(&profile->lock);
    dogb_arena_free(&profile->texts);
    dogb_arena_free(&profile->arena);
    dogb_free(profile);
}

int dogbreed_profile_configure(dogbreed_profile *profile, const dogbreed_profile_options *options) {
    DOGB_CHECK(profile != NULL, "profile: is NULL");
    dogbreed_profile_options wanted;
    dogb_arena texts = {0};
    int rc = dogb_profile_import(&wanted, options, &texts);
    if (rc < 0) {
        dogb_arena_free(&texts);
        return rc;
    }
    (void)pthread_mutex_lock(&profile->lock);
    dogb_arena before = profile->texts;
    profile->texts = texts;
    profile->options = wanted;
    if (profile->collector != NULL) {
        dogb_collector_configure(profile->collector, wanted.profile_interval,
                                 wanted.profile_layers);
    }
    (void)pthread_mutex_unlock(&profile->lock);
    dogb_arena_free(&before);
    return DOGBREED_OK;
}

int dogbreed_profile_summary(char **json, const dogbreed_profile *profile) {
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(profile != NULL, "profile: is NULL");
    dogb_arena scratch = {0};
    json_t *summary = NULL;
    int rc = summarise(&summary, &scratch, profile);
    rc = rc < 0 ? rc : dogb_json_text_out(json, summary, 0);
    dogb_arena_free(&scratch);
    return rc;
}

// --- stored ones

// The trace has reached its size: results about phases are those of the run's own end.
static int keep_stored(json_t *summary, dogb_arena *arena, const char *directory) {
    static const char *const members[] = {"job",    "modes",      "phases", "concurrent", "steps",
                                          "layers", "activities", "loader", "advice"};
    json_t *stored = NULL;
    const char *path = dogb_path_join(arena, directory, "summary.json");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_json_read(&stored, arena, path, "profile", 1);
    if (rc < 0) {
        return rc == DOGBREED_ERROR_NOT_FOUND ? DOGBREED_OK : rc;
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(stored, members[i]);
        if (value != NULL && json_object_set(summary, members[i], value) != 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    json_t *rules = json_object_get(summary, "rules");
    const json_t *old = json_object_get(stored, "rules");
    for (size_t i = 0; i < dogb_profile_rule_count; i++) {
        json_t *value = json_array_get(old, i);
        if ((dogb_profile_rules[i].flags & DOGB_PROFILE_RULE_SPANS) != 0 && value != NULL &&
            json_array_set(rules, i, value) != 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

int dogbreed_profile_results(char **json, const char *directory,
                             const dogbreed_profile_options *options) {
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    dogb_arena scratch = {0};
    dogbreed_profile_options wanted;
    dogb_profile_data data = {0};
    json_t *summary = NULL;
    int rc = dogb_profile_import(&wanted, options, &scratch);
    char *folder = rc < 0 ? NULL : dogb_path_join(&scratch, directory, "profile");
    if (folder == NULL) {
        rc = rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    folder = dogb_directory_exists(folder) ? folder : dogb_strdup(&scratch, directory);
    dogb_profile_judging judging = judging_of(&wanted);
    if (folder == NULL || (rc = dogb_profile_read(&data, folder)) < 0 ||
        (rc = dogb_profile_summary(&summary, &scratch, &data, &judging)) < 0 ||
        (data.unwritten > 0 && (rc = keep_stored(summary, &scratch, folder)) < 0)) {
        goto out;
    }
    rc = dogb_json_text_out(json, summary, 0);
out:
    dogb_profile_data_free(&data);
    dogb_arena_free(&scratch);
    return rc;
}
