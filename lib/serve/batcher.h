// batcher.h - pictures of many requests, computed together.
#ifndef DOGB_SERVE_BATCHER_H
#define DOGB_SERVE_BATCHER_H

#include <dogbreed/predictor.h>

enum {
    DOGB_ITEM_ENCODED = 0, // JPEG or PNG
    DOGB_ITEM_TENSOR = 1   // float32 3*side*side, normalised, at any address
};

enum { DOGB_ITEM_EXIF_IGNORED = 1 }; // bits of warnings

typedef struct dogb_item { // one picture of a request
    int32_t kind;
    int32_t rc;        // result code of this item
    const void *bytes; // borrowed until done
    size_t size;
    dogbreed_rectangle crop; // all zero: whole
    float *logits;           // [classes], caller's
    uint32_t warnings;       // DOGB_ITEM_EXIF_IGNORED ...
    uint64_t decode_ns;
    uint64_t queue_ns;
    uint64_t model_ns;
} dogb_item;

#endif
