// optim_cpu.cpp - SGD in one pass over each tensor, for CPUs with AVX2 and FMA. Every line below is
// one operation of torch.optim.SGD with the rounding that ATen's vector code gives it (a + alpha *
// b is one fused operation there), so results equal its default implementation to the last bit, in
// a quarter of its memory traffic; torch's own fused SGD rounds differently.
#include "engine/torch/internal.h"

#include <ATen/Parallel.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dogb_torch {

#if defined(__x86_64__)

static const int64_t grain = 32768; // elements per thread at least

struct Range {
    float *value;
    const float *grad;
    float *momentum; // null: none
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

DOGB_AVX2 static void sgd_range(const dogb_optim_conf &conf, double rate, const Range &r) {
    const __m256 decay = _mm256_set1_ps((float)conf.weight_decay);
    const __m256 momentum = _mm256_set1_ps((float)conf.momentum);
    const __m256 scale = _mm256_set1_ps((float)-rate);
    for (int64_t i = 0; i < r.count; i += 8) {
        const int64_t left = r.count - i;
        __m256 p = load(r.value + i, left);
        __m256 g = load(r.grad + i, left);
        if (conf.weight_decay != 0.0) {
            g = _mm256_fmadd_ps(p, decay, g);
        }
        if (r.momentum != nullptr) {
            __m256 m = _mm256_mul_ps(load(r.momentum + i, left), momentum);
            m = _mm256_add_ps(m, g);
            store(r.momentum + i, left, m);
            g = conf.nesterov != 0 ? _mm256_fmadd_ps(m, momentum, g) : m;
        }
        store(r.value + i, left, _mm256_fmadd_ps(g, scale, p));
    }
}

static bool same_layout(const at::Tensor &a, const at::Tensor &b) {
    return a.device().is_cpu() && a.scalar_type() == at::kFloat && b.scalar_type() == at::kFloat &&
           a.strides() == b.strides() && a.is_non_overlapping_and_dense();
}

bool optim_sgd_cpu(const dogb_optim_conf &conf, double rate, const at::Tensor &param,
                   const at::Tensor &grad, const at::Tensor *momentum) {
    static const bool able = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!able || !same_layout(param, grad)) {
        return false;
    }
    float *values = param.mutable_data_ptr<float>();
    const float *grads = grad.const_data_ptr<float>();
    float *slots = momentum == nullptr ? nullptr : momentum->mutable_data_ptr<float>();
    at::parallel_for(0, param.numel(), grain, [&](int64_t begin, int64_t end) {
        sgd_range(conf, rate,
                  {values + begin, grads + begin, slots == nullptr ? nullptr : slots + begin,
                   end - begin});
    });
    return true;
}

#else

bool optim_sgd_cpu(const dogb_optim_conf &, double, const at::Tensor &, const at::Tensor &,
                   const at::Tensor *) {
    return false;
}

#endif

} // namespace dogb_torch
