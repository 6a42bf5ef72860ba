// test_containers.c - zip, legacy and tar: what is refused, each with its message.
#include "made_files.h"

#include "weights/weights.h"
#include "weights/zip.h"

#define PID(key, count)                                                                            \
    "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" key "X\3\0\0\0cpuK" count "tQ"
#define TENSOR(key, count)                                                                         \
    "ctorch._utils\n_rebuild_tensor_v2\n(" PID(key, count) "K\0K\2\x85K\1\x85\x89NtR"
#define OBJECT "\x80\2}U\1a" TENSOR("k", "\2") "s."
static const char object[] = OBJECT;
static const float numbers[2] = {1, 2};

static scratch_bytes file;

static void assert_refused(int code, const char *part) {
    dogb_weights *weights = NULL;
    const char *path = scratch("x.pth");
    scratch_write(path, file.data, file.size);
    assert_fails(dogb_weights_open(&weights, path), code, part);
    assert_null(weights);
    assert_non_null(strstr(dogbreed_error_message(), "x.pth"));
}

static void assert_opens(size_t count) {
    dogb_weights *weights = NULL;
    const char *path = scratch("x.pth");
    scratch_write(path, file.data, file.size);
    assert_ok(dogb_weights_open(&weights, path));
    assert_int_equal(weights->count, count);
    if (count > 0) {
        assert_memory_equal(weights->tensors[0].data, numbers, sizeof numbers);
    }
    dogb_weights_destroy(weights);
}

static size_t make_zip(const scratch_entry *entries, size_t count, int wide) {
    file.size = 0;
    return put_zip(&file, entries, count, wide);
}

static const scratch_entry usual[] = {{"x/data.pkl", object, sizeof object - 1},
                                      {"x/byteorder", "little", 6},
                                      {"x/data/k", numbers, sizeof numbers},
                                      {"x/version", "3\n", 2}};
enum { USUAL = sizeof usual / sizeof usual[0] };

static void test_zip(void **state) {
    (void)state;
    (void)make_zip(usual, USUAL, 0);
    assert_opens(1);
    (void)make_zip(usual, USUAL, 1); // zip64
    assert_opens(1);
    // A comment behind the end record, one that looks like another end record.
    (void)make_zip(usual, USUAL, 0);
    file.data[file.size - 2] = 30;
    put(&file, "PK\5\6 this is only a comment   ", 30);
    assert_opens(1);
}

static void test_zip_entries(void **state) {
    (void)state;
    scratch_entry entries[USUAL];
    memcpy(entries, usual, sizeof usual);
    entries[0].name = "x/other.pkl";
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_FORMAT, "without data.pkl");
    entries[0].name = "x/data.pkl";
    entries[3].name = "y/data.pkl";
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_FORMAT, "two data.pkl");
    entries[3].name = "x/data/k";
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_FORMAT, "two entries have the same name");
    entries[3].name = "x/constants.pkl";
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_UNSUPPORTED, "a TorchScript archive");
    memcpy(entries, usual, sizeof usual);
    entries[1].data = "big";
    entries[1].size = 3;
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_UNSUPPORTED, "not little-endian");
    memcpy(entries, usual, sizeof usual);
    entries[2].name = "x/data/other";
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_FORMAT, "tensor a: its storage k is not there");
    memcpy(entries, usual, sizeof usual);
    entries[2].size = 4; // what libtorch's own reader accepts and then reads beyond
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_FORMAT, "has 4 bytes, expected 2 elements of F32");
}

static void test_zip_structure(void **state) {
    (void)state;
    size_t directory = make_zip(usual, USUAL, 0);
    size_t end = file.size - 22;
    static const struct {
        int from_end; // offset counts from the end record, else from the directory
        size_t offset;
        uint8_t value;
        int code;
        const char *part;
    } cases[] = {
        {1, 0, 'X', DOGBREED_ERROR_FORMAT, "no central directory"},
        {1, 20, 1, DOGBREED_ERROR_FORMAT, "no central directory"},
        {1, 4, 1, DOGBREED_ERROR_FORMAT, "one part of several"},
        {1, 15, 1, DOGBREED_ERROR_FORMAT, "does not fit in the file"},
        {1, 19, 1, DOGBREED_ERROR_FORMAT, "does not fit in the file"},
        {1, 11, 1, DOGBREED_ERROR_FORMAT, "more entries than"},
        {0, 0, 'X', DOGBREED_ERROR_FORMAT, "directory is damaged"},
        {0, 29, 255, DOGBREED_ERROR_FORMAT, "directory is damaged"},
        {0, 8, 1, DOGBREED_ERROR_UNSUPPORTED, "entry x/data.pkl is encrypted"},
        {0, 10, 8, DOGBREED_ERROR_UNSUPPORTED, "entry x/data.pkl is compressed"},
        {0, 20, 1, DOGBREED_ERROR_FORMAT, "two sizes"},
        {0, 42, 1, DOGBREED_ERROR_FORMAT, "not where the central directory says"},
        {0, 45, 255, DOGBREED_ERROR_FORMAT, "not where the central directory says"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)make_zip(usual, USUAL, 0);
        file.data[(cases[i].from_end ? end : directory) + cases[i].offset] = cases[i].value;
        assert_refused(cases[i].code, cases[i].part);
    }
    (void)make_zip(usual, USUAL, 0);
    file.data[28] = 255; // the local extra field pushes the data beyond the directory
    file.data[29] = 255;
    assert_refused(DOGBREED_ERROR_FORMAT, "does not fit in the file");
    file.size = 8;
    assert_refused(DOGBREED_ERROR_FORMAT, "too short");
    directory = make_zip(usual, USUAL, 1);
    file.data[file.size - 22 - 12 + 4] = 255; // where the zip64 record is
    assert_refused(DOGBREED_ERROR_FORMAT, "zip64 end record");
    directory = make_zip(usual, USUAL, 1);
    file.data[directory + 46 + strlen("x/data.pkl") + 5 + 2] = 8; // length of the field
    assert_refused(DOGBREED_ERROR_FORMAT, "a zip64 field is too short");
}

// 2 MiB of expanded views over 8 bytes is fine, 2 GiB is not.
static void test_expansion_is_bounded(void **state) {
    (void)state;
    static const char small[] = "\x80\2}U\1actorch._utils\n_rebuild_tensor_v2\n(" PID(
        "k", "\2") "K\0J\0\0\4\0K\2\x86K\0K\1\x86\x89NtRs.";
    static const char large[] = "\x80\2}U\1actorch._utils\n_rebuild_tensor_v2\n(" PID(
        "k", "\2") "K\0J\0\0\0\x10K\2\x86K\0K\1\x86\x89NtRs.";
    scratch_entry entries[USUAL];
    memcpy(entries, usual, sizeof usual);
    entries[0] = (scratch_entry){"x/data.pkl", small, sizeof small - 1};
    (void)make_zip(entries, USUAL, 0);
    assert_opens(1);
    entries[0] = (scratch_entry){"x/data.pkl", large, sizeof large - 1};
    (void)make_zip(entries, USUAL, 0);
    assert_refused(DOGBREED_ERROR_FORMAT, "strided views much larger than the file");
}

static void test_state_dict(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        size_t count; // 0: refused
        const char *part;
    } cases[] = {
#define D(text, count, part) {text, sizeof text - 1, count, part}
        D("\x80\2}U\5modelU\1xsU\1a" TENSOR("k", "\2") "s.", 1, ""),
        D("\x80\2}U\5model}U\1a" TENSOR("k", "\2") "ss.", 1, ""),
        D("\x80\2}U\20model_state_dict}U\1a" TENSOR("k", "\2") "ss.", 1, ""),
        D("\x80\2}U\1a" TENSOR("z", "\2") "sU\1a" TENSOR("k", "\2") "s.", 1, ""), // the later wins
        D("\x80\2}U\1a" TENSOR("k", "\2") "sU\1bNs.", 1, ""),
        D("\x80\2N.", 0, "not a dict"),
        D("\x80\2}U\3net}U\1a" TENSOR("k", "\2") "ssU\5epochK\3s.", 0, "its keys are: net, epoch"),
        D("\x80\2}K\1" TENSOR("k", "\2") "s.", 0, "name of a tensor is not UTF-8 text"),
        D("\x80\2}U\1\xff" TENSOR("k", "\2") "s.", 0, "name of a tensor is not UTF-8 text"),
        D("\x80\2}U\2a\0" TENSOR("k", "\2") "s.", 0, "name of a tensor is not UTF-8 text"),
    };
    scratch_entry entries[USUAL];
    memcpy(entries, usual, sizeof usual);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        entries[0] = (scratch_entry){"x/data.pkl", cases[i].text, cases[i].size};
        (void)make_zip(entries, USUAL, 0);
        if (cases[i].count > 0) {
            assert_opens(cases[i].count);
        } else {
            assert_refused(DOGBREED_ERROR_FORMAT, cases[i].part);
        }
    }
}

// --- legacy

#define MAGIC "\x80\2\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19."
#define PROTOCOL "\x80\2M\xe9\3."
#define SYSTEM "\x80\2}U\rlittle_endian\x88s."
#define KEYS "\x80\2]U\1ka."

#define PUT(text) put(&file, text, sizeof text - 1)

static void legacy(const char *text, size_t size) {
    file.size = 0;
    PUT(MAGIC);
    put(&file, text, size);
}
#define LEGACY(text) legacy(text, sizeof text - 1)

static void test_legacy(void **state) {
    (void)state;
    LEGACY(PROTOCOL SYSTEM OBJECT KEYS);
    put_number(&file, 2, 8);
    put(&file, numbers, sizeof numbers);
    assert_opens(1);

    file.size -= 1;
    assert_refused(DOGBREED_ERROR_FORMAT, "2 elements of 4 bytes, 7 bytes are left");
    file.size -= 9;
    assert_refused(DOGBREED_ERROR_FORMAT, "cut short in the list of storages");
    LEGACY(PROTOCOL SYSTEM OBJECT KEYS);
    put_number(&file, UINT64_MAX, 8);
    put(&file, numbers, sizeof numbers);
    assert_refused(DOGBREED_ERROR_FORMAT, "8 bytes are left");
    LEGACY(PROTOCOL SYSTEM OBJECT KEYS);
    put_number(&file, 1, 8);
    put(&file, numbers, sizeof numbers);
    assert_refused(DOGBREED_ERROR_FORMAT, "has 4 bytes, expected 2 elements");
    LEGACY("\x80\2M\xea\3.");
    assert_refused(DOGBREED_ERROR_UNSUPPORTED, "a protocol other than 1001");
    LEGACY(PROTOCOL "\x80\2}U\rlittle_endian\x89s.");
    assert_refused(DOGBREED_ERROR_UNSUPPORTED, "not little-endian");
    LEGACY(PROTOCOL "\x80\2N.");
    assert_refused(DOGBREED_ERROR_FORMAT, "not the system's dict");
    LEGACY(PROTOCOL SYSTEM OBJECT "\x80\2N.");
    assert_refused(DOGBREED_ERROR_FORMAT, "not the list of storages");
    LEGACY(PROTOCOL SYSTEM OBJECT "\x80\2].");
    assert_refused(DOGBREED_ERROR_FORMAT, "a storage is not in the list");
    LEGACY(PROTOCOL SYSTEM OBJECT "\x80\2]U\1za.");
    assert_refused(DOGBREED_ERROR_FORMAT, "storage 0 of the list belongs to no tensor");
    LEGACY(PROTOCOL SYSTEM OBJECT "\x80\2]U\1kaU\1ka.");
    put_number(&file, 2, 8);
    put(&file, numbers, sizeof numbers);
    assert_refused(DOGBREED_ERROR_FORMAT, "storage 1 of the list is there twice");
    LEGACY(PROTOCOL SYSTEM
           "\x80\2}U\1a" TENSOR("k", "\2") "sU\1b(X\7\0\0\0storagectorch\nHalfStorage\n"
                                           "U\1kU\3cpuK\4tQs.");
    assert_refused(DOGBREED_ERROR_FORMAT, "is there twice, with different types");
    file.size = 14;
    assert_refused(DOGBREED_ERROR_FORMAT, "not PyTorch's legacy container");
}

// --- tar

static void put_member(const char *name, const void *data, size_t size) {
    char header[512] = {0};
    unsigned sum = 0;
    (void)snprintf(header, 100, "%s", name);
    (void)snprintf(header + 124, 12, "%011zo", size);
    memcpy(header + 148, "        ", 8);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof header; i++) {
        sum += (unsigned char)header[i];
    }
    (void)snprintf(header + 148, 8, "%06o", sum);
    put(&file, header, sizeof header);
    put(&file, data, size);
    memset(header, 0, sizeof header);
    put(&file, header, (512 - size % 512) % 512);
}

typedef struct part {
    const char *text;
    size_t size;
} part;
#define P(text)                                                                                    \
    (part) {                                                                                       \
        text, sizeof text - 1                                                                      \
    }

static void make_tar(part storages, part tensors, part root) {
    file.size = 0;
    put_member("sys_info", "\x80\2}.", 4);
    put_member("storages", storages.text, storages.size);
    put_member("tensors", tensors.text, tensors.size);
    put_member("pickle", root.text, root.size);
}

#define ONE "\x80\2K\1."
#define NUMBERS "\0\0\x80\x3f\0\0\0\x40"
#define STORAGE "\x80\2(K\7U\3cpuctorch\nFloatStorage\nt."
#define STORAGES ONE STORAGE "\2\0\0\0\0\0\0\0" NUMBERS "\x80\2]."
#define ROW "\x80\2(K\x09K\7ctorch\nFloatTensor\nt."
#define TENSORS ONE ROW "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ROOT "\x80\2}U\1aK\x09Qs."

static void test_tar(void **state) {
    (void)state;
    make_tar(P(STORAGES), P(TENSORS), P(ROOT));
    assert_opens(1);
    // A view of the storage is one more storage.
    make_tar(P(ONE STORAGE "\2\0\0\0\0\0\0\0" NUMBERS "\x80\2](K\5K\7K\0K\2ta."), P(TENSORS),
             P(ROOT));
    assert_opens(1);
    static const struct {
        part storages;
        part tensors;
        part root;
        int code;
        const char *text;
    } cases[] = {
        {{"\x80\2N.", 4}, {"", 0}, {"", 0}, DOGBREED_ERROR_FORMAT, "expected a count"},
#define S(storages, code, text) {{storages, sizeof storages - 1}, {"", 0}, {"", 0}, code, text}
        S(ONE "\x80\2N.", DOGBREED_ERROR_FORMAT, "expected a tuple of 3"),
        S(ONE STORAGE "\2\0", DOGBREED_ERROR_FORMAT, "cut short"),
        S(ONE STORAGE "\2\0\0\0\0\0\0\0xx", DOGBREED_ERROR_FORMAT, "2 bytes are left"),
        S(ONE STORAGE "\xff\xff\xff\xff\xff\xff\xff\xff", DOGBREED_ERROR_FORMAT,
          "0 bytes are left"),
        S(ONE "\x80\2(K\7NNt.\0\0\0\0\0\0\0\0", DOGBREED_ERROR_FORMAT, "not a class of storages"),
        S(ONE STORAGE "\0\0\0\0\0\0\0\0\x80\2N.", DOGBREED_ERROR_FORMAT, "the list of views"),
        S(ONE STORAGE "\0\0\0\0\0\0\0\0\x80\2]Na.", DOGBREED_ERROR_FORMAT, "not a tuple of 4"),
        S(ONE STORAGE "\0\0\0\0\0\0\0\0\x80\2](K\5K\6K\0K\0ta.", DOGBREED_ERROR_FORMAT,
          "names none"),
        S(ONE STORAGE "\0\0\0\0\0\0\0\0\x80\2](K\5K\7K\0K\1ta.", DOGBREED_ERROR_FORMAT,
          "reaches beyond it"),
        S("\x80\2K\2." STORAGE "\0\0\0\0\0\0\0\0" STORAGE "\0\0\0\0\0\0\0\0\x80\2].",
          DOGBREED_ERROR_FORMAT, "storage 7 is there twice"),
#define G(tensors, code, text)                                                                     \
    {{STORAGES, sizeof STORAGES - 1}, {tensors, sizeof tensors - 1}, {"", 0}, code, text}
        G("\x80\2J\xff\xff\xff\xff.", DOGBREED_ERROR_FORMAT, "expected a count"),
        G(ONE "\x80\2(K\x09K\6Nt.", DOGBREED_ERROR_FORMAT, "a tensor names no storage"),
        G(ONE ROW "\1\0\0\0", DOGBREED_ERROR_FORMAT, "cut short"),
        G(ONE ROW "\x09\0\0\0\0\0\0\0", DOGBREED_ERROR_UNSUPPORTED, "9 dimensions"),
        G(ONE ROW "\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
          DOGBREED_ERROR_FORMAT, "reaches beyond its storage"),
        {{STORAGES, sizeof STORAGES - 1},
         {TENSORS, sizeof TENSORS - 1},
         {"\x80\2}U\1aK\x08Qs.", 12},
         DOGBREED_ERROR_FORMAT,
         "names no tensor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_tar(cases[i].storages, cases[i].tensors, cases[i].root);
        assert_refused(cases[i].code, cases[i].text);
    }
    file.size = 0;
    put_member("storages", "", 0);
    assert_refused(DOGBREED_ERROR_FORMAT, "a tar file without pickle");
    make_tar(P(STORAGES), P(TENSORS), P(ROOT));
    file.data[0] = 'S';
    assert_refused(DOGBREED_ERROR_FORMAT, "damaged header at byte 0");
    make_tar(P(STORAGES), P(TENSORS), P(ROOT));
    file.size = 1500;
    assert_refused(DOGBREED_ERROR_FORMAT, "a tar file without pickle");
    file.size = 512 * 3 + 10;
    assert_refused(DOGBREED_ERROR_FORMAT, "cut short");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),           cmocka_unit_test(test_zip_entries),
        cmocka_unit_test(test_zip_structure), cmocka_unit_test(test_expansion_is_bounded),
        cmocka_unit_test(test_state_dict),    cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_tar),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
