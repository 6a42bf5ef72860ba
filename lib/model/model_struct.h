// model_struct.h - the model itself, for the files of lib/model only.
#ifndef DOGB_MODEL_STRUCT_H
#define DOGB_MODEL_STRUCT_H

#include "arch/arch.h"
#include "core/ref.h"
#include "model/model_internal.h"
#include "weights/weights.h"

enum { DOGB_MODEL_VERSION = 1 }; // of the model document

struct dogbreed_model {
    dogb_arena arena;
    dogb_graph *graph;
    void **weights;     // by parameter index: float32, int64 for the counter of batch norm
    uint8_t *trainable; // by parameter index; always 0 for buffers
    uint8_t *fresh;     // by parameter index: drawn at creation, not read from a file
    const char **classes;
    const char *head;   // text of the option
    const char *freeze; // text of the option; "custom" after dogbreed_model_set_trainable
    json_t *document;   // members of the model document that have no field here
    dogb_preprocess preprocess;
    int32_t class_count;
    int32_t batch_norm; // DOGB_BN_ of training forwards
    dogb_ref refs;
};

// An empty model. The caller destroys it on failure.
int dogb_model_new(dogbreed_model **out);
// Takes the graph (also on failure), makes room for its weights' pointers.
int dogb_model_take_graph(dogbreed_model *model, dogb_graph *graph);
// Copies names; bytes that are not UTF-8 are replaced as JSON would have it. FORMAT: two equal
// ones, an empty one.
int dogb_model_take_classes(dogbreed_model *model, const char *const *names, int32_t count,
                            const char *what);
// Memory of one parameter.
int dogb_model_make_weight(dogbreed_model *model, int32_t param);

// First node of the head. Without a feature node it is the last node that has parameters.
int32_t dogb_model_head_start(const dogb_graph *graph);

// Initial values, keyed by (seed, parameter name).
int dogb_model_draw(dogbreed_model *model, int32_t param, uint64_t seed);

// Marks parameters by the freeze option. INVALID_ARGUMENT names the stages.
int dogb_model_freeze(dogbreed_model *model, const char *freeze);

// Loads pretrained weights by name; a head that does not fit is drawn anew.
int dogb_model_pretrained(dogbreed_model *model, const dogb_arch *arch, const char *path,
                          uint64_t seed);
// Copies a tensor of a file into parameter `param` when name, shape and type fit. MISMATCH.
int dogb_model_copy_tensor(dogbreed_model *model, int32_t param, const dogb_weight *tensor,
                           const char *path);
// The same without a copy where the file has float32: it must outlive the model.
int dogb_model_borrow_tensor(dogbreed_model *model, int32_t param, const dogb_weight *tensor,
                             const char *path);
int dogb_model_tensor_fits(const dogb_param *param, const dogb_weight *tensor);

// int8.c: 1 when the parameter is the weight of an int8 layer; its tensor for a file, whole numbers
// in the arena; and all such weights of a file times their scales. FORMAT.
int dogb_model_is_int8(const dogb_graph *graph, int32_t param);
int dogb_model_int8_tensor(dogb_weight *tensor, dogb_arena *arena, const dogbreed_model *model,
                           int32_t param);
int dogb_model_int8_expand(dogbreed_model *model, const char *path);

// The model document of a model file, and back (everything but the graph and its tensors).
int dogb_model_to_document(json_t **out, dogb_arena *arena, const dogbreed_model *model);
int dogb_model_from_document(dogbreed_model *model, const json_t *document, const char *what);
// A model without weights from the two texts in a file's metadata. What a hostile file reaches
// first.
int dogb_model_parse(dogbreed_model **out, const char *document, const char *graph,
                     const char *what);

#endif
