// reader.h - what the readers and writers of this folder share. A reader fills a dogb_weights from
// mapped bytes. Data pointers may point into the map, which lives as long as the arena of the
// weights.
#ifndef DOGB_WEIGHTS_READER_H
#define DOGB_WEIGHTS_READER_H

#include "core/file.h"
#include "weights/weights.h"

// Readers by container. The map belongs to weights->arena.
int dogb_safetensors_read(dogb_weights *weights, const dogb_map *map);

// Opens bytes in memory as dogb_weights_open opens a file; they must outlive the result. `path` is
// for messages, and its ending says which format is expected where the content does not.
int dogb_weights_open_bytes(dogb_weights **out, const char *path, const uint8_t *data, size_t size);

// Appends a tensor with a copy of the name; dtype, rank, shape, data and bytes are the caller's to
// fill. NULL: no memory.
dogb_weight *dogb_weights_add(dogb_weights *weights, const char *name, size_t length);

// Bytes of a tensor: product of the shape times the element size. -1: a dimension is negative or
// the product does not fit in 63 bits.
int64_t dogb_shape_bytes(const int64_t *shape, int32_t rank, int32_t dtype);

// A pointer to `bytes` of data that is aligned for dtype: the data itself or a copy in the arena.
// NULL: no memory.
const void *dogb_aligned(dogb_arena *arena, const void *data, size_t bytes, int32_t dtype);

// What the writers refuse: names that are not UTF-8 or occur twice, bytes that do not fit the
// shape. The tensors sorted by name, in the arena. INVALID_ARGUMENT, NO_MEMORY.
int dogb_tensors_check(const dogb_weight ***sorted, dogb_arena *arena, const char *path,
                       const dogb_weight *tensors, size_t count);

#endif
