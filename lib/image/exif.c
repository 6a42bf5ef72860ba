// exif.c - reads one number from EXIF data: the orientation, tag 0x0112 of the first directory.
// Everything else is left alone: maker notes and links between directories are where readers get
// hurt. Format: TIFF 6.0, section 2.
#include "image/codec.h"

enum {
    TAG_ORIENTATION = 0x0112,
    TYPE_SHORT = 3,
    HEADER_BYTES = 8,
    ENTRY_BYTES = 12,
    BYTES_MAX = 65535 // one APP1 segment
};

typedef struct reader {
    const uint8_t *data;
    size_t size;
    int big_endian;
} reader;

// Both return 0 outside the data; callers check ranges where 0 would be a lie.
static uint32_t read16(const reader *in, size_t at) {
    if (in->size < 2 || at > in->size - 2) {
        return 0;
    }
    uint32_t first = in->data[at], second = in->data[at + 1];
    return in->big_endian ? first << 8 | second : second << 8 | first;
}

static uint32_t read32(const reader *in, size_t at) {
    if (in->size < 4 || at > in->size - 4) {
        return 0;
    }
    uint32_t first = read16(in, at), second = read16(in, at + 2);
    return in->big_endian ? first << 16 | second : second << 16 | first;
}

int32_t dogb_exif_orientation(const uint8_t *tiff, size_t size) {
    reader in = {tiff, size < BYTES_MAX ? size : BYTES_MAX, 0};
    if (in.size < HEADER_BYTES) {
        return 1;
    }
    if (tiff[0] == 'M' && tiff[1] == 'M') {
        in.big_endian = 1;
    } else if (tiff[0] != 'I' || tiff[1] != 'I') {
        return 1;
    }
    if (read16(&in, 2) != 42) {
        return 1;
    }
    size_t directory = read32(&in, 4);
    if (directory < HEADER_BYTES || directory > in.size - 2) {
        return 1;
    }
    uint32_t count = read16(&in, directory);
    for (uint32_t i = 0; i < count; i++) {
        size_t entry = directory + 2 + (size_t)i * ENTRY_BYTES;
        if (entry > in.size - HEADER_BYTES || in.size - entry < ENTRY_BYTES) {
            return 1; // the directory says more than there is
        }
        if (read16(&in, entry) != TAG_ORIENTATION) {
            continue;
        }
        if (read16(&in, entry + 2) != TYPE_SHORT || read32(&in, entry + 4) != 1) {
            return 1;
        }
        uint32_t value = read16(&in, entry + 8);
        return value >= 1 && value <= 8 ? (int32_t)value : 1;
    }
    return 1;
}
