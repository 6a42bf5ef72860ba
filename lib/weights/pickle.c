// pickle.c - the machine: reads opcodes, keeps stack and memo. What Python names mean is the
// business of pickle_globals.c; where the numbers are, of the containers.
#include "weights/pickle.h"
#include "core/error.h"
#include "weights/reader.h"

#include <string.h>

enum {
    OPERATIONS_MAX = 5000000, // a state dict takes about 30 for a tensor
    MARKS_MAX = 256,          // nesting
    CHUNK_SIZE = 1 << 16
};

typedef int (*opcode_fn)(dogb_pickle *pickle);

int dogb_pickle_refuse(const dogb_pickle *pickle, const char *text) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: byte %zu, %s: %s", pickle->what, pickle->position,
                     pickle->opcode == NULL ? "pickle" : pickle->opcode, text);
}

void *dogb_pickle_take(dogb_pickle *pickle, size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > CHUNK_SIZE / 4) {
        return dogb_alloc(pickle->arena, count, size);
    }
    bytes = (bytes + 15) & ~(size_t)15;
    if (bytes > pickle->chunk_left) {
        pickle->chunk = dogb_alloc(pickle->arena, CHUNK_SIZE, 1);
        pickle->chunk_left = pickle->chunk == NULL ? 0 : CHUNK_SIZE;
        if (pickle->chunk == NULL) {
            return NULL;
        }
    }
    void *result = pickle->chunk + (CHUNK_SIZE - pickle->chunk_left);
    pickle->chunk_left -= bytes;
    return result;
}

int dogb_pickle_items(dogb_pickle *pickle, dogb_value *out, uint32_t kind) {
    memset(out, 0, sizeof *out);
    out->as.items = dogb_pickle_take(pickle, 1, sizeof *out->as.items);
    if (out->as.items == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    out->kind = kind;
    return DOGBREED_OK;
}

int dogb_pickle_append(dogb_pickle *pickle, dogb_items *items, const dogb_value *value) {
    int rc = dogb_grow(pickle->arena, &items->at, &items->capacity, items->count, sizeof *value);
    if (rc < 0) {
        return rc;
    }
    items->at[items->count++] = *value;
    return DOGBREED_OK;
}

int dogb_text_equals(const dogb_value *value, const char *text) {
    return value->kind == DOGB_VALUE_TEXT && value->length == strlen(text) &&
           memcmp(value->as.text, text, value->length) == 0;
}

int dogb_text_compare(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t shorter = a_length < b_length ? a_length : b_length;
    int order = shorter == 0 ? 0 : memcmp(a, b, shorter);
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

// --- reading arguments

static int need(dogb_pickle *pickle, size_t bytes) {
    return bytes <= pickle->size - pickle->position
               ? DOGBREED_OK
               : dogb_pickle_refuse(pickle, "the pickle ends in the middle");
}

// Little-endian, at most 8 bytes.
static int read_number(dogb_pickle *pickle, uint64_t *out, size_t bytes) {
    int rc = need(pickle, bytes);
    *out = 0;
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < bytes; i++) {
        *out |= (uint64_t)pickle->data[pickle->position++] << (8 * i);
    }
    return DOGBREED_OK;
}

// Up to the next newline, which is skipped.
static int read_line(dogb_pickle *pickle, const char **text, size_t *length) {
    const uint8_t *begin = pickle->data + pickle->position;
    const uint8_t *end = memchr(begin, '\n', pickle->size - pickle->position);
    if (end == NULL) {
        return dogb_pickle_refuse(pickle, "the pickle ends in the middle");
    }
    *text = (const char *)begin;
    *length = (size_t)(end - begin);
    pickle->position += *length + 1;
    return DOGBREED_OK;
}

// --- the stack: what lies below the last mark is out of reach

static int push(dogb_pickle *pickle, const dogb_value *value) {
    int rc = dogb_grow(pickle->arena, &pickle->stack, &pickle->stack_capacity, pickle->depth,
                       sizeof *value);
    if (rc < 0) {
        return rc;
    }
    pickle->stack[pickle->depth++] = *value;
    return DOGBREED_OK;
}

static int push_number(dogb_pickle *pickle, uint32_t kind, int64_t number) {
    const dogb_value value = {.kind = kind, .as = {.number = number}};
    return push(pickle, &value);
}

static size_t floor_of(const dogb_pickle *pickle) {
    return pickle->mark_count == 0 ? 0 : pickle->marks[pickle->mark_count - 1];
}

static int want(dogb_pickle *pickle, size_t count) {
    return pickle->depth - floor_of(pickle) >= count
               ? DOGBREED_OK
               : dogb_pickle_refuse(pickle, "the stack is empty");
}

// The values above the last mark, which is removed. They stay readable until the next push.
static int pop_mark(dogb_pickle *pickle, const dogb_value **values, size_t *count) {
    if (pickle->mark_count == 0) {
        return dogb_pickle_refuse(pickle, "there is no mark on the stack");
    }
    size_t mark = pickle->marks[--pickle->mark_count];
    *count = pickle->depth - mark;
    *values = *count == 0 ? NULL : pickle->stack + mark;
    pickle->depth = mark;
    return DOGBREED_OK;
}

// --- opcodes

static int op_proto(dogb_pickle *pickle) {
    uint64_t version = 0;
    int rc = read_number(pickle, &version, 1);
    if (rc == DOGBREED_OK && version != 2) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: pickle protocol %d, only 2 is supported",
                       pickle->what, (int)version);
    }
    return rc;
}

static int op_mark(dogb_pickle *pickle) {
    if (pickle->mark_count >= MARKS_MAX) {
        return dogb_pickle_refuse(pickle, "nested too deeply");
    }
    int rc = dogb_grow(pickle->arena, &pickle->marks, &pickle->mark_capacity, pickle->mark_count,
                       sizeof *pickle->marks);
    if (rc < 0) {
        return rc;
    }
    pickle->marks[pickle->mark_count++] = pickle->depth;
    return DOGBREED_OK;
}

static int make_tuple(dogb_pickle *pickle, const dogb_value *values, size_t count) {
    dogb_value tuple;
    int rc = dogb_pickle_items(pickle, &tuple, DOGB_VALUE_TUPLE);
    if (rc < 0) {
        return rc;
    }
    if (count > 0) {
        tuple.as.items->at = dogb_pickle_take(pickle, count, sizeof *values);
        if (tuple.as.items->at == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memcpy(tuple.as.items->at, values, count * sizeof *values);
    }
    tuple.as.items->count = count;
    tuple.as.items->capacity = count;
    return push(pickle, &tuple);
}

static int op_tuple(dogb_pickle *pickle) {
    const dogb_value *values = NULL;
    size_t count = 0;
    int rc = pop_mark(pickle, &values, &count);
    return rc < 0 ? rc : make_tuple(pickle, values, count);
}

static int top_tuple(dogb_pickle *pickle, size_t count) {
    int rc = want(pickle, count);
    if (rc < 0) {
        return rc;
    }
    pickle->depth -= count;
    return make_tuple(pickle, pickle->stack + pickle->depth, count);
}

static int op_tuple1(dogb_pickle *pickle) {
    return top_tuple(pickle, 1);
}

static int op_tuple2(dogb_pickle *pickle) {
    return top_tuple(pickle, 2);
}

static int op_tuple3(dogb_pickle *pickle) {
    return top_tuple(pickle, 3);
}

static int op_empty_tuple(dogb_pickle *pickle) {
    return make_tuple(pickle, NULL, 0);
}

static int push_empty(dogb_pickle *pickle, uint32_t kind) {
    dogb_value value;
    int rc = dogb_pickle_items(pickle, &value, kind);
    return rc < 0 ? rc : push(pickle, &value);
}

static int op_empty_list(dogb_pickle *pickle) {
    return push_empty(pickle, DOGB_VALUE_LIST);
}

static int op_empty_dict(dogb_pickle *pickle) {
    return push_empty(pickle, DOGB_VALUE_DICT);
}

// Adds values to the container on top of the stack. An opaque one swallows them.
static int extend(dogb_pickle *pickle, uint32_t kind, const dogb_value *values, size_t count) {
    int rc = want(pickle, 1);
    if (rc < 0) {
        return rc;
    }
    const dogb_value *target = &pickle->stack[pickle->depth - 1];
    if (target->kind == DOGB_VALUE_OPAQUE) {
        return DOGBREED_OK;
    }
    if (target->kind != kind) {
        return dogb_pickle_refuse(pickle, kind == DOGB_VALUE_LIST ? "the target is not a list"
                                                                  : "the target is not a dict");
    }
    if (kind == DOGB_VALUE_DICT && count % 2 != 0) {
        return dogb_pickle_refuse(pickle, "a key without a value");
    }
    for (size_t i = 0; i < count; i++) {
        if ((rc = dogb_pickle_append(pickle, target->as.items, &values[i])) < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

static int extend_top(dogb_pickle *pickle, uint32_t kind, size_t count) {
    int rc = want(pickle, count + 1);
    if (rc < 0) {
        return rc;
    }
    pickle->depth -= count;
    return extend(pickle, kind, pickle->stack + pickle->depth, count);
}

static int extend_mark(dogb_pickle *pickle, uint32_t kind) {
    const dogb_value *values = NULL;
    size_t count = 0;
    int rc = pop_mark(pickle, &values, &count);
    return rc < 0 ? rc : extend(pickle, kind, values, count);
}

static int op_append(dogb_pickle *pickle) {
    return extend_top(pickle, DOGB_VALUE_LIST, 1);
}

static int op_appends(dogb_pickle *pickle) {
    return extend_mark(pickle, DOGB_VALUE_LIST);
}

static int op_setitem(dogb_pickle *pickle) {
    return extend_top(pickle, DOGB_VALUE_DICT, 2);
}

static int op_setitems(dogb_pickle *pickle) {
    return extend_mark(pickle, DOGB_VALUE_DICT);
}

static int push_text(dogb_pickle *pickle, size_t length_bytes) {
    uint64_t length = 0;
    int rc = read_number(pickle, &length, length_bytes);
    if (rc < 0 || (rc = need(pickle, (size_t)length)) < 0) {
        return rc;
    }
    const dogb_value value = {.kind = DOGB_VALUE_TEXT,
                              .length = (uint32_t)length,
                              .as = {.text = (const char *)pickle->data + pickle->position}};
    pickle->position += (size_t)length;
    return push(pickle, &value);
}

static int op_text4(dogb_pickle *pickle) {
    return push_text(pickle, 4);
}

static int op_text1(dogb_pickle *pickle) {
    return push_text(pickle, 1);
}

static int op_int4(dogb_pickle *pickle) {
    uint64_t number = 0;
    int rc = read_number(pickle, &number, 4);
    return rc < 0 ? rc : push_number(pickle, DOGB_VALUE_INT, (int32_t)(uint32_t)number);
}

static int op_int1(dogb_pickle *pickle) {
    uint64_t number = 0;
    int rc = read_number(pickle, &number, 1);
    return rc < 0 ? rc : push_number(pickle, DOGB_VALUE_INT, (int64_t)number);
}

static int op_int2(dogb_pickle *pickle) {
    uint64_t number = 0;
    int rc = read_number(pickle, &number, 2);
    return rc < 0 ? rc : push_number(pickle, DOGB_VALUE_INT, (int64_t)number);
}

// Two's complement of up to 255 bytes; what does not fit in 64 bits is nothing we look at.
static int op_long1(dogb_pickle *pickle) {
    uint64_t length = 0;
    uint64_t number = 0;
    int rc = read_number(pickle, &length, 1);
    if (rc < 0 || (rc = need(pickle, (size_t)length)) < 0) {
        return rc;
    }
    if (length > 8) {
        pickle->position += (size_t)length;
        return push_number(pickle, DOGB_VALUE_OPAQUE, 0);
    }
    if ((rc = read_number(pickle, &number, (size_t)length)) < 0) {
        return rc;
    }
    if (length > 0 && length < 8 && (number >> (8 * length - 1) & 1) != 0) {
        number |= UINT64_MAX << (8 * length);
    }
    return push_number(pickle, DOGB_VALUE_INT, (int64_t)number);
}

static int op_float(dogb_pickle *pickle) {
    uint64_t bits = 0;
    dogb_value value = {.kind = DOGB_VALUE_REAL};
    int rc = read_number(pickle, &bits, 8);
    if (rc < 0) {
        return rc;
    }
    bits = __builtin_bswap64(bits); // big-endian in the file
    memcpy(&value.as.real, &bits, sizeof bits);
    return push(pickle, &value);
}

static int op_none(dogb_pickle *pickle) {
    return push_number(pickle, DOGB_VALUE_NONE, 0);
}

static int op_true(dogb_pickle *pickle) {
    return push_number(pickle, DOGB_VALUE_BOOL, 1);
}

static int op_false(dogb_pickle *pickle) {
    return push_number(pickle, DOGB_VALUE_BOOL, 0);
}

// Python numbers its puts 0, 1, 2, ... (the C pickler of Python 2: from 1). A larger index is
// refused, so that a file cannot choose how much memory the memo takes.
static int put(dogb_pickle *pickle, uint64_t index) {
    int rc = want(pickle, 1);
    if (rc < 0) {
        return rc;
    }
    if (index > pickle->puts + 1) {
        return dogb_pickle_refuse(pickle, "a memo index that skips others");
    }
    if ((rc = dogb_grow(pickle->arena, &pickle->memo, &pickle->memo_capacity, (size_t)index,
                        sizeof *pickle->memo)) < 0) {
        return rc;
    }
    while (pickle->memo_count <= index) {
        memset(&pickle->memo[pickle->memo_count++], 0, sizeof *pickle->memo);
    }
    pickle->memo[index] = pickle->stack[pickle->depth - 1];
    pickle->puts++;
    return DOGBREED_OK;
}

static int get(dogb_pickle *pickle, uint64_t index) {
    if (index >= pickle->memo_count || pickle->memo[index].kind == DOGB_VALUE_UNSET) {
        return dogb_pickle_refuse(pickle, "a memo index that nothing was put into");
    }
    const dogb_value value = pickle->memo[index];
    return push(pickle, &value);
}

static int op_put1(dogb_pickle *pickle) {
    uint64_t index = 0;
    int rc = read_number(pickle, &index, 1);
    return rc < 0 ? rc : put(pickle, index);
}

static int op_put4(dogb_pickle *pickle) {
    uint64_t index = 0;
    int rc = read_number(pickle, &index, 4);
    return rc < 0 ? rc : put(pickle, index);
}

static int op_get1(dogb_pickle *pickle) {
    uint64_t index = 0;
    int rc = read_number(pickle, &index, 1);
    return rc < 0 ? rc : get(pickle, index);
}

static int op_get4(dogb_pickle *pickle) {
    uint64_t index = 0;
    int rc = read_number(pickle, &index, 4);
    return rc < 0 ? rc : get(pickle, index);
}

static int op_global(dogb_pickle *pickle) {
    const char *module = NULL;
    const char *name = NULL;
    size_t module_length = 0;
    size_t name_length = 0;
    int rc = read_line(pickle, &module, &module_length);
    if (rc < 0 || (rc = read_line(pickle, &name, &name_length)) < 0) {
        return rc;
    }
    const dogb_global *global = dogb_pickle_global(module, module_length, name, name_length);
    if (global == NULL) {
        int shown = module_length > 200 ? 200 : (int)module_length;
        int shown_name = name_length > 200 ? 200 : (int)name_length;
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: wants the Python object %.*s.%.*s, which a weight file has no need "
                         "of: expected a state dict (torch.save(model.state_dict(), ...))",
                         pickle->what, shown, module, shown_name, name);
    }
    const dogb_value value = {.kind = DOGB_VALUE_GLOBAL, .as = {.global = global}};
    return push(pickle, &value);
}

// callable, tuple of arguments -> result
static int op_reduce(dogb_pickle *pickle) {
    dogb_value result = {0};
    int rc = want(pickle, 2);
    if (rc < 0) {
        return rc;
    }
    pickle->depth -= 2;
    const dogb_value *callable = &pickle->stack[pickle->depth];
    const dogb_value *args = &pickle->stack[pickle->depth + 1];
    if (callable->kind != DOGB_VALUE_GLOBAL || callable->as.global->call == NULL) {
        return dogb_pickle_refuse(pickle, "this cannot be called");
    }
    if (args->kind != DOGB_VALUE_TUPLE) {
        return dogb_pickle_refuse(pickle, "the arguments are not a tuple");
    }
    if ((rc = callable->as.global->call(pickle, &result, args)) < 0) {
        return rc;
    }
    return push(pickle, &result);
}

// object, state -> object. State (an OrderedDict's _metadata) is nothing we keep.
static int op_build(dogb_pickle *pickle) {
    int rc = want(pickle, 2);
    if (rc == DOGBREED_OK) {
        pickle->depth--;
    }
    return rc;
}

static int op_persid(dogb_pickle *pickle) {
    dogb_value result = {0};
    int rc = want(pickle, 1);
    if (rc < 0) {
        return rc;
    }
    if (pickle->persistent == NULL) {
        return dogb_pickle_refuse(pickle, "there are no storages here");
    }
    const dogb_value id = pickle->stack[--pickle->depth];
    if ((rc = pickle->persistent(pickle, &result, &id)) < 0) {
        return rc;
    }
    return push(pickle, &result);
}

static const struct {
    const char *name;
    opcode_fn run; // NULL with a name: STOP
} opcodes[256] = {
    [0x80] = {"PROTO", op_proto},
    ['.'] = {"STOP", NULL},
    ['('] = {"MARK", op_mark},
    ['t'] = {"TUPLE", op_tuple},
    [0x85] = {"TUPLE1", op_tuple1},
    [0x86] = {"TUPLE2", op_tuple2},
    [0x87] = {"TUPLE3", op_tuple3},
    [')'] = {"EMPTY_TUPLE", op_empty_tuple},
    [']'] = {"EMPTY_LIST", op_empty_list},
    ['}'] = {"EMPTY_DICT", op_empty_dict},
    ['a'] = {"APPEND", op_append},
    ['e'] = {"APPENDS", op_appends},
    ['s'] = {"SETITEM", op_setitem},
    ['u'] = {"SETITEMS", op_setitems},
    ['X'] = {"BINUNICODE", op_text4},
    ['T'] = {"BINSTRING", op_text4},
    ['U'] = {"SHORT_BINSTRING", op_text1},
    ['J'] = {"BININT", op_int4},
    ['K'] = {"BININT1", op_int1},
    ['M'] = {"BININT2", op_int2},
    [0x8a] = {"LONG1", op_long1},
    ['G'] = {"BINFLOAT", op_float},
    ['N'] = {"NONE", op_none},
    [0x88] = {"NEWTRUE", op_true},
    [0x89] = {"NEWFALSE", op_false},
    ['q'] = {"BINPUT", op_put1},
    ['r'] = {"LONG_BINPUT", op_put4},
    ['h'] = {"BINGET", op_get1},
    ['j'] = {"LONG_BINGET", op_get4},
    ['c'] = {"GLOBAL", op_global},
    ['R'] = {"REDUCE", op_reduce},
    [0x81] = {"NEWOBJ", op_reduce},
    ['b'] = {"BUILD", op_build},
    ['Q'] = {"BINPERSID", op_persid},
};

int dogb_pickle_load(dogb_pickle *pickle, dogb_value *out) {
    int rc = DOGBREED_OK;
    pickle->depth = 0;
    pickle->mark_count = 0;
    pickle->memo_count = 0;
    pickle->puts = 0;
    for (;;) {
        pickle->opcode = NULL;
        if ((rc = need(pickle, 1)) < 0) {
            return rc;
        }
        if (++pickle->operations > OPERATIONS_MAX) {
            return dogb_pickle_refuse(pickle, "too many operations");
        }
        uint8_t code = pickle->data[pickle->position++];
        pickle->opcode = opcodes[code].name;
        if (pickle->opcode == NULL) {
            return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                             "%s: byte %zu: pickle opcode 0x%02x is not used by weight files",
                             pickle->what, pickle->position - 1, code);
        }
        if (opcodes[code].run == NULL) {
            break;
        }
        if ((rc = opcodes[code].run(pickle)) < 0) {
            return rc;
        }
    }
    if (pickle->depth != 1 || pickle->mark_count != 0) {
        return dogb_pickle_refuse(pickle, "the stack does not hold exactly one value");
    }
    *out = pickle->stack[0];
    return DOGBREED_OK;
}
