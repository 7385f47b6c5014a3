/* x86 with AVX2 and FMA: 16 registers of 8 floats. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define ISA avx2
#define VECTOR_BYTES 32
#define ROWS 4
#define VECTORS 2
#include "instructions.h"

static int works(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

const struct kernels kernels_avx2 = {"AVX2", works, {KERNELS(float), KERNELS(double)}, MATMULS, PROGRAMS};
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
