// facts.c - what a profile says of the trainer that it watches: its options, the engine, the data.
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "dataset/dataset_internal.h"
#include "model/model_internal.h"
#include "profile/profile_internal.h"
#include "trainer/trainer_internal.h"

enum { PROBED = 16 }; // pictures whose headers are looked at
static const size_t HEADER_MAX = (size_t)64 << 20;

// Mean bytes of a decoded picture; 0: none could be read.
static double picture_bytes(const dogbreed_dataset *dataset) {
    int64_t size = dataset == NULL ? 0 : dogbreed_dataset_size(dataset);
    int64_t step = size > PROBED ? size / PROBED : 1;
    dogb_image_limits limits;
    double sum = 0.0;
    int known = 0;
    for (int64_t i = 0; i < size; i += step) {
        dogb_arena scratch = {0};
        dogb_map map;
        dogb_image_info info;
        const char *path = dogb_dataset_path(dataset, i);
        dogb_dataset_limits(&limits, dataset);
        if (dogb_map_open(&map, &scratch, path, HEADER_MAX) == DOGBREED_OK &&
            dogb_image_probe(&info, map.data, map.size, &limits, path) == DOGBREED_OK) {
            sum += 3.0 * (double)info.width * (double)info.height;
            known++;
        }
        dogb_arena_free(&scratch);
    }
    return known > 0 ? sum / known : 0.0;
}

double dogb_profile_decoded_bytes(const dogbreed_trainer *trainer) {
    const dogbreed_dataset *train = dogb_trainer_train_set(trainer);
    const dogbreed_dataset *valid = dogb_trainer_valid_set(trainer);
    double pictures = (double)dogbreed_dataset_size(train) +
                      (valid == NULL ? 0.0 : (double)dogbreed_dataset_size(valid));
    dogb_error_state error;
    dogb_error_save(&error, 0);
    double mean = picture_bytes(train);
    (void)dogb_error_restore(&error);
    return mean * pictures * 1.05; // headers of the cache, and that it was an estimate
}

static void put_machine(dogb_doc *doc, json_t *machine, const dogbreed_trainer *trainer) {
    int frozen = dogb_model_frozen(dogb_trainer_model(trainer));
    int cached = frozen && dogb_trainer_options(trainer)->feature_cache == DOGBREED_CACHE_ON;
    dogb_doc_int(doc, machine, "frozen", frozen);
    dogb_doc_real(doc, machine, "memory_free", (double)dogb_memory_free());
    // With stored features pictures are decoded once.
    dogb_doc_real(doc, machine, "decoded_bytes",
                  cached ? 0.0 : dogb_profile_decoded_bytes(trainer));
}

int dogb_profile_facts(json_t *facts, const dogbreed_trainer *trainer,
                       const dogbreed_profile_options *options) {
    dogb_doc doc = {DOGBREED_OK};
    dogb_doc_text(&doc, facts, "format", "dogbreed.trace");
    dogb_doc_int(&doc, facts, "version", 1);
    put_machine(&doc, dogb_doc_object(&doc, facts, "machine"), trainer);
    json_t *own = dogb_doc_object(&doc, facts, "trainer");
    json_t *all = dogb_doc_object(&doc, facts, "options");
    json_t *profile = dogb_doc_object(&doc, facts, "profile");
    dogb_doc_int(&doc, profile, "interval_ms", options->profile_interval);
    dogb_doc_int(&doc, profile, "layers", options->profile_layers);
    dogb_doc_int(&doc, profile, "trace_bytes", options->profile_trace_bytes);
    dogb_doc_int(&doc, profile, "parity", options->profile_parity);
    int rc = doc.rc < 0 ? doc.rc : dogb_trainer_facts(trainer, own);
    return rc < 0 ? rc
                  : dogb_table_to_json(all, &dogb_trainer_table, dogb_trainer_options(trainer));
}
