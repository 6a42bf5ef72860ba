// pth_write.c - writer of PyTorch's zip container: a plain dict of tensors, which
// torch.load(weights_only=True) accepts, mapped or not. Entries are stored, numbers lie at
// multiples of 64 bytes. Equal content gives equal bytes.
#include "core/error.h"
#include "core/file.h"
#include "weights/reader.h"
#include "weights/zip.h"

#include <stdio.h>
#include <string.h>

enum {
    ALIGNMENT = 64,
    LOCAL_SIZE = 30,
    EXTRA_HEAD = 4, // id and length of an extra field
    DATE = 0x0021   // 1980-01-01: the files carry no time
};

// Names that Python has for each dtype. Those without a storage class of their own are rebuilt from
// bytes with _rebuild_tensor_v3.
static const struct {
    const char *storage; // NULL: untyped
    const char *dtype;
} names[DOGB_DTYPE_COUNT] = {
    [DOGB_F32] = {"FloatStorage", NULL},
    [DOGB_F64] = {"DoubleStorage", NULL},
    [DOGB_F16] = {"HalfStorage", NULL},
    [DOGB_BF16] = {"BFloat16Storage", NULL},
    [DOGB_I64] = {"LongStorage", NULL},
    [DOGB_I32] = {"IntStorage", NULL},
    [DOGB_I16] = {"ShortStorage", NULL},
    [DOGB_I8] = {"CharStorage", NULL},
    [DOGB_U8] = {"ByteStorage", NULL},
    [DOGB_BOOL] = {"BoolStorage", NULL},
    [DOGB_U16] = {NULL, "uint16"},
    [DOGB_U32] = {NULL, "uint32"},
    [DOGB_U64] = {NULL, "uint64"},
    [DOGB_C64] = {"ComplexFloatStorage", NULL},
    [DOGB_F8_E4M3] = {NULL, "float8_e4m3fn"},
    [DOGB_F8_E5M2] = {NULL, "float8_e5m2"},
};

// A growing text; the first failure sticks.
typedef struct buffer {
    dogb_arena *arena;
    uint8_t *data;
    size_t count;
    size_t capacity;
    int rc;
} buffer;

static void add(buffer *out, const void *data, size_t size) {
    if (out->rc == DOGBREED_OK) {
        out->rc = dogb_grow(out->arena, &out->data, &out->capacity, out->count + size, 1);
    }
    if (out->rc == DOGBREED_OK && size > 0) {
        memcpy(out->data + out->count, data, size);
        out->count += size;
    }
}

static void add_byte(buffer *out, uint8_t byte) {
    add(out, &byte, 1);
}

static void add_number(buffer *out, uint64_t value, size_t bytes) {
    uint8_t text[8];
    for (size_t i = 0; i < bytes; i++) {
        text[i] = (uint8_t)(value >> (8 * i));
    }
    add(out, text, bytes);
}

// --- pickle

static void add_text(buffer *out, const char *text) { // BINUNICODE
    add_byte(out, 'X');
    add_number(out, strlen(text), 4);
    add(out, text, strlen(text));
}

static void add_global(buffer *out, const char *module, const char *name) {
    add_byte(out, 'c');
    add(out, module, strlen(module));
    add_byte(out, '\n');
    add(out, name, strlen(name));
    add_byte(out, '\n');
}

static void add_int(buffer *out, int64_t value) { // not negative
    if (value <= UINT8_MAX) {
        add_byte(out, 'K');
        add_number(out, (uint64_t)value, 1);
    } else if (value <= INT32_MAX) {
        add_byte(out, 'J');
        add_number(out, (uint64_t)value, 4);
    } else {
        add_byte(out, 0x8a); // LONG1
        add_byte(out, 8);
        add_number(out, (uint64_t)value, 8);
    }
}

static void add_strides(buffer *out, const dogb_weight *tensor) {
    int64_t stride[DOGB_WEIGHT_RANK_MAX];
    int64_t step = 1;
    for (int32_t i = tensor->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= tensor->shape[i] > 0 ? tensor->shape[i] : 1;
    }
    add_byte(out, '(');
    for (int32_t i = 0; i < tensor->rank; i++) {
        add_int(out, stride[i]);
    }
    add_byte(out, 't');
}

static void add_tensor(buffer *out, const dogb_weight *tensor, size_t index) {
    char key[24];
    const char *storage = names[tensor->dtype].storage;
    const size_t size = storage == NULL ? 1 : dogb_dtype_size(tensor->dtype);
    (void)snprintf(key, sizeof key, "%zu", index);
    add_text(out, tensor->name);
    add_global(out, "torch._utils", storage == NULL ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    add(out, "((", 2); // arguments; persistent id
    add_text(out, "storage");
    if (storage == NULL) {
        add_global(out, "torch.storage", "UntypedStorage");
    } else {
        add_global(out, "torch", storage);
    }
    add_text(out, key);
    add_text(out, "cpu");
    add_int(out, (int64_t)(tensor->bytes / size));
    add(out, "tQ", 2);
    add_int(out, 0); // offset
    add_byte(out, '(');
    for (int32_t i = 0; i < tensor->rank; i++) {
        add_int(out, tensor->shape[i]);
    }
    add_byte(out, 't');
    add_strides(out, tensor);
    add_byte(out, 0x89); // requires_grad = False
    add_global(out, "collections", "OrderedDict");
    add(out, ")R", 2); // no hooks
    if (storage == NULL) {
        add_global(out, "torch", names[tensor->dtype].dtype);
    }
    add(out, "tRs", 3);
}

// --- zip

typedef struct zip_writer {
    dogb_writer *file;
    const char *path;
    buffer directory;
    size_t count;
} zip_writer;

// version needed, flags, method, time, date, CRC, sizes, name length: the same in both headers.
static void add_header(buffer *out, uint32_t crc, size_t size, size_t name_length) {
    add_number(out, 20, 2);
    add_number(out, 0, 2);
    add_number(out, 0, 2);
    add_number(out, 0, 2);
    add_number(out, DATE, 2);
    add_number(out, crc, 4);
    add_number(out, size, 4);
    add_number(out, size, 4);
    add_number(out, name_length, 2);
}

static int too_large(const char *path) {
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "%s: more than 4 GiB do not fit in a .pth: write .safetensors", path);
}

static int add_entry(zip_writer *zip, dogb_arena *scratch, const char *name, const void *data,
                     size_t size) {
    static const uint8_t zeros[ALIGNMENT] = {0};
    buffer local = {.arena = scratch};
    size_t offset = (size_t)dogb_writer_position(zip->file);
    size_t name_length = strlen(name);
    if (size > UINT32_MAX || offset > UINT32_MAX - size) {
        return too_large(zip->path);
    }
    uint32_t crc = dogb_crc32(data, size);
    size_t plain = offset + LOCAL_SIZE + name_length + EXTRA_HEAD;
    size_t padding = (ALIGNMENT - plain % ALIGNMENT) % ALIGNMENT;
    add(&local, "PK\3\4", 4);
    add_header(&local, crc, size, name_length);
    add_number(&local, EXTRA_HEAD + padding, 2);
    add(&local, name, name_length);
    add(&local, "FB", 2); // the id that torch uses for its padding
    add_number(&local, padding, 2);
    add(&local, zeros, padding);
    add(&zip->directory, "PK\1\2", 4);
    add_number(&zip->directory, 20, 2); // made by
    add_header(&zip->directory, crc, size, name_length);
    add(&zip->directory, zeros, 12); // extra, comment, disk, attributes
    add_number(&zip->directory, offset, 4);
    add(&zip->directory, name, name_length);
    zip->count++;
    int rc = local.rc < 0 ? local.rc : zip->directory.rc;
    if (rc == DOGBREED_OK &&
        (rc = dogb_writer_add(zip->file, local.data, local.count)) == DOGBREED_OK) {
        rc = dogb_writer_add(zip->file, data, size);
    }
    dogb_release(scratch, local.data);
    return rc;
}

static int end_zip(zip_writer *zip) {
    buffer *directory = &zip->directory;
    size_t offset = (size_t)dogb_writer_position(zip->file);
    size_t size = directory->count;
    if (offset > UINT32_MAX || size > UINT32_MAX || zip->count >= UINT16_MAX) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: %zu entries or more than 4 GiB do not fit in a .pth: write "
                         ".safetensors",
                         zip->path, zip->count);
    }
    add(directory, "PK\5\6\0\0\0", 8);
    add_number(directory, zip->count, 2);
    add_number(directory, zip->count, 2);
    add_number(directory, size, 4);
    add_number(directory, offset, 4);
    add_number(directory, 0, 2);
    if (directory->rc < 0) {
        return directory->rc;
    }
    return dogb_writer_add(zip->file, directory->data, directory->count);
}

static int write_entries(zip_writer *zip, dogb_arena *scratch, const dogb_weight *tensors,
                         size_t count) {
    buffer pickle = {.arena = scratch};
    char name[48];
    add(&pickle, "\x80\2}", 3);
    for (size_t i = 0; i < count; i++) {
        add_tensor(&pickle, &tensors[i], i);
    }
    add_byte(&pickle, '.');
    int rc = pickle.rc;
    if (rc < 0 ||
        (rc = add_entry(zip, scratch, "archive/data.pkl", pickle.data, pickle.count)) < 0 ||
        (rc = add_entry(zip, scratch, "archive/byteorder", "little", 6)) < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "archive/data/%zu", i);
        if ((rc = add_entry(zip, scratch, name, tensors[i].data, tensors[i].bytes)) < 0) {
            return rc;
        }
    }
    return add_entry(zip, scratch, "archive/version", "3\n", 2);
}

int dogb_pth_write(const char *path, const dogb_weight *tensors, size_t count) {
    dogb_arena scratch = {0};
    zip_writer zip = {.path = path, .directory = {.arena = &scratch}};
    const dogb_weight **sorted = NULL;
    int rc = dogb_tensors_check(&sorted, &scratch, path, tensors, count);
    if (rc < 0 || (rc = dogb_writer_open(&zip.file, &scratch, path)) < 0 ||
        (rc = write_entries(&zip, &scratch, tensors, count)) < 0 || (rc = end_zip(&zip)) < 0) {
        goto out;
    }
    rc = dogb_writer_commit(zip.file);
out:
    dogb_arena_free(&scratch);
    return rc;
}
