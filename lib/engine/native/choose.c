// choose.c - which kernels this CPU gets.
#include "engine/native/kernel.h"
#include "engine/native/kernel_bf16.h"
#include "engine/native/kernel_int8.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static int always(void) {
    return 1;
}

#if defined(__x86_64__)
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512bw") != 0;
}

// A bit of EAX in leaf 7, subleaf 1 of cpuid: compilers differ in the names that they know.
static int has_bit(int bit) {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> bit & 1) != 0;
}

static int has_avxvnni(void) {
    return has_avx2() && has_bit(4);
}

static int has_avx512vnni(void) {
    return has_avx512() && __builtin_cpu_supports("avx512vnni") != 0;
}

static int has_avx512bf16(void) {
    return has_avx512() && has_bit(5);
}
#endif

const dogb_kernel *dogb_kernel_choose(void) {
    static const struct {
        const dogb_kernel *kernel;
        int (*usable)(void);
    } candidates[] = {
#if defined(__x86_64__)
        {&dogb_kernel_avx512, has_avx512},
        {&dogb_kernel_avx2, has_avx2},
#endif
        {&dogb_kernel_c, always},
    };
    const char *wanted = getenv("DOGBREED_CPU");
    const dogb_kernel *best = NULL;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        const dogb_kernel *kernel = candidates[i].kernel;
        if (!candidates[i].usable()) {
            continue;
        }
        if (wanted != NULL && strcmp(wanted, kernel->name) == 0) {
            return kernel;
        }
        best = best == NULL ? kernel : best;
    }
    return best;
}

// Kernels of elements, the best first; `floats` has those of the other layers.
typedef struct companion {
    const dogb_kernel *floats;
    const void *kernel;
    int (*usable)(void);
} companion;

// Of AVX-512 without the instructions wanted: what AVX2 has.
static const void *choose(const companion *rows, size_t count) {
    const dogb_kernel *floats = dogb_kernel_choose();
    const void *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].usable()) {
            continue;
        }
        if (rows[i].floats == floats) {
            return rows[i].kernel;
        }
        best = best == NULL ? rows[i].kernel : best;
    }
    return best;
}

const dogb_kernel8 *dogb_kernel8_choose(void) {
    static const companion rows[] = {
#if defined(__x86_64__)
        {&dogb_kernel_avx512, &dogb_kernel8_avx512vnni, has_avx512vnni},
        {&dogb_kernel_avx2, &dogb_kernel8_avxvnni, has_avxvnni},
        {&dogb_kernel_avx2, &dogb_kernel8_avx2, has_avx2},
#endif
        {&dogb_kernel_c, &dogb_kernel8_c, always},
    };
    return choose(rows, sizeof rows / sizeof rows[0]);
}

const dogb_kernel16 *dogb_kernel16_choose(void) {
    static const companion rows[] = {
#if defined(__x86_64__)
        {&dogb_kernel_avx512, &dogb_kernel16_avx512bf16, has_avx512bf16},
        {&dogb_kernel_avx2, &dogb_kernel16_avx2, has_avx2},
#endif
        {&dogb_kernel_c, &dogb_kernel16_c, always},
    };
    return choose(rows, sizeof rows / sizeof rows[0]);
}
