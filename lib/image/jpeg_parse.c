// jpeg_parse.c - reads the headers of a plain baseline JPEG for the fast path. Whoever writes
// anything unusual is left to libjpeg: this file never says that a JPEG is broken.
#include "image/jpeg_fast.h"

#include <string.h>

enum {
    SOF0 = 0xC0,
    DHT = 0xC4,
    SOI = 0xD8,
    SOS = 0xDA,
    DQT = 0xDB,
    DRI = 0xDD,
    APP0 = 0xE0,
    APP1 = 0xE1,
    APP14 = 0xEE,
    APP15 = 0xEF,
    COM = 0xFE
};

const uint8_t dogb_jpeg_zigzag[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// What the parser remembers beside the header.
typedef struct parser {
    dogb_jpeg_header *header;
    int frame;
    int exif;
    int jfif;
    int adobe; // its transform + 1; 0: no such marker
} parser;

// Segment readers: data and size without the length field. Negative: not for the fast path.
static int read_quant(parser *in, const uint8_t *data, size_t size) {
    while (size > 0) {
        size_t wide = data[0] >> 4, slot = data[0] & 15;
        size_t bytes = wide ? 128 : 64;
        if (wide > 1 || slot > 3 || size < 1 + bytes) {
            return -1;
        }
        for (size_t k = 0; k < 64; k++) {
            const uint8_t *value = data + 1 + (wide ? 2 * k : k);
            in->header->quant[slot][dogb_jpeg_zigzag[k]] =
                (uint16_t)(wide ? value[0] << 8 | value[1] : value[0]);
        }
        in->header->quant_known[slot] = 1;
        data += 1 + bytes;
        size -= 1 + bytes;
    }
    return 0;
}

static int read_huffman(parser *in, const uint8_t *data, size_t size) {
    while (size > 0) {
        size_t kind = data[0] >> 4, slot = data[0] & 15, count = 0;
        if (size < 17 || kind > 1 || slot > 3) {
            return -1;
        }
        for (size_t i = 1; i <= 16; i++) {
            count += data[i];
        }
        if (count > 256 || size < 17 + count) {
            return -1;
        }
        in->header->huffman[kind][slot] = data + 1;
        data += 17 + count;
        size -= 17 + count;
    }
    return 0;
}

static int read_frame(parser *in, const uint8_t *data, size_t size) {
    dogb_jpeg_header *header = in->header;
    if (in->frame || size != 6 + 3 * 3 || data[0] != 8 || data[5] != 3) {
        return -1;
    }
    in->frame = 1;
    header->height = data[1] << 8 | data[2];
    header->width = data[3] << 8 | data[4];
    for (int c = 0; c < 3; c++) {
        const uint8_t *from = data + 6 + 3 * c;
        dogb_jpeg_component *component = &header->components[c];
        component->id = from[0];
        component->across = from[1] >> 4;
        component->down = from[1] & 15;
        component->quant = from[2];
        if (component->quant > 3) {
            return -1;
        }
    }
    const dogb_jpeg_component *luma = &header->components[0];
    int known = (luma->across == 1 && luma->down == 1) || (luma->across == 2 && luma->down <= 2);
    for (int c = 1; c < 3; c++) {
        known &= header->components[c].across == 1 && header->components[c].down == 1;
    }
    return known && luma->down > 0 ? 0 : -1;
}

static int read_restart(parser *in, const uint8_t *data, size_t size) {
    if (size != 2) {
        return -1;
    }
    in->header->restart = data[0] << 8 | data[1];
    return 0;
}

static int read_scan(parser *in, const uint8_t *data, size_t size) {
    dogb_jpeg_header *header = in->header;
    if (!in->frame || size != 4 + 2 * 3 || data[0] != 3 || data[7] != 0 || data[8] != 63 ||
        data[9] != 0) {
        return -1;
    }
    for (int c = 0; c < 3; c++) {
        dogb_jpeg_component *component = &header->components[c];
        component->dc = data[2 + 2 * c] >> 4;
        component->ac = data[2 + 2 * c] & 15;
        if (data[1 + 2 * c] != component->id || component->dc > 3 || component->ac > 3 ||
            header->huffman[0][component->dc] == NULL ||
            header->huffman[1][component->ac] == NULL || !header->quant_known[component->quant]) {
            return -1;
        }
    }
    return 0;
}

static int read_app(parser *in, uint8_t marker, const uint8_t *data, size_t size) {
    if (marker == APP0 && size >= 14 && memcmp(data, "JFIF\0", 5) == 0) {
        if (data[5] != 1) {
            return -1; // an unknown major version: libjpeg warns
        }
        in->jfif = 1;
    } else if (marker == APP14 && size >= 12 && memcmp(data, "Adobe", 5) == 0) {
        in->adobe = data[11] + 1;
    } else if (marker == APP1 && size > 6 && memcmp(data, "Exif\0\0", 6) == 0 && !in->exif) {
        in->exif = 1;
        in->header->orientation = dogb_exif_orientation(data + 6, size - 6);
    }
    return 0;
}

// libjpeg's guess of the colour space: 1 when it is YCbCr.
static int is_ycc(const parser *in) {
    const dogb_jpeg_component *components = in->header->components;
    if (in->jfif) {
        return 1;
    }
    if (in->adobe != 0) {
        return in->adobe == 2;
    }
    return components[0].id == 1 && components[1].id == 2 && components[2].id == 3;
}

static int read_segment(parser *in, uint8_t marker, const uint8_t *data, size_t size) {
    switch (marker) {
    case DQT:
        return read_quant(in, data, size);
    case DHT:
        return read_huffman(in, data, size);
    case SOF0:
        return read_frame(in, data, size);
    case DRI:
        return read_restart(in, data, size);
    case SOS:
        return read_scan(in, data, size);
    case COM:
        return 0;
    default:
        return marker >= APP0 && marker <= APP15 ? read_app(in, marker, data, size) : -1;
    }
}

int dogb_jpeg_parse(dogb_jpeg_header *out, const uint8_t *bytes, size_t size) {
    parser in = {.header = out};
    memset(out, 0, sizeof *out);
    out->orientation = 1;
    if (size < 4 || bytes[0] != 0xFF || bytes[1] != SOI) {
        return DOGB_JPEG_PLAIN;
    }
    size_t at = 2;
    while (size - at >= 4 && bytes[at] == 0xFF) {
        uint8_t marker = bytes[at + 1];
        size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length < 2 || length > size - at - 2 ||
            read_segment(&in, marker, bytes + at + 4, length - 2) < 0) {
            break;
        }
        at += 2 + length;
        if (marker == SOS) {
            out->data = at;
            // Very narrow pictures are upsampled in another way.
            return out->width > 4 && out->height > 0 && is_ycc(&in) ? 0 : DOGB_JPEG_PLAIN;
        }
    }
    return DOGB_JPEG_PLAIN;
}
