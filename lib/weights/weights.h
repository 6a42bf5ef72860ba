// weights.h - tensors in files: readers for safetensors and the three .pth containers, two writers.
// Hostile files are refused with a message; nothing in a file is ever executed.
#ifndef DOGB_WEIGHTS_WEIGHTS_H
#define DOGB_WEIGHTS_WEIGHTS_H

#include "core/arena.h"
#include "core/json.h"

#include <dogbreed/weights.h>
#include <stdint.h>

enum { DOGB_WEIGHT_RANK_MAX = 8 };

typedef enum dogb_dtype {
    DOGB_F32 = 0,
    DOGB_F64,
    DOGB_F16,
    DOGB_BF16,
    DOGB_I64,
    DOGB_I32,
    DOGB_I16,
    DOGB_I8,
    DOGB_U8,
    DOGB_BOOL,
    DOGB_U16,
    DOGB_U32,
    DOGB_U64,
    DOGB_C64,
    DOGB_F8_E4M3,
    DOGB_F8_E5M2,
    DOGB_DTYPE_COUNT
} dogb_dtype;
const char *dogb_dtype_name(int32_t dtype); // safetensors' spelling: "F32"
size_t dogb_dtype_size(int32_t dtype);      // bytes; what the data must be aligned to
int32_t dogb_dtype_find(const char *name);  // -1: none of ours

typedef struct dogb_weight {
    const char *name;
    const void *data; // C order, little endian, aligned for its type; owned by the file object
    size_t bytes;
    int32_t dtype; // DOGB_F32, ...
    int32_t rank;
    int64_t shape[DOGB_WEIGHT_RANK_MAX];
} dogb_weight;

typedef struct dogb_weights {
    dogb_arena arena;
    const char *path;
    const char *format;   // "safetensors", "pth (zip)", "pth (legacy)", "pth (tar)"
    json_t *metadata;     // safetensors: object of strings; else an empty object
    dogb_weight *tensors; // order of the file
    size_t count;
    size_t capacity;
    const dogb_weight **by_name; // the same, sorted by name (for dogb_weights_find)
    uint64_t file_bytes;
} dogb_weights;

// Opens by content, not by name. A .pth may hold a state dict, or a dict with one under
// "state_dict", "model" or "model_state_dict". Errors: NOT_FOUND, FORMAT, UNSUPPORTED, IO,
// NO_MEMORY.
int dogb_weights_open(dogb_weights **out, const char *path);
void dogb_weights_destroy(dogb_weights *weights);                                    // NULL is fine
const dogb_weight *dogb_weights_find(const dogb_weights *weights, const char *name); // NULL: none

// Values as float32 (from any float or integer type). count must equal the tensor's. UNSUPPORTED
// for complex.
int dogb_weight_to_f32(float *out, size_t count, const dogb_weight *tensor);

// Writers: written aside, synced, renamed. metadata (may be NULL): object of strings.
int dogb_safetensors_write(const char *path, const dogb_weight *tensors, size_t count,
                           const json_t *metadata);
int dogb_pth_write(const char *path, const dogb_weight *tensors, size_t count);

// A safetensors header alone, for readers that want only the metadata (info, report): no tensor is
// touched.
int dogb_safetensors_metadata(json_t **out, dogb_arena *arena, const char *path);

#endif
