// image.h - what the picture targets do with an input: probe it, decode it under both warning
// policies, with the plain code and with that of this machine, decode a part of it, and stop the
// program when one way contradicts the other.
#ifndef DOGB_FUZZ_IMAGE_H
#define DOGB_FUZZ_IMAGE_H

#include "fuzz.h"

#include "image/image.h"

#include <stdlib.h>
#include <string.h>

static inline void fuzz_limits(dogb_image_limits *limits, int policy) {
    dogb_image_limits_default(limits);
    limits->pixels_max = 1 << 20; // keeps the fuzzer fast
    limits->memory_max = 1 << 25;
    limits->scans_max = 20;
    limits->jpeg_warnings = policy;
}

// A part of the picture, chosen by the input's bytes.
static inline dogb_rect fuzz_part(const dogb_image *image, const uint8_t *data, size_t size) {
    uint32_t mix = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        mix = (mix ^ data[i]) * 16777619u;
    }
    dogb_rect rect;
    rect.left = (int32_t)((mix & 255) * (uint32_t)image->width / 256);
    rect.top = (int32_t)((mix >> 8 & 255) * (uint32_t)image->height / 256);
    rect.right = rect.left + 1 +
                 (int32_t)((mix >> 16 & 255) * (uint32_t)(image->width - rect.left - 1) / 255);
    rect.bottom = rect.top + 1 +
                  (int32_t)((mix >> 24 & 255) * (uint32_t)(image->height - rect.top - 1) / 255);
    return rect;
}

static inline void fuzz_check_part(const dogb_image *whole, const dogb_image *part,
                                   const dogb_rect *rect) {
    size_t bytes = (size_t)part->width * 3;
    for (int32_t y = 0; y < part->height; y++) {
        if (memcmp(part->pixels + (size_t)y * bytes,
                   whole->pixels +
                       ((size_t)(rect->top + y) * (size_t)whole->width + (size_t)rect->left) * 3,
                   bytes) != 0) {
            abort();
        }
    }
}

// The plain code (libjpeg alone) has to take the same files and give the same pixels.
static inline void fuzz_check_plain(const dogb_image *image, int rc, dogb_arena *arena,
                                    const uint8_t *data, size_t size,
                                    const dogb_image_limits *limits) {
    dogb_image plain;
    if (setenv("DOGBREED_CPU", "c", 1) != 0) {
        abort();
    }
    int plain_rc = dogb_image_decode(&plain, NULL, arena, data, size, limits, NULL, "input");
    if (unsetenv("DOGBREED_CPU") != 0 || plain_rc != rc) {
        abort();
    }
    if (rc == 0 && (plain.width != image->width || plain.height != image->height ||
                    memcmp(plain.pixels, image->pixels,
                           (size_t)plain.width * (size_t)plain.height * 3) != 0)) {
        abort();
    }
}

static inline void fuzz_image(const uint8_t *data, size_t size) {
    int accepted[2] = {0, 0};
    for (int policy = 0; policy < 2; policy++) {
        dogb_arena arena = {0};
        dogb_image_limits limits;
        dogb_image_info info;
        dogb_image whole, part;
        fuzz_limits(&limits, policy);
        int probed = dogb_image_probe(&info, data, size, &limits, "input");
        int rc = dogb_image_decode(&whole, &info, &arena, data, size, &limits, NULL, "input");
        accepted[policy] = rc == 0;
        fuzz_check_plain(&whole, rc, &arena, data, size, &limits);
        if (rc == 0) {
            if (probed != 0 || whole.width != info.width || whole.height != info.height) {
                abort();
            }
            dogb_rect rect = fuzz_part(&whole, data, size);
            rc = dogb_image_decode(&part, NULL, &arena, data, size, &limits, &rect, "input");
            if (rc != 0) {
                abort();
            }
            // Damaged data may be repaired in another way when parts are skipped.
            if (info.warnings == 0) {
                fuzz_check_part(&whole, &part, &rect);
            }
        }
        dogb_arena_free(&arena);
    }
    if (accepted[0] && !accepted[1]) {
        abort(); // the strict policy took what the lenient one refuses
    }
}

#endif
