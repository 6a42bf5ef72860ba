// served.c - see served.h.
#include "serve/served.h"
#include "core/error.h"
#include "core/memory.h"
#include "predictor/predictor_infer.h"

#include <string.h>

int dogb_served_is_name(const char *name) {
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return *name != '\0' && strlen(name) <= 200 && name[good] == '\0' &&
           strstr(name, "..") == NULL && strcmp(name, ".") != 0;
}

static int check_name(const char *option, const char *name) {
    DOGB_CHECK(dogb_served_is_name(name),
               "%s: \"%s\": expected letters, digits, '-', '_' and '.'; set it by that option",
               option, name);
    return DOGBREED_OK;
}

static int set_facts(dogb_served *served, dogb_arena *arena,
                     const dogbreed_serve_options *options) {
    dogb_predictor_facts facts;
    dogb_predictor_facts_get(&facts, served->predictor);
    const char **labels = dogb_alloc(arena, (size_t)facts.classes, sizeof *labels);
    if (labels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < facts.classes; i++) {
        labels[i] = dogbreed_predictor_class_name(served->predictor, i);
    }
    served->facts.labels = labels;
    served->facts.classes = facts.classes;
    served->facts.side = facts.side;
    served->facts.items_max = options->items_max;
    return DOGBREED_OK;
}

int dogb_served_open(dogb_served *out, dogb_arena *arena, const char *path, const char *name,
                     const char *version, const dogbreed_serve_options *options,
                     const dogbreed_predictor_options *predictor) {
    const dogb_batcher_conf conf = {.batch_size = options->batch_size,
                                    .queue_max = options->queue_max,
                                    .delay_s = 1e-3 * options->batch_delay_ms,
                                    .workers = options->workers};
    dogbreed_predictor_options own = *predictor;
    own.batch_size = options->batch_size;
    out->facts.name = name;
    out->facts.version = version;
    int rc = dogbreed_predictor_create(&out->predictor, path, &own);
    dogb_memory_trim(); // the file's own weights, folded ones
    if (rc < 0 || (rc = set_facts(out, arena, options)) < 0 ||
        (rc = check_name("model_name", name)) < 0 ||
        (rc = check_name("model_version", version)) < 0) {
        return rc;
    }
    return dogb_batcher_create(&out->batcher, out->predictor, &conf);
}

void dogb_served_close(dogb_served *served) {
    dogb_batcher_destroy(served->batcher);
    dogbreed_predictor_destroy(served->predictor);
    dogb_memory_trim();
    *served = (dogb_served){.batcher = NULL};
}
