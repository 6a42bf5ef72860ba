// model_internal.h - what the folders above may know of a model: graph, host weights,
// preprocessing, freezing.
#ifndef DOGB_MODEL_INTERNAL_H
#define DOGB_MODEL_INTERNAL_H

#include "core/hash.h"
#include "core/table.h"
#include "engine/engine.h"
#include "graph/graph.h"
#include "image/image.h"

#include <dogbreed/model.h>

extern const dogb_table dogb_model_table;

const dogb_graph *dogb_model_graph(const dogbreed_model *model);
const void *const *
dogb_model_weights(const dogbreed_model *model); // host data by parameter index (float32; int64)
void *dogb_model_weight(dogbreed_model *model, int32_t param); // the same, to write
int dogb_model_trainable(const dogbreed_model *model, int32_t param);
// 1: the weight was drawn at creation; 0: it came out of a file.
int dogb_model_fresh(const dogbreed_model *model, int32_t param);
const dogb_preprocess *dogb_model_preprocess(const dogbreed_model *model);
int32_t dogb_model_batch_norm(const dogbreed_model *model); // DOGB_BN_ of training forwards
dogbreed_model *dogb_model_retain(const dogbreed_model *model);

// 1 when every parameter up to graph->feature is frozen (and their batch norms too): features can
// be computed once.
int dogb_model_frozen(const dogbreed_model *model);
// SHA-256 over the frozen prefix: its nodes and the bytes of its weights. Part of the feature
// store's key.
int dogb_model_prefix_hash(dogb_sha256 *out, const dogbreed_model *model);
// Prefix (input .. feature) and head (feature .. output) as graphs of their own, with the model's
// host weights by their parameter indices; owned by the arena.
typedef struct dogb_part {
    dogb_graph *graph;
    const void **weights; // by the part's parameter index
    int32_t *params;      // the model's parameter index of each
} dogb_part;
int dogb_model_prefix(dogb_part *out, dogb_arena *arena, const dogbreed_model *model);
int dogb_model_head(dogb_part *out, dogb_arena *arena, const dogbreed_model *model);

// out[label of the dataset] = class of the model with the same name; in the arena. MISMATCH names a
// class that the model does not have.
int dogb_model_match_classes(int32_t **out, dogb_arena *arena, const dogbreed_model *model,
                             const dogbreed_dataset *dataset);

// A model with another network for the same pictures and classes; takes the graph, also on failure.
// Its weights are not filled; everything but the head is frozen.
int dogb_model_rebuild(dogbreed_model **out, const dogbreed_model *from, dogb_graph *graph);

// The engine that inference uses, and its number format: *dtype comes as DOGBREED_DTYPE_ and auto
// becomes int8 for a quantised model where the engine can, else f32. INVALID_ARGUMENT: int8 asked
// of a model that is not quantised.
int dogb_model_engine(const dogb_engine **out, int32_t *dtype, const dogbreed_model *model,
                      const char *name, const char *device);

// The model document's members that others fill: results by split, what it was trained on. Copied.
int dogb_model_set_info(dogbreed_model *model, const char *key,
                        const json_t *value); // "metrics", "trained_on",
                                              // "quantization"

// The "preprocess" member of the model document: everything that decides which pixels the network
// sees.
int dogb_model_preprocess_json(json_t *object, const dogb_preprocess *preprocess);

// Model files. `extra` for checkpoints: the same writer under another name.
int dogb_model_write(const dogbreed_model *model, const char *path);
// As dogbreed_model_load, for a model that is read once and soon destroyed: its weights are the
// mapped file's own bytes and must not be written.
int dogb_model_map(dogbreed_model **out, const char *path);

#endif
