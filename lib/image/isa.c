// isa.c - which resampling kernel this machine runs.
#include "image/resize.h"

#include <stdlib.h>
#include <string.h>

static int always(void) {
    return 1;
}

// Best first.
static const struct candidate {
    const dogb_resize_kernel *kernel;
    int (*usable)(void);
} candidates[] = {
    {&dogb_resize_c, always},
};

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

const char *dogb_image_isa(void) {
    return dogb_resize_kernel_choose()->name;
}
