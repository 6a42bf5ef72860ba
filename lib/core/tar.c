// tar.c - see tar.h. A machine that eats bytes: a header, then what belongs to it, then the next.
#include "core/tar.h"
#include "core/error.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_AT = 0,
    NAME_SIZE = 100,
    MODE_AT = 100,
    OWNER_AT = 108,
    GROUP_AT = 116,
    SIZE_AT = 124,
    SIZE_SIZE = 12,
    TIME_AT = 136,
    SUM_AT = 148,
    SUM_SIZE = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
    PREFIX_SIZE = 155,
    META_MAX = 1 << 16 // bytes of a pax header or of a long name
};

static const int64_t SIZE_MAX_WRITTEN = (int64_t)1 << 33; // what 11 octal digits hold

enum { AT_HEADER, AT_DATA, AT_META, AT_PADDING, AT_ZERO, AT_END };

struct dogb_tar {
    char *what;
    dogb_tar_calls calls;
    int state;
    int file; // what is being read is a file's
    int64_t position;
    int64_t left;    // of data or meta
    int64_t padding; // behind them
    size_t used;     // of block
    uint8_t block[DOGB_TAR_BLOCK];
    char meta_type;
    size_t meta_used;
    char meta[META_MAX + 1];
    char *long_name; // for the next entry: long_length bytes; NULL none
    size_t long_length;
    int64_t long_size; // for the next entry; -1: none
    char names[META_MAX + 1];
};

// --- writing

static uint32_t sum_of(const uint8_t *block) {
    uint32_t sum = 0;
    for (int i = 0; i < DOGB_TAR_BLOCK; i++) {
        sum += i >= SUM_AT && i < SUM_AT + SUM_SIZE ? ' ' : block[i];
    }
    return sum;
}

static void put_octal(uint8_t *at, int digits, uint64_t value) {
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (uint8_t)('0' + (value & 7));
        value >>= 3;
    }
}

int dogb_tar_header(uint8_t block[DOGB_TAR_BLOCK], const char *name, int64_t size, int64_t time) {
    size_t length = strlen(name);
    DOGB_CHECK(length > 0 && length <= NAME_SIZE, "tar: %s: a name of %zu bytes, expected 1 to %d",
               name, length, (int)NAME_SIZE);
    DOGB_CHECK(size >= 0 && size < SIZE_MAX_WRITTEN,
               "tar: %s: %lld bytes, expected less than 8 GiB", name, (long long)size);
    DOGB_CHECK(time >= 0 && time < SIZE_MAX_WRITTEN, "tar: %s: a time outside of what tar holds",
               name);
    memset(block, 0, DOGB_TAR_BLOCK);
    memcpy(block + NAME_AT, name, length);
    put_octal(block + MODE_AT, 7, 0644);
    put_octal(block + OWNER_AT, 7, 0);
    put_octal(block + GROUP_AT, 7, 0);
    put_octal(block + SIZE_AT, 11, (uint64_t)size);
    put_octal(block + TIME_AT, 11, (uint64_t)time);
    block[TYPE_AT] = '0';
    memcpy(block + MAGIC_AT, "ustar\00000", 8);
    put_octal(block + SUM_AT, 6, sum_of(block));
    block[SUM_AT + 7] = ' ';
    return DOGBREED_OK;
}

// --- reading

static int refuse(const dogb_tar *tar, const char *why) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tar: %s at byte %lld", tar->what, why,
                     (long long)(tar->position - (int64_t)tar->used));
}

int64_t dogb_tar_octal(const uint8_t *text, size_t length) {
    int64_t value = 0;
    size_t i = 0;
    while (i < length && text[i] == ' ') {
        i++;
    }
    size_t first = i;
    for (; i < length && text[i] >= '0' && text[i] <= '7'; i++) {
        value = value * 8 + (text[i] - '0');
    }
    for (size_t k = i; k < length; k++) {
        if (text[k] != ' ' && text[k] != '\0') {
            return -1;
        }
    }
    return i == first ? -1 : value;
}

int dogb_tar_sum_fits(const uint8_t block[DOGB_TAR_BLOCK]) {
    return dogb_tar_octal(block + SUM_AT, SUM_SIZE) == sum_of(block);
}

static int is_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return 0;
        }
    }
    return 1;
}

static size_t field_length(const uint8_t *field, size_t size) {
    const uint8_t *end = memchr(field, '\0', size);
    return end == NULL ? size : (size_t)(end - field);
}

// One record of a pax header: "LENGTH key=value\n". Returns its length, 0: damaged.
static size_t pax_record(dogb_tar *tar, const char *text, size_t size) {
    size_t length = 0;
    size_t at = 0;
    while (at < size && text[at] >= '0' && text[at] <= '9' && length <= META_MAX) {
        length = length * 10 + (size_t)(text[at++] - '0');
    }
    if (at == 0 || at >= size || text[at] != ' ' || length > size || length < at + 4 ||
        text[length - 1] != '\n') {
        return 0;
    }
    const char *key = text + at + 1;
    const char *end = text + length - 1;
    const char *equals = memchr(key, '=', (size_t)(end - key));
    if (equals == NULL || tar->meta_type == 'g') { // what holds for all entries is nothing of ours
        return equals == NULL ? 0 : length;
    }
    size_t key_length = (size_t)(equals - key);
    size_t value_length = (size_t)(end - equals) - 1;
    if (key_length == 4 && memcmp(key, "path", 4) == 0) {
        memcpy(tar->names, equals + 1, value_length);
        tar->names[value_length] = '\0';
        tar->long_name = tar->names;
        tar->long_length = value_length;
    } else if (key_length == 4 && memcmp(key, "size", 4) == 0) {
        int64_t value = 0;
        for (const char *c = equals + 1; c < end; c++) {
            if (*c < '0' || *c > '9' || value > INT64_MAX / 16) {
                return 0;
            }
            value = value * 10 + (*c - '0');
        }
        tar->long_size = value_length == 0 ? -1 : value;
    } else if (key_length >= 10 && memcmp(key, "GNU.sparse", 10) == 0) {
        return 0; // the data are not the file's bytes
    }
    return length;
}

// What stood between two headers and is about the next one.
static int take_meta(dogb_tar *tar) {
    if (tar->meta_type == 'L') {
        size_t length = field_length((const uint8_t *)tar->meta, tar->meta_used);
        memcpy(tar->names, tar->meta, length);
        tar->names[length] = '\0';
        tar->long_name = tar->names;
        tar->long_length = length;
        return DOGBREED_OK;
    }
    for (size_t at = 0; at < tar->meta_used;) {
        size_t length = pax_record(tar, tar->meta + at, tar->meta_used - at);
        if (length == 0) {
            return refuse(tar, "a damaged pax header, or one of a sparse file");
        }
        at += length;
    }
    return DOGBREED_OK;
}

static int begin_meta(dogb_tar *tar, char type, int64_t size) {
    if (size > META_MAX) {
        return refuse(tar, "a pax header or long name of more than 64 KiB");
    }
    tar->meta_type = type;
    tar->meta_used = 0;
    tar->left = size;
    tar->padding = -size & (DOGB_TAR_BLOCK - 1);
    tar->state = AT_META;
    return DOGBREED_OK;
}

static int begin_entry(dogb_tar *tar, int directory, int64_t size) {
    char name[NAME_SIZE + PREFIX_SIZE + 2];
    const uint8_t *block = tar->block;
    dogb_tar_entry entry = {.directory = directory};
    size_t prefix = memcmp(block + MAGIC_AT, "ustar", 6) == 0 // GNU's own form has no prefix
                        ? field_length(block + PREFIX_AT, PREFIX_SIZE)
                        : 0;
    size_t length = field_length(block + NAME_AT, NAME_SIZE);
    (void)snprintf(name, sizeof name, "%.*s%s%.*s", (int)prefix, (const char *)block + PREFIX_AT,
                   prefix == 0 ? "" : "/", (int)length, (const char *)block + NAME_AT);
    entry.name = tar->long_name == NULL ? name : tar->long_name;
    entry.length = tar->long_name == NULL ? strlen(name) : tar->long_length;
    entry.size = tar->long_size < 0 ? size : tar->long_size;
    tar->long_name = NULL;
    tar->long_size = -1;
    if (directory && entry.size != 0) {
        return refuse(tar, "a folder with contents of its own");
    }
    tar->file = !directory;
    tar->left = entry.size;
    tar->padding = -entry.size & (DOGB_TAR_BLOCK - 1);
    tar->state = AT_DATA;
    return tar->calls.begin(&entry, tar->calls.userdata);
}

static int take_header(dogb_tar *tar) {
    const uint8_t *block = tar->block;
    if (is_zero(block, DOGB_TAR_BLOCK)) {
        if (tar->long_name != NULL || tar->long_size >= 0) {
            return refuse(tar, "a pax header without its entry");
        }
        tar->state = AT_ZERO;
        return DOGBREED_OK;
    }
    if (!dogb_tar_sum_fits(block)) {
        return refuse(tar, "not a header (its checksum is wrong)");
    }
    int64_t size = dogb_tar_octal(block + SIZE_AT, SIZE_SIZE);
    char type = (char)block[TYPE_AT];
    if (size < 0) {
        return refuse(tar, "a size that is no octal number");
    }
    switch (type) {
    case '0':
    case '\0': {
        // Old writers mark folders by the slash alone.
        size_t length = field_length(block + NAME_AT, NAME_SIZE);
        return begin_entry(tar, type == '\0' && length > 0 && block[NAME_AT + length - 1] == '/',
                           size);
    }
    case '5':
        return begin_entry(tar, 1, size);
    case 'x':
    case 'g':
    case 'L':
        return begin_meta(tar, type, size);
    case '1':
    case '2':
    case 'K':
        return refuse(tar, "a link, expected files and folders only");
    default:
        return refuse(tar, "neither a file nor a folder");
    }
}

static int end_entry(dogb_tar *tar) {
    int rc = DOGBREED_OK;
    if (tar->state == AT_META) {
        rc = take_meta(tar);
    } else if (tar->file) {
        rc = tar->calls.end(tar->calls.userdata);
    }
    tar->state = tar->padding > 0 ? AT_PADDING : AT_HEADER;
    return rc;
}

// Takes bytes for what has begun; returns how many, or an error.
static int take_body(dogb_tar *tar, const uint8_t *data, size_t size) {
    size_t count = (uint64_t)tar->left < size ? (size_t)tar->left : size;
    int rc = DOGBREED_OK;
    if (tar->state == AT_META) {
        memcpy(tar->meta + tar->meta_used, data, count);
        tar->meta_used += count;
    } else {
        rc = tar->calls.data(data, count, tar->calls.userdata);
    }
    tar->left -= (int64_t)count;
    tar->position += (int64_t)count;
    return rc;
}

static int take_block(dogb_tar *tar, const uint8_t **data, size_t *size) {
    size_t count = DOGB_TAR_BLOCK - tar->used < *size ? DOGB_TAR_BLOCK - tar->used : *size;
    memcpy(tar->block + tar->used, *data, count);
    tar->used += count;
    tar->position += (int64_t)count;
    *data += count;
    *size -= count;
    if (tar->used < DOGB_TAR_BLOCK) {
        return DOGBREED_OK;
    }
    int rc = DOGBREED_OK;
    if (tar->state == AT_HEADER) {
        rc = take_header(tar);
    } else if (!is_zero(tar->block, DOGB_TAR_BLOCK)) {
        rc = refuse(tar, "something behind the end of the archive");
    } else {
        tar->state = AT_END;
    }
    tar->used = 0;
    return rc;
}

int dogb_tar_create(dogb_tar **out, dogb_arena *arena, const char *what,
                    const dogb_tar_calls *calls) {
    dogb_tar *tar = dogb_alloc(arena, 1, sizeof *tar);
    *out = NULL;
    if (tar == NULL || (tar->what = dogb_strdup(arena, what)) == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    tar->calls = *calls;
    tar->long_size = -1;
    *out = tar;
    return DOGBREED_OK;
}

int dogb_tar_feed(dogb_tar *tar, const void *data, size_t size) {
    const uint8_t *bytes = data;
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK) {
        if ((tar->state == AT_DATA || tar->state == AT_META) && tar->left == 0) {
            rc = end_entry(tar); // at once, also of an empty file
            continue;
        }
        if (size == 0) {
            break;
        }
        if (tar->state == AT_DATA || tar->state == AT_META) {
            size_t count = (uint64_t)tar->left < size ? (size_t)tar->left : size;
            rc = take_body(tar, bytes, count);
            bytes += count;
            size -= count;
        } else if (tar->state == AT_PADDING) {
            size_t count = (uint64_t)tar->padding < size ? (size_t)tar->padding : size;
            tar->padding -= (int64_t)count;
            tar->position += (int64_t)count;
            bytes += count;
            size -= count;
            tar->state = tar->padding == 0 ? AT_HEADER : AT_PADDING;
        } else {
            rc = take_block(tar, &bytes, &size);
        }
    }
    return rc;
}

int dogb_tar_end(const dogb_tar *tar) {
    if (tar->state == AT_END && tar->used == 0) {
        return DOGBREED_OK;
    }
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tar: cut short at byte %lld", tar->what,
                     (long long)tar->position);
}
