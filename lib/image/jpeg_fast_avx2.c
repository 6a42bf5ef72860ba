// jpeg_fast_avx2.c - the fast path of baseline JPEGs on AVX2 and BMI2: entropy decoding, the order
// of things, and the way from blocks to rows of pixels. Only MCUs that the region needs go further
// than entropy decoding. Whenever the data is not exactly as it should be, it gives up and libjpeg
// starts again.
#include "image/jpeg_bits.h"
#include "core/error.h"

#include <immintrin.h>

#include <string.h>

enum {
    EOI = 0xD9,
    RST0 = 0xD0,
    DATA_PAD = 4096, // zeros behind a segment: more than one MCU of the longest codes
    ROW_PAD = 64,    // in front of and behind a row
    DC_MAX = 8191    // larger products would wrap in libjpeg's 16-bit arithmetic
};

typedef struct plane {
    uint8_t *samples; // of the first needed MCU
    size_t stride;
    int32_t rows; // real ones of the whole picture
    int32_t columns;
    int32_t first_row; // of `samples` in the whole picture
    int32_t first_column;
} plane;

typedef struct decoder {
    const dogb_jpeg_header *header;
    dogb_decode_job *job;
    const dogb_rect *region;
    bit_reader bits;
    const uint8_t *source; // next stuffed byte
    const uint8_t *source_end;
    uint8_t *clean; // the segment without stuffing
    int marker;     // behind the segment; 0: none
    const huffman *dc[3];
    const huffman *ac[3];
    plane planes[3];
    int32_t mcu_width; // pixels
    int32_t mcu_height;
    int32_t mcu_columns; // of the whole picture
    int32_t mcu_rows;
    dogb_rect mcus; // needed ones
    uint16_t *sums;
    uint8_t *rows[2]; // upsampled chroma
    int32_t queued;   // blocks waiting for the inverse DCT
    dogb_jpeg_block queue[2];
    _Alignas(32) int16_t coefficients[2][64];
    uint8_t waste[64];
} decoder;

static int32_t divide_up(int32_t a, int32_t b) {
    return (a + b - 1) / b;
}

// Copies up to the next marker, without the zero that follows every 255.
static int next_segment(decoder *d) {
    uint8_t *out = d->clean;
    const uint8_t *in = d->source, *end = d->source_end;
    d->marker = 0;
    while (in < end) {
        const uint8_t *stop = memchr(in, 0xFF, (size_t)(end - in));
        size_t count = stop == NULL ? (size_t)(end - in) : (size_t)(stop - in);
        memcpy(out, in, count);
        out += count;
        in += count;
        if (stop == NULL || end - in < 2) {
            break; // truncated
        }
        if (in[1] != 0) {
            d->marker = in[1];
            in += 2;
            break;
        }
        *out++ = 0xFF;
        in += 2;
    }
    d->source = in;
    memset(out, 0, DATA_PAD);
    d->bits = (bit_reader){.next = d->clean, .start = d->clean, .size = (size_t)(out - d->clean)};
    return d->marker == 0 ? -1 : 0;
}

// All bits of the segment are used but for the padding of the last byte.
static int segment_complete(const decoder *d) {
    size_t used = consumed_bits(&d->bits);
    return used <= d->bits.size * 8 && used + 8 > d->bits.size * 8;
}

static int make_tables(decoder *d, huffman *tables) {
    for (int c = 0; c < 3; c++) {
        const dogb_jpeg_component *component = &d->header->components[c];
        const uint8_t *specs[2] = {d->header->huffman[0][component->dc],
                                   d->header->huffman[1][component->ac]};
        const huffman **made[2] = {d->dc, d->ac};
        for (int kind = 0; kind < 2; kind++) {
            for (int other = 0; other < c; other++) {
                if (made[kind][other]->symbols == specs[kind] + 16) {
                    made[kind][c] = made[kind][other];
                }
            }
            if (made[kind][c] == NULL) {
                if (huffman_make(tables, specs[kind], kind == 0) < 0) {
                    return -1;
                }
                made[kind][c] = tables++;
            }
        }
    }
    return 0;
}

static void flush(decoder *d) {
    if (d->queued == 0) {
        return;
    }
    if (d->queued == 1) {
        d->queue[1] = d->queue[0];
        d->queue[1].out = d->waste;
        d->queue[1].stride = 8;
    }
    dogb_jpeg_idct2(&d->queue[0], &d->queue[1]);
    for (size_t i = 0; i < 2; i++) { // a loop of vector stores; memset becomes slow string code
        for (size_t k = 0; k < 64; k += 16) {
            _mm256_store_si256((__m256i *)(void *)(d->coefficients[i] + k), _mm256_setzero_si256());
        }
    }
    d->queued = 0;
}

static void fill_flat(uint8_t *out, size_t stride, int32_t dc) {
    int32_t value = ((dc + 4) >> 3) + 128;
    value = value < 0 ? 0 : value > 255 ? 255 : value;
    for (size_t y = 0; y < 8; y++) {
        memset(out + y * stride, value, 8);
    }
}

static int needed_block(decoder *d, int c, int32_t *dc, uint8_t *out) {
    int16_t *block = d->coefficients[d->queued];
    const uint16_t *quant = d->header->quant[d->header->components[c].quant];
    int32_t last = decode_block(&d->bits, d->dc[c], d->ac[c], dc, block);
    int32_t first = *dc * (int32_t)quant[0];
    if (last < 0 || *dc > DC_MAX || *dc < -DC_MAX || first > DC_MAX || first < -DC_MAX) {
        return -1;
    }
    if (last == 0) {
        fill_flat(out, d->planes[c].stride, first);
        block[0] = 0;
        return 0;
    }
    d->queue[d->queued] = (dogb_jpeg_block){block, quant, out, d->planes[c].stride};
    if (++d->queued == 2) {
        flush(d);
    }
    return 0;
}

static int needed_mcu(decoder *d, int32_t dc[3], int32_t row, int32_t column) {
    for (int c = 0; c < 3; c++) {
        const dogb_jpeg_component *component = &d->header->components[c];
        const plane *part = &d->planes[c];
        size_t x = (size_t)(column - d->mcus.left) * component->across * 8;
        size_t y = (size_t)(row - d->mcus.top) * component->down * 8;
        for (size_t v = 0; v < component->down; v++) {
            for (size_t h = 0; h < component->across; h++) {
                uint8_t *out = part->samples + (y + v * 8) * part->stride + x + h * 8;
                if (needed_block(d, c, &dc[c], out) < 0) {
                    return -1;
                }
            }
        }
    }
    return 0;
}

static int skipped_mcu(decoder *d, int32_t dc[3]) {
    for (int c = 0; c < 3; c++) {
        const dogb_jpeg_component *component = &d->header->components[c];
        for (int i = component->across * component->down; i > 0; i--) {
            if (decode_block(&d->bits, d->dc[c], d->ac[c], &dc[c], NULL) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

// An end marker somewhere behind: the file is not cut.
static int has_end(const decoder *d) {
    for (const uint8_t *at = d->source_end; at - d->source >= 2; at--) {
        if (at[-2] == 0xFF && at[-1] == EOI) {
            return 1;
        }
    }
    return d->marker == EOI;
}

static int next_restart(decoder *d, int32_t dc[3], int32_t index) {
    if (!segment_complete(d) || d->marker != RST0 + (index & 7) || next_segment(d) < 0) {
        return -1;
    }
    memset(dc, 0, 3 * sizeof *dc);
    return 0;
}

// Entropy decoding down to the last needed row.
static int read_mcus(decoder *d) {
    int32_t dc[3] = {0, 0, 0}, restart = d->header->restart, left = restart, index = 0;
    if (next_segment(d) < 0) {
        return -1;
    }
    for (int32_t row = 0; row < d->mcus.bottom; row++) {
        int needed = row >= d->mcus.top;
        for (int32_t column = 0; column < d->mcu_columns; column++) {
            if (restart > 0 && left-- == 0) {
                if (next_restart(d, dc, index++) < 0) {
                    return -1;
                }
                left = restart - 1;
            }
            int rc = needed && column >= d->mcus.left && column < d->mcus.right
                         ? needed_mcu(d, dc, row, column)
                         : skipped_mcu(d, dc);
            if (rc < 0 || consumed_bits(&d->bits) > d->bits.size * 8) {
                return -1;
            }
        }
        flush(d);
    }
    if (d->mcus.bottom == d->mcu_rows) {
        return segment_complete(d) && d->marker == EOI ? 0 : -1;
    }
    return restart > 0 ? (has_end(d) ? 0 : -1) : d->marker == EOI ? 0 : -1;
}

// One row of a chroma plane, doubled across (and down when `far` is another row), for the columns
// that the region needs. Returns where the region's first pixel lies.
static const uint8_t *upsample(decoder *d, int c, int32_t y) {
    const plane *part = &d->planes[c];
    int down = d->header->components[0].down == 2;
    int32_t near = down ? y / 2 : y, far = near;
    if (down) {
        far = y & 1 ? near + 1 : near - 1;
        far = far < 0 ? 0 : far >= part->rows ? part->rows - 1 : far;
    }
    const uint8_t *near_row = part->samples + (size_t)(near - part->first_row) * part->stride;
    const uint8_t *far_row = part->samples + (size_t)(far - part->first_row) * part->stride;
    int32_t left = d->region->left / 2 - part->first_column;
    if (d->header->components[0].across == 1) {
        return near_row + d->region->left - part->first_column;
    }
    // One sample more on each side, within the picture; repeated at its borders.
    int32_t right = (d->region->right - 1) / 2 - part->first_column + 1;
    int32_t from = left > 0 ? left - 1 : 0;
    int32_t to = right + 1 + part->first_column < part->columns
                     ? right + 1
                     : part->columns - part->first_column;
    dogb_jpeg_sums(d->sums, near_row + from, far_row + from, (size_t)(to - from));
    d->sums[-1] = d->sums[0];
    d->sums[to - from] = d->sums[to - from - 1];
    (down ? dogb_jpeg_double_h2v2 : dogb_jpeg_double_h2v1)(d->rows[c - 1], d->sums,
                                                           (size_t)(to - from));
    return d->rows[c - 1] + 2 * (left - from) + (d->region->left & 1);
}

static void write_rows(decoder *d) {
    const plane *luma = &d->planes[0];
    size_t width = (size_t)d->job->image.width;
    for (int32_t y = d->region->top; y < d->region->bottom; y++) {
        const uint8_t *light = luma->samples + (size_t)(y - luma->first_row) * luma->stride +
                               (d->region->left - luma->first_column);
        const uint8_t *blue = upsample(d, 1, y), *red = upsample(d, 2, y);
        dogb_jpeg_to_rgb(d->job->image.pixels + (size_t)(y - d->region->top) * width * 3, light,
                         blue, red, width);
    }
}

// The MCUs whose samples the region's pixels depend on: upsampling looks one chroma sample further.
static void choose_mcus(decoder *d) {
    const dogb_jpeg_header *header = d->header;
    const dogb_rect *region = d->region;
    d->mcu_width = header->components[0].across * 8;
    d->mcu_height = header->components[0].down * 8;
    d->mcu_columns = divide_up(header->width, d->mcu_width);
    d->mcu_rows = divide_up(header->height, d->mcu_height);
    int32_t right = region->right + 2 < header->width ? region->right + 2 : header->width;
    int32_t bottom = region->bottom + 2 < header->height ? region->bottom + 2 : header->height;
    d->mcus.left = (region->left > 2 ? region->left - 2 : 0) / d->mcu_width;
    d->mcus.top = (region->top > 2 ? region->top - 2 : 0) / d->mcu_height;
    d->mcus.right = divide_up(right, d->mcu_width);
    d->mcus.bottom = divide_up(bottom, d->mcu_height);
}

// Hands out the parts of the one scratch buffer. With base NULL only counts.
static size_t lay_out(decoder *d, uint8_t *base, huffman **tables) {
    size_t at = 0;
    size_t columns = (size_t)(d->mcus.right - d->mcus.left);
    size_t lines = (size_t)(d->mcus.bottom - d->mcus.top);
    *tables = (huffman *)(void *)base;
    at += 6 * sizeof(huffman);
    d->clean = base == NULL ? NULL : base + at;
    at += (size_t)(d->source_end - d->source) + DATA_PAD;
    for (int c = 0; c < 3; c++) {
        const dogb_jpeg_component *component = &d->header->components[c];
        plane *part = &d->planes[c];
        part->stride = columns * component->across * 8 + ROW_PAD;
        part->samples = base == NULL ? NULL : base + at;
        part->first_column = d->mcus.left * component->across * 8;
        part->first_row = d->mcus.top * component->down * 8;
        part->columns =
            divide_up(d->header->width * component->across, d->header->components[0].across);
        part->rows = divide_up(d->header->height * component->down, d->header->components[0].down);
        at += part->stride * lines * component->down * 8 + ROW_PAD;
    }
    at = (at + 63) / 64 * 64 + ROW_PAD;
    d->sums = base == NULL ? NULL : (uint16_t *)(void *)(base + at);
    at += columns * 16 * sizeof(uint16_t) + 2 * ROW_PAD;
    for (int c = 0; c < 2; c++) {
        d->rows[c] = base == NULL ? NULL : base + at;
        at += columns * 16 * 2 + 2 * ROW_PAD;
    }
    return at;
}

int dogb_jpeg_fast_avx2(dogb_decode_job *job, const dogb_jpeg_header *header,
                        const dogb_rect *region) {
    decoder d = {.header = header, .job = job, .region = region};
    huffman *tables = NULL;
    d.source = job->bytes + header->data;
    d.source_end = job->bytes + job->size;
    choose_mcus(&d);
    size_t size = lay_out(&d, NULL, &tables);
    size_t pixels = (size_t)job->image.width * (size_t)job->image.height * 3;
    if (size + pixels > (size_t)job->limits->memory_max) {
        return DOGB_JPEG_PLAIN;
    }
    int rc = dogb_buffer_reserve(job->scratch, job->arena, size);
    if (rc < 0) {
        return rc;
    }
    (void)lay_out(&d, job->scratch->data, &tables);
    if (make_tables(&d, tables) < 0 || read_mcus(&d) < 0) {
        return DOGB_JPEG_PLAIN;
    }
    write_rows(&d);
    return DOGBREED_OK;
}
