// advice.c - settings that the measured run calls for. Each entry names the option, its value, what
// was measured, and whether it can be set without changing what the training computes.
#include "profile/summary.h"

#include "core/error.h"
#include "profile/doc.h"
#include "profile/profile_internal.h"

#include <stdio.h>
#include <string.h>

typedef struct adviser {
    dogb_doc doc;
    json_t *list;
    const dogb_profile_data *data;
} adviser;

void dogb_profile_advise_add(dogb_doc *doc, json_t *list, const char *option, const char *value,
                             int safe, const char *reason) {
    json_t *entry = dogb_doc_object(doc, list, NULL);
    dogb_doc_text(doc, entry, "option", option);
    dogb_doc_text(doc, entry, "value", value);
    dogb_doc_text(doc, entry, "reason", reason);
    (void)dogb_doc_put(doc, entry, "safe", json_boolean(safe));
}

static void advise(adviser *a, const char *option, const char *value, int safe,
                   const char *reason) {
    dogb_profile_advise_add(&a->doc, a->list, option, value, safe, reason);
}

static double fact(const adviser *a, const char *group, const char *name) {
    return dogb_profile_fact(a->data, group, name);
}

static int is_text(const adviser *a, const char *group, const char *name, const char *text) {
    return strcmp(dogb_profile_fact_text(a->data, group, name), text) == 0;
}

static double percent(const adviser *a, double ns) {
    double total = (double)dogb_account_total(&a->data->account);
    return total > 0.0 ? 100.0 * ns / total : 0.0;
}

// The run's thread waits while threads that load are busy.
static double waiting(const adviser *a) {
    const dogb_account *account = &a->data->account;
    if (account->loader.threads == 0 ||
        2 * account->loader.ns < dogb_account_kind(account, DOGB_SPAN_WAIT)) {
        return 0.0; // rows of features, or something else than the loader
    }
    return percent(a, (double)dogb_account_kind(account, DOGB_SPAN_WAIT));
}

static void advise_threads(adviser *a) {
    char value[24];
    char reason[200];
    double wait = waiting(a);
    int threads = (int)fact(a, "trainer", "loader_threads");
    if (wait < 20.0 || threads >= a->data->allowed) {
        return;
    }
    (void)snprintf(value, sizeof value, "%d", (int)a->data->allowed);
    (void)snprintf(reason, sizeof reason,
                   "%.0f %% of the run waits for pictures; %d of %d usable cores load them", wait,
                   threads, (int)a->data->allowed);
    advise(a, "loader_threads", value, 1, reason);
}

static void advise_features(adviser *a) {
    char reason[200];
    double forward = percent(a, (double)a->data->account.ns[DOGB_CONTEXT_STEP][DOGB_SPAN_FORWARD] +
                                    (double)a->data->account.ns[DOGB_CONTEXT_STEP][DOGB_SPAN_WAIT]);
    if (fact(a, "machine", "frozen") == 0.0 || !is_text(a, "options", "feature_cache", "off") ||
        fact(a, "options", "epochs") < 2.0) {
        return;
    }
    (void)snprintf(reason, sizeof reason,
                   "the backbone is frozen, but every epoch runs it again: %.0f %% of the run are "
                   "forward passes and waiting for pictures",
                   forward);
    advise(a, "feature_cache", "on", 0, reason); // without augmentation: other numbers
}

void dogb_profile_decoded_reason(char out[240], const char *why, double need, double free) {
    int small = need < 1e9;
    (void)snprintf(out, 240,
                   "%s; all pictures decoded take about %.1f %s of the %.1f GB that are free", why,
                   need * (small ? 1e-6 : 1e-9), small ? "MB" : "GB", free * 1e-9);
}

static void advise_decoded(adviser *a) {
    char value[32];
    char why[80];
    char reason[240];
    double wait = waiting(a);
    double need = fact(a, "machine", "decoded_bytes");
    double free = fact(a, "machine", "memory_free");
    if (wait < 20.0 || fact(a, "trainer", "cached_features") != 0.0 || need <= 0.0 ||
        fact(a, "options", "decoded_cache_bytes") >= need || need > 0.5 * free ||
        fact(a, "options", "epochs") < 2.0) {
        return;
    }
    (void)snprintf(value, sizeof value, "%.0f", need);
    (void)snprintf(why, sizeof why, "%.0f %% of the run waits for pictures", wait);
    dogb_profile_decoded_reason(reason, why, need, free);
    advise(a, "decoded_cache_bytes", value, 1, reason);
}

static void advise_device(adviser *a) {
    char reason[200];
    if (a->data->gpus == 0 || !is_text(a, "trainer", "device", "cpu")) {
        return;
    }
    (void)snprintf(reason, sizeof reason, "%d GPU is there, and the run was on the CPU",
                   (int)a->data->gpus);
    advise(a, "device", "cuda", 0, reason); // other rounding than a CPU's
}

static void advise_checkpoints(adviser *a) {
    char reason[200];
    double share = percent(a, (double)dogb_account_kind(&a->data->account, DOGB_SPAN_CHECKPOINT));
    if (share < 10.0 || dogb_profile_seconds(a->data) < 10.0) {
        return;
    }
    (void)snprintf(reason, sizeof reason,
                   "%.0f %% of the run writes checkpoints and models; this variable of the "
                   "environment makes them rarer",
                   share);
    advise(a, "DOGBREED_CHECKPOINT_SECONDS", "60", 1, reason);
}

int dogb_profile_advice(json_t **out, dogb_arena *arena, const dogb_profile_data *data) {
    static void (*const all[])(adviser *) = {advise_threads, advise_features, advise_decoded,
                                             advise_device, advise_checkpoints};
    adviser a = {.data = data};
    a.list = dogb_json_array(arena);
    *out = a.list;
    if (a.list == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        all[i](&a);
    }
    return a.doc.rc;
}
