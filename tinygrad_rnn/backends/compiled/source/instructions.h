/* All kernels for one set of instructions: include with ISA, VECTOR_BYTES, ROWS and VECTORS defined,
   and the compiler told that it may use them. A tile is at most two vectors wide. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "call.h"
#include "program.h"

#define CONCATENATED(a, b, c) CONCATENATED_3(a, b, c)
#define CONCATENATED_3(a, b, c) a##_##b##_##c
#define CONCATENATED_2(a, b) CONCATENATED_JOIN(a, b)
#define CONCATENATED_JOIN(a, b) a##_##b

#define INLINE static inline __attribute__((always_inline))
/* A function for itself, because compilers keep few numbers in registers in the midst of others */
#define OWN_REGISTERS __attribute__((noinline))
#define UNROLLED _Pragma("GCC unroll 16")

enum {
    LINE = 64,  /* bytes of a line of the cache */
    BLOCK = 8,  /* units that belong to the same member: whole tiles, of all kernels */
    FEW = 4,    /* sequences that fill too little of a vector, see forward_few */
    TOGETHER = 8, /* rows that a program's elementwise instructions run on, one after the other */
    PANELS = 4, /* of a product that are packed at once, so that its rows are read for all of them */
    RUN = 1024, /* columns of gradients that are collected for one product */
    NEAR = 1 << 19, /* bytes of weights that stay near a core, in its second cache, from step to step */
};

enum weight { W_HH, W_IH, W_HR };

/* A tile at a time over `count` columns: its function gets the first column and how many vectors. */
#define OVER_COLUMNS(count, TILE, ...)                                                            \
    do {                                                                                          \
        ptrdiff_t at = 0;                                                                         \
        for (; at + (VECTORS - 1) * LANES < (count); at += VECTORS * LANES)                       \
            TILE(__VA_ARGS__, at, VECTORS);                                                       \
        for (; at < (count); at += LANES) TILE(__VA_ARGS__, at, 1);                               \
    } while (0)

#define PADDING ((ptrdiff_t)(LINE / sizeof(REAL))) /* rows of sequences are whole lines */

struct range {
    ptrdiff_t begin, end;
};

INLINE ptrdiff_t rounded_up(ptrdiff_t number, ptrdiff_t to) { return (number + to - 1) / to * to; }

INLINE size_t size_of(struct range range, size_t each) { return (range.end - range.begin) * each; }

/* A member's share of `count` things that are kept together in blocks. */
INLINE struct range share(ptrdiff_t count, ptrdiff_t block, struct member member) {
    const ptrdiff_t blocks = (count + block - 1) / block;
    return (struct range){blocks * member.me / member.members * block,
                          blocks * (member.me + 1) / member.members * block};
}

INLINE int is_product(int what) { return what == DO_PRODUCT || what == DO_PRODUCT_ADD; }

#define FLOAT
#include "real.h"
#undef FLOAT
#include "undefine.h"
#include "real.h"
#include "undefine.h"

#define OF(real, cell, what) CONCATENATED(ISA, real, cell##_##what)
#define KERNEL(real, cell)                                                              \
    {                                                                                   \
        OF(real, cell, columns_size), OF(real, cell, kept_size),                        \
            OF(real, cell, forward_scratch), OF(real, cell, backward_scratch),          \
            OF(real, cell, forward), OF(real, cell, backward)                           \
    }
#define KERNELS(real) {KERNEL(real, tanh), KERNEL(real, relu), KERNEL(real, gru), KERNEL(real, lstm)}
#define MATMULS {CONCATENATED(ISA, float, matmul), CONCATENATED(ISA, double, matmul)}
#define PROGRAM(real) \
    {CONCATENATED(ISA, real, run_program), CONCATENATED(ISA, real, pack_matrix), \
     VECTORS * (VECTOR_BYTES / sizeof(real))}
#define PROGRAMS {PROGRAM(float), PROGRAM(double)}
