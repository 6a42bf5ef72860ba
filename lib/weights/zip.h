// zip.h - entries of a zip file in memory, by the central directory, zip64 too. Only stored ones
// can be used.
#ifndef DOGB_WEIGHTS_ZIP_H
#define DOGB_WEIGHTS_ZIP_H

#include "core/arena.h"

#include <stdint.h>

typedef struct dogb_zip_entry {
    const char *name; // not zero-terminated; points into the file
    size_t name_length;
    const uint8_t *data;
    size_t size;
    uint32_t crc;
    const char *problem; // "compressed", "encrypted": data is not the content; else NULL
} dogb_zip_entry;

typedef struct dogb_zip {
    dogb_zip_entry *entries; // sorted by name, no two alike
    size_t count;
} dogb_zip;

// Reads the directory of `data`. FORMAT.
int dogb_zip_open(dogb_zip *out, dogb_arena *arena, const char *path, const uint8_t *data,
                  size_t size);

// NULL: not there.
const dogb_zip_entry *dogb_zip_find(const dogb_zip *zip, const char *name, size_t length);

// UNSUPPORTED when the entry is compressed or encrypted.
int dogb_zip_check_stored(const char *path, const dogb_zip_entry *entry);

// CRC-32 of zip files, of data of any size.
uint32_t dogb_crc32(const void *data, size_t size);

#endif
