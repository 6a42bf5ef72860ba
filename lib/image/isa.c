// isa.c - which resampling kernel and JPEG path this machine runs. The only file that asks for the
// processor.
#include "image/jpeg_fast.h"
#include "image/resize.h"

#include <stdlib.h>
#include <string.h>

static int always(void) {
    return 1;
}

#if defined(__x86_64__)
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") != 0;
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}
#endif

// Best first.
static const struct candidate {
    const dogb_resize_kernel *kernel;
    int (*usable)(void);
} candidates[] = {
#if defined(__x86_64__)
    {&dogb_resize_avx512, has_avx512},
    {&dogb_resize_avx2, has_avx2},
#endif
    {&dogb_resize_c, always},
};

const dogb_resize_kernel *dogb_resize_kernel_at(size_t index) {
    if (index >= sizeof candidates / sizeof candidates[0]) {
        return NULL;
    }
    return candidates[index].usable() ? candidates[index].kernel : &dogb_resize_c;
}

const dogb_resize_kernel *dogb_resize_kernel_choose(void) {
    const char *wanted = getenv("DOGBREED_CPU");
    const dogb_resize_kernel *best = NULL;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        const dogb_resize_kernel *kernel = candidates[i].kernel;
        if (!candidates[i].usable()) {
            continue;
        }
        if (wanted != NULL && strcmp(kernel->name, wanted) == 0) {
            return kernel;
        }
        if (best == NULL) {
            best = kernel;
        }
    }
    return best;
}

dogb_jpeg_fast_fn dogb_jpeg_fast_choose(void) {
#if defined(__x86_64__)
    const char *wanted = getenv("DOGBREED_CPU");
    if (has_avx2() && __builtin_cpu_supports("bmi2") &&
        (wanted == NULL || strcmp(wanted, "c") != 0)) {
        return dogb_jpeg_fast_avx2;
    }
#endif
    return NULL;
}

const char *dogb_image_isa(void) {
    return dogb_resize_kernel_choose()->name;
}
