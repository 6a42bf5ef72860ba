// pickle.h - a restricted machine for protocol-2 pickles as torch.save writes them. It builds plain
// values (numbers, text, tuples, lists, dicts, references to storages and tensors); names of Python
// objects are looked up in a fixed table, nothing is imported, called or executed. What is not in
// the tables is refused.
#ifndef DOGB_WEIGHTS_PICKLE_H
#define DOGB_WEIGHTS_PICKLE_H

#include "core/arena.h"
#include "weights/weights.h"

#include <stdint.h>

typedef enum dogb_value_kind {
    DOGB_VALUE_UNSET = 0, // a memo slot that nothing was put into
    DOGB_VALUE_NONE,
    DOGB_VALUE_BOOL,
    DOGB_VALUE_INT,
    DOGB_VALUE_REAL,
    DOGB_VALUE_TEXT,
    DOGB_VALUE_TUPLE,
    DOGB_VALUE_LIST,
    DOGB_VALUE_DICT, // keys and values alternate, in the order of insertion; a later key wins
    DOGB_VALUE_GLOBAL,
    DOGB_VALUE_STORAGE,
    DOGB_VALUE_TENSOR,
    DOGB_VALUE_OPAQUE // something harmless that holds no tensors: a set, a device
} dogb_value_kind;

typedef struct dogb_value dogb_value;
typedef struct dogb_pickle dogb_pickle;

typedef struct dogb_items {
    dogb_value *at;
    size_t count;
    size_t capacity;
} dogb_items;

// A block of numbers as the pickle describes it; the container knows where its bytes are.
typedef struct dogb_storage_ref {
    const char *key; // not zero-terminated
    size_t key_length;
    const char *type;    // Python's name of the storage class: "FloatStorage"
    int32_t dtype;       // -1: one that this library does not read
    int32_t untyped;     // numel counts bytes, the tensor names the dtype
    int64_t root_numel;  // elements of the whole storage
    int64_t view_offset; // elements: a view of the storage, of files before 0.4
    int64_t numel;       // elements of the view; else root_numel
} dogb_storage_ref;

typedef struct dogb_tensor_ref {
    const dogb_storage_ref *storage;
    int64_t offset; // elements
    int32_t dtype;
    int32_t rank;
    int64_t shape[DOGB_WEIGHT_RANK_MAX];
    int64_t stride[DOGB_WEIGHT_RANK_MAX]; // elements
} dogb_tensor_ref;

enum {
    DOGB_GLOBAL_CALLABLE = 0, // REDUCE and NEWOBJ run `call`
    DOGB_GLOBAL_STORAGE,      // a storage class
    DOGB_GLOBAL_DTYPE,        // torch.float32, ...
    DOGB_GLOBAL_TENSOR        // a tensor class: only named
};

// A row of the table of allowed names. `call` makes the result from the arguments.
typedef struct dogb_global {
    const char *module;
    const char *name;
    int32_t role;
    int32_t dtype;
    int (*call)(dogb_pickle *pickle, dogb_value *out, const dogb_value *args);
} dogb_global;

struct dogb_value {
    uint32_t kind;
    uint32_t length; // of text
    union {
        int64_t number; // BOOL, INT
        double real;
        const char *text; // points into the pickle; not zero-terminated
        dogb_items *items;
        const dogb_global *global;
        const dogb_storage_ref *storage;
        const dogb_tensor_ref *tensor;
    } as;
};

// Zeroed; then what, data, size, arena and persistent are set.
struct dogb_pickle {
    dogb_arena *arena; // values live as long as it
    const char *what;  // "model.pth: data.pkl"
    const uint8_t *data;
    size_t size;
    size_t position; // where the next pickle begins
    // Turns a persistent id into a storage or a tensor. NULL: ids are refused.
    int (*persistent)(dogb_pickle *pickle, dogb_value *out, const dogb_value *id);
    void *userdata;
    // The machine's own.
    dogb_value *stack;
    size_t *marks; // stack depths
    dogb_value *memo;
    char *chunk; // small values are cut from chunks
    size_t chunk_left;
    size_t depth;
    size_t stack_capacity;
    size_t mark_count;
    size_t mark_capacity;
    size_t memo_count;
    size_t memo_capacity;
    size_t puts;
    size_t operations; // of all pickles of this machine
    const char *opcode;
};

// Runs one pickle from `position` to its STOP. FORMAT, UNSUPPORTED, NO_MEMORY.
int dogb_pickle_load(dogb_pickle *pickle, dogb_value *out);

// --- for the tables and the containers
const dogb_global *dogb_pickle_global(const char *module, size_t module_length, const char *name,
                                      size_t name_length);              // NULL: not allowed
int dogb_pickle_refuse(const dogb_pickle *pickle, const char *text);    // FORMAT, with the position
void *dogb_pickle_take(dogb_pickle *pickle, size_t count, size_t size); // zeroed, NULL: no memory
int dogb_pickle_items(dogb_pickle *pickle, dogb_value *out, uint32_t kind);
int dogb_pickle_append(dogb_pickle *pickle, dogb_items *items, const dogb_value *value);
int dogb_text_equals(const dogb_value *value, const char *text);
int dogb_text_compare(const char *a, size_t a_length, const char *b, size_t b_length);

// Fills tensor->shape, stride and rank from two tuples and checks that the tensor stays inside its
// storage. storage, dtype and offset are set before.
int dogb_pickle_geometry(const dogb_pickle *pickle, dogb_tensor_ref *tensor,
                         const dogb_value *shape, const dogb_value *stride);

// A key as text, also when it is a number. INVALID kinds are refused.
int dogb_pickle_key(dogb_pickle *pickle, const char **key, size_t *length, const dogb_value *value);

#endif
