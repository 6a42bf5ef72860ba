// optim_cpu.cpp - the optimisers' arithmetic in one pass over each tensor, for CPUs with AVX2 and
// FMA. Every line below is one operation of torch.optim with the rounding that ATen's vector code
// gives it (a + alpha * b is one fused operation there), so results equal torch.optim's default
// implementation to the last bit, in a quarter of its memory traffic.
#include "engine/torch/internal.h"

#include <ATen/Parallel.h>
#include <ATen/ops/sqrt.h>

#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dogb_torch {

#if defined(__x86_64__)

static const int64_t grain = 32768; // elements per thread at least

struct Range {
    float *value;
    const float *grad;
    float *slot[2];
    int64_t count;
};

#define DOGB_AVX2 __attribute__((target("avx2,fma")))

// Up to 8 floats; missing ones are zeros and are not written back. Whole vectors do without a mask,
// whose stores are slow on many CPUs.
DOGB_AVX2 static inline __m256i lanes(int64_t count) {
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), index);
}

DOGB_AVX2 static inline __m256 load(const float *from, int64_t left) {
    return left >= 8 ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, lanes(left));
}

DOGB_AVX2 static inline void store(float *to, int64_t left, __m256 values) {
    if (left >= 8) {
        _mm256_storeu_ps(to, values);
    } else {
        _mm256_maskstore_ps(to, lanes(left), values);
    }
}

DOGB_AVX2 static void sgd_range(const OptimStep &step, const Range &r) {
    const __m256 decay = _mm256_set1_ps((float)step.weight_decay);
    const __m256 momentum = _mm256_set1_ps((float)step.momentum);
    const __m256 rate = _mm256_set1_ps((float)-step.rate);
    for (int64_t i = 0; i < r.count; i += 8) {
        const int64_t left = r.count - i;
        __m256 p = load(r.value + i, left);
        __m256 g = load(r.grad + i, left);
        if (step.weight_decay != 0.0) {
            g = _mm256_fmadd_ps(p, decay, g);
        }
        if (r.slot[0] != nullptr) {
            __m256 m = _mm256_mul_ps(load(r.slot[0] + i, left), momentum);
            m = _mm256_add_ps(m, g);
            store(r.slot[0] + i, left, m);
            g = step.nesterov ? _mm256_fmadd_ps(m, momentum, g) : m;
        }
        store(r.value + i, left, _mm256_fmadd_ps(g, rate, p));
    }
}

// ATen's lerp: from the nearer end.
DOGB_AVX2 static inline __m256 lerp(__m256 from, __m256 to, float weight) {
    __m256 difference = _mm256_sub_ps(to, from);
    return std::fabs(weight) < 0.5f
               ? _mm256_fmadd_ps(_mm256_set1_ps(weight), difference, from)
               : _mm256_fmadd_ps(_mm256_set1_ps(weight - 1.0f), difference, to);
}

// Adam's first half: decay and the two moments.
DOGB_AVX2 static void adam_moments(const OptimStep &step, const Range &r) {
    const __m256 shrink = _mm256_set1_ps((float)(1.0 - step.rate * step.weight_decay));
    const __m256 decay = _mm256_set1_ps((float)step.weight_decay);
    const __m256 beta2 = _mm256_set1_ps((float)step.beta2);
    const __m256 rest2 = _mm256_set1_ps((float)(1.0 - step.beta2));
    for (int64_t i = 0; i < r.count; i += 8) {
        const int64_t left = r.count - i;
        __m256 g = load(r.grad + i, left);
        if (step.weight_decay != 0.0) {
            __m256 p = load(r.value + i, left);
            if (step.decoupled) {
                store(r.value + i, left, _mm256_mul_ps(p, shrink));
            } else {
                g = _mm256_fmadd_ps(p, decay, g);
            }
        }
        __m256 m = lerp(load(r.slot[0] + i, left), g, (float)(1.0 - step.beta1));
        __m256 v = _mm256_mul_ps(load(r.slot[1] + i, left), beta2);
        store(r.slot[0] + i, left, m);
        store(r.slot[1] + i, left, _mm256_fmadd_ps(_mm256_mul_ps(rest2, g), g, v));
    }
}

// The second half. r.grad holds the roots of the second moments: ATen's square root comes from MKL
// and is not always the nearest float, so it must do it here too.
DOGB_AVX2 static void adam_apply(const OptimStep &step, const Range &r) {
    const __m256 correction2 = _mm256_set1_ps((float)std::sqrt(step.correction2));
    const __m256 epsilon = _mm256_set1_ps((float)step.epsilon);
    const __m256 size = _mm256_set1_ps((float)-(step.rate / step.correction1));
    for (int64_t i = 0; i < r.count; i += 8) {
        const int64_t left = r.count - i;
        __m256 root = load(r.grad + i, left);
        __m256 denominator = _mm256_add_ps(_mm256_div_ps(root, correction2), epsilon);
        __m256 m = load(r.slot[0] + i, left);
        __m256 change = _mm256_div_ps(_mm256_mul_ps(size, m), denominator);
        __m256 p = load(r.value + i, left);
        store(r.value + i, left, _mm256_add_ps(p, change));
    }
}

typedef void (*range_fn)(const OptimStep &step, const Range &range);

static void run_ranges(const OptimStep &step, const Range &whole, range_fn fn) {
    at::parallel_for(0, whole.count, grain, [&](int64_t begin, int64_t end) {
        Range r = whole;
        r.value += begin;
        r.grad += begin;
        for (float *&slot : r.slot) {
            slot = slot == nullptr ? nullptr : slot + begin;
        }
        r.count = end - begin;
        fn(step, r);
    });
}

static bool same_layout(const at::Tensor &a, const at::Tensor &b) {
    return a.device().is_cpu() && a.scalar_type() == at::kFloat && b.scalar_type() == at::kFloat &&
           a.strides() == b.strides() && a.is_non_overlapping_and_dense();
}

bool optim_cpu(const OptimStep &step, const at::Tensor &param, const at::Tensor &grad,
               const at::Tensor *const slots[2]) {
    static const bool able = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!able || !same_layout(param, grad)) {
        return false;
    }
    Range whole = {param.mutable_data_ptr<float>(),
                   grad.const_data_ptr<float>(),
                   {slots[0] == nullptr ? nullptr : slots[0]->mutable_data_ptr<float>(),
                    slots[1] == nullptr ? nullptr : slots[1]->mutable_data_ptr<float>()},
                   param.numel()};
    if (!step.adam) {
        run_ranges(step, whole, sgd_range);
        return true;
    }
    run_ranges(step, whole, adam_moments);
    at::Tensor roots = at::sqrt(*slots[1]);
    whole.grad = roots.const_data_ptr<float>();
    run_ranges(step, whole, adam_apply);
    return true;
}

#else

bool optim_cpu(const OptimStep &, const at::Tensor &, const at::Tensor &,
               const at::Tensor *const[2]) {
    return false;
}

#endif

} // namespace dogb_torch
