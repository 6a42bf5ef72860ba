// pickle_globals.c - the Python names that a weight file may mention, and what this library makes
// of them.
#include "core/error.h"
#include "weights/pickle.h"
#include "weights/reader.h"

#include <stdio.h>
#include <string.h>

int dogb_pickle_key(dogb_pickle *pickle, const char **key, size_t *length,
                    const dogb_value *value) {
    if (value->kind == DOGB_VALUE_TEXT) {
        *key = value->as.text;
        *length = value->length;
        return DOGBREED_OK;
    }
    if (value->kind != DOGB_VALUE_INT) {
        return dogb_pickle_refuse(pickle, "a key is neither text nor a number");
    }
    enum { DIGITS = 24 };
    char *text = dogb_pickle_take(pickle, DIGITS, 1);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int count = snprintf(text, DIGITS, "%lld", (long long)value->as.number);
    *key = text;
    *length = (size_t)count;
    return DOGBREED_OK;
}

static int read_tuple(int64_t *out, const dogb_value *tuple) {
    for (size_t i = 0; i < tuple->as.items->count; i++) {
        const dogb_value *item = &tuple->as.items->at[i];
        if (item->kind != DOGB_VALUE_INT || item->as.number < 0) {
            return -1;
        }
        out[i] = item->as.number;
    }
    return 0;
}

int dogb_pickle_geometry(const dogb_pickle *pickle, dogb_tensor_ref *tensor,
                         const dogb_value *shape, const dogb_value *stride) {
    int empty = 0;
    int64_t last = tensor->offset; // index of the last element in the storage
    if (shape->kind != DOGB_VALUE_TUPLE || stride->kind != DOGB_VALUE_TUPLE ||
        shape->as.items->count != stride->as.items->count) {
        return dogb_pickle_refuse(pickle, "size and stride of a tensor are not two equal tuples");
    }
    if (shape->as.items->count > DOGB_WEIGHT_RANK_MAX) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: a tensor of %zu dimensions, at most %d are supported", pickle->what,
                         shape->as.items->count, DOGB_WEIGHT_RANK_MAX);
    }
    if (tensor->offset < 0 || read_tuple(tensor->shape, shape) < 0 ||
        read_tuple(tensor->stride, stride) < 0) {
        return dogb_pickle_refuse(pickle,
                                  "offset, size or stride of a tensor is not a number >= 0");
    }
    tensor->rank = (int32_t)shape->as.items->count;
    if (dogb_shape_bytes(tensor->shape, tensor->rank, tensor->dtype) < 0) {
        return dogb_pickle_refuse(pickle, "the size of a tensor overflows");
    }
    for (int32_t i = 0; i < tensor->rank; i++) {
        int64_t step = 0;
        if (tensor->shape[i] == 0) {
            empty = 1;
        } else if (__builtin_mul_overflow(tensor->shape[i] - 1, tensor->stride[i], &step) ||
                   __builtin_add_overflow(last, step, &last)) {
            return dogb_pickle_refuse(pickle, "the stride of a tensor overflows");
        }
    }
    // An untyped storage counts bytes.
    int64_t numel = tensor->storage->numel;
    if (tensor->storage->untyped) {
        numel /= (int64_t)dogb_dtype_size(tensor->dtype);
    }
    if (empty ? tensor->offset > numel : last >= numel) {
        return dogb_pickle_refuse(pickle, "a tensor reaches beyond its storage");
    }
    return DOGBREED_OK;
}

// --- calls: (pickle, out, args)

static int call_opaque(dogb_pickle *pickle, dogb_value *out, const dogb_value *args) {
    (void)pickle;
    (void)args;
    out->kind = DOGB_VALUE_OPAQUE;
    return DOGBREED_OK;
}

// OrderedDict(), or of Python 2: OrderedDict([[key, value], ...]).
static int call_ordered_dict(dogb_pickle *pickle, dogb_value *out, const dogb_value *args) {
    int rc = dogb_pickle_items(pickle, out, DOGB_VALUE_DICT);
    if (rc < 0 || args->as.items->count == 0) {
        return rc;
    }
    const dogb_value *list = &args->as.items->at[0];
    if (args->as.items->count != 1 || list->kind != DOGB_VALUE_LIST) {
        return dogb_pickle_refuse(pickle, "OrderedDict expects nothing or a list of pairs");
    }
    for (size_t i = 0; i < list->as.items->count; i++) {
        const dogb_value *pair = &list->as.items->at[i];
        if ((pair->kind != DOGB_VALUE_LIST && pair->kind != DOGB_VALUE_TUPLE) ||
            pair->as.items->count != 2) {
            return dogb_pickle_refuse(pickle, "OrderedDict expects pairs");
        }
        if ((rc = dogb_pickle_append(pickle, out->as.items, &pair->as.items->at[0])) < 0 ||
            (rc = dogb_pickle_append(pickle, out->as.items, &pair->as.items->at[1])) < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

// torch.Size(tuple) is the tuple.
static int call_size(dogb_pickle *pickle, dogb_value *out, const dogb_value *args) {
    if (args->as.items->count != 1 || args->as.items->at[0].kind != DOGB_VALUE_TUPLE) {
        return dogb_pickle_refuse(pickle, "torch.Size expects a tuple");
    }
    *out = args->as.items->at[0];
    return DOGBREED_OK;
}

// Conjugated and negated views are marked, not computed.
static int check_marks(dogb_pickle *pickle, const dogb_value *metadata) {
    if (metadata->kind != DOGB_VALUE_DICT) {
        return DOGBREED_OK;
    }
    for (size_t i = 0; i + 1 < metadata->as.items->count; i += 2) {
        const dogb_value *key = &metadata->as.items->at[i];
        const dogb_value *value = &metadata->as.items->at[i + 1];
        int mark = dogb_text_equals(key, "conj") || dogb_text_equals(key, "neg");
        if (mark && !(value->kind == DOGB_VALUE_BOOL && value->as.number == 0)) {
            return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                             "%s: a conjugated or negated view of a tensor is not supported",
                             pickle->what);
        }
    }
    return DOGBREED_OK;
}

// (storage, offset, size, stride, ...) with the dtype of the storage, or another.
static int make_tensor(dogb_pickle *pickle, dogb_value *out, const dogb_value *arg,
                       const dogb_global *dtype) {
    if (arg[0].kind != DOGB_VALUE_STORAGE || arg[1].kind != DOGB_VALUE_INT) {
        return dogb_pickle_refuse(pickle, "a tensor expects a storage and an offset");
    }
    const dogb_storage_ref *storage = arg[0].as.storage;
    dogb_tensor_ref *tensor = dogb_pickle_take(pickle, 1, sizeof *tensor);
    if (tensor == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    tensor->storage = storage;
    tensor->offset = arg[1].as.number;
    tensor->dtype = dtype == NULL ? storage->dtype : dtype->dtype;
    if (tensor->dtype < 0) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: a tensor of torch.%s is not supported",
                         pickle->what, dtype == NULL ? storage->type : dtype->name);
    }
    int rc = dogb_pickle_geometry(pickle, tensor, &arg[2], &arg[3]);
    if (rc < 0) {
        return rc;
    }
    out->kind = DOGB_VALUE_TENSOR;
    out->as.tensor = tensor;
    return DOGBREED_OK;
}

static int call_tensor(dogb_pickle *pickle, dogb_value *out, const dogb_value *args) {
    size_t count = args->as.items->count;
    int rc = DOGBREED_OK;
    if (count < 4 || count > 7) {
        return dogb_pickle_refuse(pickle, "a tensor expects 4 to 7 arguments");
    }
    if (count == 7 && (rc = check_marks(pickle, &args->as.items->at[6])) < 0) {
        return rc;
    }
    return make_tensor(pickle, out, args->as.items->at, NULL);
}

// (storage, offset, size, stride, requires_grad, hooks, dtype[, metadata]) on an untyped storage.
static int call_tensor_v3(dogb_pickle *pickle, dogb_value *out, const dogb_value *args) {
    const dogb_items *items = args->as.items;
    int rc = DOGBREED_OK;
    if (items->count < 7 || items->count > 8 || items->at[6].kind != DOGB_VALUE_GLOBAL ||
        items->at[6].as.global->role != DOGB_GLOBAL_DTYPE) {
        return dogb_pickle_refuse(pickle, "a tensor expects 7 or 8 arguments with a dtype");
    }
    if (items->count == 8 && (rc = check_marks(pickle, &items->at[7])) < 0) {
        return rc;
    }
    if (items->at[0].kind == DOGB_VALUE_STORAGE && !items->at[0].as.storage->untyped) {
        return dogb_pickle_refuse(pickle, "a tensor with a dtype expects an untyped storage");
    }
    return make_tensor(pickle, out, items->at, items->at[6].as.global);
}

// (tensor, requires_grad, hooks[, state]) is the tensor.
static int call_parameter(dogb_pickle *pickle, dogb_value *out, const dogb_value *args) {
    if (args->as.items->count < 1 || args->as.items->at[0].kind != DOGB_VALUE_TENSOR) {
        return dogb_pickle_refuse(pickle, "a parameter expects a tensor");
    }
    *out = args->as.items->at[0];
    return DOGBREED_OK;
}

// (rebuild function, class, arguments, state): a tensor with Python attributes.
static int call_from_type(dogb_pickle *pickle, dogb_value *out, const dogb_value *args) {
    const dogb_items *items = args->as.items;
    if (items->count != 4 || items->at[0].kind != DOGB_VALUE_GLOBAL ||
        items->at[1].kind != DOGB_VALUE_GLOBAL ||
        items->at[1].as.global->role != DOGB_GLOBAL_TENSOR ||
        items->at[2].kind != DOGB_VALUE_TUPLE) {
        return dogb_pickle_refuse(pickle, "a tensor expects a function, a class and arguments");
    }
    int (*call)(dogb_pickle *, dogb_value *, const dogb_value *) = items->at[0].as.global->call;
    if (call != call_tensor && call != call_tensor_v3 && call != call_parameter) {
        return dogb_pickle_refuse(pickle, "this does not rebuild a tensor");
    }
    return call(pickle, out, &items->at[2]);
}

#define STORAGE(name, dtype)                                                                       \
    {"torch", name "Storage", DOGB_GLOBAL_STORAGE, dtype, NULL}, {                                 \
        "torch", name "Tensor", DOGB_GLOBAL_TENSOR, dtype, NULL                                    \
    }
#define DTYPE(name, dtype)                                                                         \
    { "torch", name, DOGB_GLOBAL_DTYPE, dtype, NULL }
#define CALL(module, name, fn)                                                                     \
    { module, name, DOGB_GLOBAL_CALLABLE, -1, fn }

enum { OTHER = -1 };

// The globals that torch's own safe loader allows, less quantised and sparse tensors.
static const dogb_global globals[] = {
    CALL("collections", "OrderedDict", call_ordered_dict),
    CALL("torch._utils", "_rebuild_tensor_v2", call_tensor),
    CALL("torch._utils", "_rebuild_tensor_v3", call_tensor_v3),
    CALL("torch._utils", "_rebuild_tensor", call_tensor),
    CALL("torch._utils", "_rebuild_parameter", call_parameter),
    CALL("torch._utils", "_rebuild_parameter_with_state", call_parameter),
    CALL("torch._tensor", "_rebuild_from_type_v2", call_from_type),
    CALL("torch", "Size", call_size),
    CALL("torch", "device", call_opaque),
    CALL("torch.serialization", "_get_layout", call_opaque),
    CALL("collections", "Counter", call_opaque),
    CALL("_codecs", "encode", call_opaque),
    CALL("__builtin__", "set", call_opaque),
    CALL("__builtin__", "bytearray", call_opaque),
    CALL("__builtin__", "complex", call_opaque),
    CALL("builtins", "set", call_opaque),
    CALL("builtins", "bytearray", call_opaque),
    CALL("builtins", "complex", call_opaque),
    STORAGE("Float", DOGB_F32),
    STORAGE("Double", DOGB_F64),
    STORAGE("Half", DOGB_F16),
    STORAGE("BFloat16", DOGB_BF16),
    STORAGE("Long", DOGB_I64),
    STORAGE("Int", DOGB_I32),
    STORAGE("Short", DOGB_I16),
    STORAGE("Char", DOGB_I8),
    STORAGE("Byte", DOGB_U8),
    STORAGE("Bool", DOGB_BOOL),
    STORAGE("ComplexFloat", DOGB_C64),
    STORAGE("ComplexDouble", OTHER),
    STORAGE("QInt8", OTHER),
    STORAGE("QUInt8", OTHER),
    STORAGE("QInt32", OTHER),
    {"torch.storage", "UntypedStorage", DOGB_GLOBAL_STORAGE, DOGB_U8, NULL},
    {"torch", "Tensor", DOGB_GLOBAL_TENSOR, OTHER, NULL},
    {"torch.nn.parameter", "Parameter", DOGB_GLOBAL_TENSOR, OTHER, NULL},
    DTYPE("float32", DOGB_F32),
    DTYPE("float64", DOGB_F64),
    DTYPE("float16", DOGB_F16),
    DTYPE("bfloat16", DOGB_BF16),
    DTYPE("int64", DOGB_I64),
    DTYPE("int32", DOGB_I32),
    DTYPE("int16", DOGB_I16),
    DTYPE("int8", DOGB_I8),
    DTYPE("uint8", DOGB_U8),
    DTYPE("uint16", DOGB_U16),
    DTYPE("uint32", DOGB_U32),
    DTYPE("uint64", DOGB_U64),
    DTYPE("bool", DOGB_BOOL),
    DTYPE("complex64", DOGB_C64),
    DTYPE("complex128", OTHER),
    DTYPE("float8_e4m3fn", DOGB_F8_E4M3),
    DTYPE("float8_e5m2", DOGB_F8_E5M2),
    DTYPE("float8_e4m3fnuz", OTHER),
    DTYPE("float8_e5m2fnuz", OTHER),
    DTYPE("float8_e8m0fnu", OTHER),
    DTYPE("float4_e2m1fn_x2", OTHER),
};

static int equals(const char *wanted, const char *text, size_t length) {
    return strlen(wanted) == length && memcmp(wanted, text, length) == 0;
}

const dogb_global *dogb_pickle_global(const char *module, size_t module_length, const char *name,
                                      size_t name_length) {
    for (size_t i = 0; i < sizeof globals / sizeof globals[0]; i++) {
        if (equals(globals[i].name, name, name_length) &&
            equals(globals[i].module, module, module_length)) {
            return &globals[i];
        }
    }
    return NULL;
}
