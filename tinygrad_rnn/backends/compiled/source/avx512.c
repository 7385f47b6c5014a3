/* x86 with AVX-512: 32 registers of 16 floats. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,fma")
#endif
#define ISA avx512
#define VECTOR_BYTES 64
#define ROWS 8
#define VECTORS 2
#include "instructions.h"

static int works(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("fma");
}

const struct kernels kernels_avx512 = {"AVX-512", works, {KERNELS(float), KERNELS(double)}, MATMULS, PROGRAMS};
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
