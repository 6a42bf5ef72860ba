// test_pickle.c - the pickle machine: what it refuses, each with its message, and what it lets
// pass.
#include "made_files.h"

#include "weights/pth.h"

#define PROTO "\x80\2"
#define PID(key, count)                                                                            \
    "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" key "X\3\0\0\0cpuK" count "tQ"
#define V2 "ctorch._utils\n_rebuild_tensor_v2\n"
#define DICT "ccollections\nOrderedDict\n"

static int load_with(dogb_pickle *pickle, dogb_value *out, const char *text, size_t size) {
    pickle->what = "x.pth";
    pickle->data = (const uint8_t *)text;
    pickle->size = size;
    pickle->persistent = dogb_pth_storage_id;
    return dogb_pickle_load(pickle, out);
}

typedef struct refusal {
    const char *text;
    size_t size;
    int code;
    const char *part;
} refusal;

#define R(text, code, part)                                                                        \
    { text, sizeof text - 1, code, part }

static void assert_refusals(const refusal *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        dogb_arena arena = {0};
        dogb_pickle pickle = {.arena = &arena};
        dogb_value value;
        assert_fails(load_with(&pickle, &value, cases[i].text, cases[i].size), cases[i].code,
                     cases[i].part);
        assert_non_null(strstr(dogbreed_error_message(), "x.pth"));
        dogb_arena_free(&arena);
    }
}

static void test_machine_refusals(void **state) {
    (void)state;
    static const refusal cases[] = {
        R("", DOGBREED_ERROR_FORMAT, "ends in the middle"),
        R(PROTO, DOGBREED_ERROR_FORMAT, "ends in the middle"),
        R("\x80\3.", DOGBREED_ERROR_UNSUPPORTED, "pickle protocol 3, only 2"),
        R(PROTO ".", DOGBREED_ERROR_FORMAT, "exactly one value"),
        R(PROTO "NN.", DOGBREED_ERROR_FORMAT, "exactly one value"),
        R(PROTO "N(.", DOGBREED_ERROR_FORMAT, "exactly one value"),
        R(PROTO "cos\nsystem\n.", DOGBREED_ERROR_UNSUPPORTED, "Python object os.system"),
        R(PROTO "c__builtin__\neval\n.", DOGBREED_ERROR_UNSUPPORTED, "__builtin__.eval"),
        R(PROTO "ctorch\nload\n.", DOGBREED_ERROR_UNSUPPORTED, "torch.load"),
        R(PROTO "cos\nsystem", DOGBREED_ERROR_FORMAT, "ends in the middle"),
        R(PROTO "i", DOGBREED_ERROR_UNSUPPORTED, "opcode 0x69"),       // INST
        R(PROTO "\x93", DOGBREED_ERROR_UNSUPPORTED, "opcode 0x93"),    // STACK_GLOBAL
        R(PROTO "\x82\1.", DOGBREED_ERROR_UNSUPPORTED, "opcode 0x82"), // EXT1
        R(PROTO "R.", DOGBREED_ERROR_FORMAT, "REDUCE: the stack is empty"),
        R(PROTO "N)R.", DOGBREED_ERROR_FORMAT, "this cannot be called"),
        R(PROTO "ctorch\nFloatStorage\n)R.", DOGBREED_ERROR_FORMAT, "this cannot be called"),
        R(PROTO "ctorch\nFloatStorage\n)\x81.", DOGBREED_ERROR_FORMAT, "this cannot be called"),
        R(PROTO DICT "NR.", DOGBREED_ERROR_FORMAT, "arguments are not a tuple"),
        R(PROTO "t.", DOGBREED_ERROR_FORMAT, "no mark"),
        R(PROTO "N\x86.", DOGBREED_ERROR_FORMAT, "TUPLE2: the stack is empty"),
        R(PROTO "N(\x85.", DOGBREED_ERROR_FORMAT, "TUPLE1: the stack is empty"), // below the mark
        R(PROTO "NNa.", DOGBREED_ERROR_FORMAT, "not a list"),
        R(PROTO "N(Ne.", DOGBREED_ERROR_FORMAT, "not a list"),
        R(PROTO "]NNs.", DOGBREED_ERROR_FORMAT, "not a dict"),
        R(PROTO "}(Nu.", DOGBREED_ERROR_FORMAT, "a key without a value"),
        R(PROTO "(u.", DOGBREED_ERROR_FORMAT, "the stack is empty"),
        R(PROTO "X\xff\xff\xff\xff", DOGBREED_ERROR_FORMAT, "ends in the middle"),
        R(PROTO "T\xff\xff\xff\xff", DOGBREED_ERROR_FORMAT, "ends in the middle"),
        R(PROTO "U\5abc.", DOGBREED_ERROR_FORMAT, "ends in the middle"),
        R(PROTO "\x8a\xff\0.", DOGBREED_ERROR_FORMAT, "ends in the middle"),
        R(PROTO "Nr\xff\xff\xff\x7f.", DOGBREED_ERROR_FORMAT, "skips others"),
        R(PROTO "Nq\2.", DOGBREED_ERROR_FORMAT, "skips others"),
        R(PROTO "q\0.", DOGBREED_ERROR_FORMAT, "the stack is empty"),
        R(PROTO "h\0.", DOGBREED_ERROR_FORMAT, "nothing was put"),
        R(PROTO "Nq\1h\0.", DOGBREED_ERROR_FORMAT, "nothing was put"),
        R(PROTO "j\xff\xff\xff\xff.", DOGBREED_ERROR_FORMAT, "nothing was put"),
        R(PROTO "b.", DOGBREED_ERROR_FORMAT, "BUILD: the stack is empty"),
        R(PROTO "Q.", DOGBREED_ERROR_FORMAT, "BINPERSID: the stack is empty"),
        R(PROTO "NQ.", DOGBREED_ERROR_FORMAT, "a persistent id is not"),
        R(PROTO DICT "))R.", DOGBREED_ERROR_FORMAT, "this cannot be called"),
        R(PROTO DICT "]N\x86R.", DOGBREED_ERROR_FORMAT, "OrderedDict expects nothing or a list"),
        R(PROTO DICT "](Ne\x85R.", DOGBREED_ERROR_FORMAT, "OrderedDict expects pairs"),
        R(PROTO "ctorch\nSize\n)R.", DOGBREED_ERROR_FORMAT, "torch.Size expects a tuple"),
    };
    assert_refusals(cases, sizeof cases / sizeof cases[0]);
}

// offset, size, stride (each one opcode and its argument) and the two arguments behind them.
#define TENSOR(pid, offset, size, stride) V2 "(" pid offset size stride "\x89" DICT ")RtR."

static void test_tensor_refusals(void **state) {
    (void)state;
    static const refusal cases[] = {
        R(PROTO V2 ")R.", DOGBREED_ERROR_FORMAT, "expects 4 to 7 arguments"),
        R(PROTO V2 "(NNNNtR.", DOGBREED_ERROR_FORMAT, "expects a storage and an offset"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "N", ")"), DOGBREED_ERROR_FORMAT, "two equal tuples"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "K\2\x85", ")"), DOGBREED_ERROR_FORMAT,
          "two equal tuples"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "N\x85", "K\1\x85"), DOGBREED_ERROR_FORMAT,
          "is not a number >= 0"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "J\xff\xff\xff\xff\x85", "K\1\x85"),
          DOGBREED_ERROR_FORMAT, "is not a number >= 0"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "K\2\x85", "J\xff\xff\xff\xff\x85"),
          DOGBREED_ERROR_FORMAT, "is not a number >= 0"),
        R(PROTO TENSOR(PID("0", "\4"), "J\xff\xff\xff\xff", "K\2\x85", "K\1\x85"),
          DOGBREED_ERROR_FORMAT, "is not a number >= 0"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "K\5\x85", "K\1\x85"), DOGBREED_ERROR_FORMAT,
          "reaches beyond its storage"),
        R(PROTO TENSOR(PID("0", "\4"), "K\3", "K\2\x85", "K\1\x85"), DOGBREED_ERROR_FORMAT,
          "reaches beyond its storage"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "K\2\x85", "K\4\x85"), DOGBREED_ERROR_FORMAT,
          "reaches beyond its storage"),
        R(PROTO TENSOR(PID("0", "\4"), "K\5", "K\0\x85", "K\1\x85"), DOGBREED_ERROR_FORMAT,
          "reaches beyond its storage"),
        R(PROTO TENSOR(PID("0", "\0"), "K\0", ")", ")"), DOGBREED_ERROR_FORMAT,
          "reaches beyond its storage"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0",
                       "\x8a\x08\0\0\0\0\0\0\0\x40\x8a\x08\0\0\0\0\0\0\0\x40\x86", "K\0K\0\x86"),
          DOGBREED_ERROR_FORMAT, "size of a tensor overflows"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "J\xff\xff\xff\x7f\x85",
                       "\x8a\x08\0\0\0\0\0\0\0\x40\x85"),
          DOGBREED_ERROR_FORMAT, "stride of a tensor overflows"),
        R(PROTO TENSOR(PID("0", "\4"), "K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t",
                       "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t"),
          DOGBREED_ERROR_UNSUPPORTED, "9 dimensions, at most 8"),
        R(PROTO V2 "((X\7\0\0\0storagectorch\nQInt8Storage\nX\1\0\0\0"
                   "0"
                   "X\3\0\0\0cpuK\4tQ"
                   "K\0K\1\x85K\1\x85tR.",
          DOGBREED_ERROR_UNSUPPORTED, "torch.QInt8Storage is not supported"),
        R(PROTO "(X\7\0\0\0storagectorch\nfloat32\nX\1\0\0\0"
                "0"
                "X\3\0\0\0cpuK\4tQ.",
          DOGBREED_ERROR_FORMAT, "a persistent id is not"),
        R(PROTO "(X\7\0\0\0storagectorch\nFloatStorage\nNX\3\0\0\0cpuK\4tQ.", DOGBREED_ERROR_FORMAT,
          "a key is neither text nor a number"),
        R(PROTO "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
                "0"
                "X\3\0\0\0cpu"
                "J\xff\xff\xff\xfftQ.",
          DOGBREED_ERROR_FORMAT, "a persistent id is not"),
        R(PROTO "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
                "0"
                "X\3\0\0\0cpuK\4"
                "(NK\2K\3ttQ.",
          DOGBREED_ERROR_FORMAT, "the view of a storage reaches beyond it"),
        R(PROTO "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
                "0"
                "X\3\0\0\0cpuK\4K\0tQ.",
          DOGBREED_ERROR_FORMAT, "the view of a storage is not"),
        R(PROTO "ctorch._utils\n_rebuild_parameter\n(N\x88NtR.", DOGBREED_ERROR_FORMAT,
          "a parameter expects a tensor"),
        R(PROTO "ctorch._utils\n_rebuild_tensor_v3\n(" PID("0", "\4") "K\0))\x89Nctorch\nuint16\n"
                                                                      "tR.",
          DOGBREED_ERROR_FORMAT, "expects an untyped storage"),
        R(PROTO "ctorch._utils\n_rebuild_tensor_v3\n(" PID("0", "\4") "K\0))\x89NNtR.",
          DOGBREED_ERROR_FORMAT, "with a dtype"),
        R(PROTO V2 "(" PID("0", "\4") "K\0))\x89N}X\4\0\0\0conj\x88stR.",
          DOGBREED_ERROR_UNSUPPORTED, "conjugated or negated"),
        R(PROTO "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\n"
                "ctorch\nTensor\n)NtR.",
          DOGBREED_ERROR_FORMAT, "this does not rebuild a tensor"),
        R(PROTO "ctorch._tensor\n_rebuild_from_type_v2\n)R.", DOGBREED_ERROR_FORMAT,
          "expects a function, a class and arguments"),
    };
    assert_refusals(cases, sizeof cases / sizeof cases[0]);
}

static void test_limits(void **state) {
    (void)state;
    static char text[6000003];
    dogb_arena arena = {0};
    dogb_pickle pickle = {.arena = &arena};
    dogb_value value;
    memcpy(text, PROTO, 2);
    memset(text + 2, '(', 300);
    assert_fails(load_with(&pickle, &value, text, 302), DOGBREED_ERROR_FORMAT, "nested too deeply");
    dogb_arena_free(&arena);
    pickle = (dogb_pickle){.arena = &arena};
    for (size_t i = 2; i < sizeof text - 1; i += 2) { // NONE, TUPLE1: no growth of the stack
        text[i] = i == 2 ? 'N' : '\x85';
        text[i + 1] = '\x85';
    }
    assert_fails(load_with(&pickle, &value, text, sizeof text - 1), DOGBREED_ERROR_FORMAT,
                 "too many operations");
    dogb_arena_free(&arena);
}

static void test_values(void **state) {
    (void)state;
    static const char text[] = PROTO "(NK\xffM\xff\xffJ\xfe\xff\xff\xff\x8a\1\x80\x8a\0"
                                     "\x8a\x09\0\0\0\0\0\0\0\0\1\x88G?\xf0\0\0\0\0\0\0U\1zt.rest";
    static const int64_t numbers[] = {0, 255, 65535, -2, -128, 0};
    dogb_arena arena = {0};
    dogb_pickle pickle = {.arena = &arena};
    dogb_value value;
    assert_ok(load_with(&pickle, &value, text, sizeof text - 1));
    assert_int_equal(pickle.position, sizeof text - 1 - 4); // behind STOP
    assert_int_equal(value.kind, DOGB_VALUE_TUPLE);
    assert_int_equal(value.as.items->count, 10);
    const dogb_value *items = value.as.items->at;
    assert_int_equal(items[0].kind, DOGB_VALUE_NONE);
    for (size_t i = 1; i < 6; i++) {
        assert_int_equal(items[i].kind, DOGB_VALUE_INT);
        assert_int_equal(items[i].as.number, numbers[i]);
    }
    assert_int_equal(items[6].kind, DOGB_VALUE_OPAQUE); // a number of 72 bits
    assert_int_equal(items[7].kind, DOGB_VALUE_BOOL);
    assert_true(items[8].as.real == 1.0);
    assert_true(dogb_text_equals(&items[9], "z"));
    dogb_arena_free(&arena);
}

// NEWOBJ of an OrderedDict, BUILD that is dropped, sets and dicts that are swallowed, a list that
// holds itself.
static void test_harmless(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_pickle pickle = {.arena = &arena};
    dogb_value value;
    static const char good[] = PROTO DICT ")\x81}b(U\1aNU\1b" DICT "](](U\1bK\1ee\x85RU\1c"
                                          "c__builtin__\nset\n]\x85RU\1d]q\0h\0au.";
    assert_ok(load_with(&pickle, &value, good, sizeof good - 1));
    assert_int_equal(value.kind, DOGB_VALUE_DICT);
    assert_int_equal(value.as.items->count, 8);
    const dogb_value *inner = &value.as.items->at[3];
    assert_int_equal(inner->kind, DOGB_VALUE_DICT);
    assert_true(dogb_text_equals(&inner->as.items->at[0], "b"));
    assert_int_equal(value.as.items->at[5].kind, DOGB_VALUE_OPAQUE);
    const dogb_value *loop = &value.as.items->at[7];
    assert_ptr_equal(loop->as.items->at[0].as.items, loop->as.items);
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machine_refusals), cmocka_unit_test(test_tensor_refusals),
        cmocka_unit_test(test_limits),           cmocka_unit_test(test_values),
        cmocka_unit_test(test_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
