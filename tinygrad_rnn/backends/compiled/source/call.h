/* One call of a kernel: a cell over a whole sequence, forward or backward. */
#ifndef CALL_H
#define CALL_H

#include <stddef.h>

#include "team.h"

/* Arrays are in C order, of the kernel's real type, with PyTorch's layout of weights and gates.
   The sequences of a batch come in order of falling length: step s of those that run, in the order
   they run, is time times[s] with the first counts[s] sequences. Arrays that are not wanted or not
   there are NULL. `gates` is the cell's number of rows of weights per unit. `outputs` is the size of
   h: `hidden`, or with a projection what W_hr makes of that many units. */
struct call {
    ptrdiff_t steps, batch, inputs, hidden, outputs;
    const ptrdiff_t *times, *counts;
    const void *w_hr; /* the projection (outputs, hidden) */
    /* what forward reads */
    const void *x;        /* (all steps, batch, inputs) */
    const void *first[2]; /* the state before, h (batch, outputs) and c (batch, hidden) */
    const void *w_ih, *w_hh, *b_ih, *b_hh; /* (gates hidden, inputs | outputs), (gates hidden) */
    /* what forward writes */
    void *y;       /* (all steps, batch, outputs) */
    void *last[2]; /* the state of each sequence after its own last step */
    /* what forward leaves for backward */
    void *columns; /* (sum of counts, their length): each step's [h before, x, units to project] */
    void *kept;    /* the cell's own, see `kept_size` */
    /* what backward reads besides: gradients of y and of the last state */
    const void *g_y, *g_last[2];
    /* what it writes: gradients of x, of the first state, of the weights; those of x and of biases are
       added to what is there, and those of sequences and weights that no step has are left as they are */
    void *g_x, *g_first[2], *g_w_ih, *g_w_hh, *g_b_ih, *g_b_hh, *g_w_hr;
    /* memory of the call, shared by the members: `scratch_size` bytes, in lines of the cache */
    char *scratch;
};

/* A cell's kernels for one real type and one instruction set. Sizes are in bytes. */
struct kernel {
    size_t (*columns_size)(const struct call *);
    size_t (*kept_size)(const struct call *);
    size_t (*forward_scratch)(const struct call *, int members);
    size_t (*backward_scratch)(const struct call *, int members);
    void (*forward)(void *call, struct member);
    void (*backward)(void *call, struct member);
};

enum { RNN_TANH, RNN_RELU, GRU, LSTM, CELLS };

/* A product of matrices, a (m, k) and b (k, n), with a's and b's distances between neighbours of a
   column and of a row; one of b's is 1. `out` is in C order. */
struct matmul {
    ptrdiff_t m, k, n, a_row, a_column, b_row, b_column;
    const void *a, *b;
    void *out;
    char *scratch; /* `MATMUL_SCRATCH` bytes for each member */
};

enum { MATMUL_SCRATCH = 512 * 128 };

/* A matrix (depth, columns), with the distances between neighbours of a column and of a row, that
   is to be made panels of. */
struct packing {
    void *to;
    const void *from;
    ptrdiff_t depth, columns, row, column;
};

/* What runs programs (program.h): `pack` makes panels of `wide` columns. */
struct runner {
    void (*run)(void *program, struct member);
    void (*pack)(void *packing, struct member);
    ptrdiff_t wide;
};

/* The kernels of one instruction set: of float32, then of float64. */
struct kernels {
    const char *name;
    int (*works)(void); /* whether this machine can run them */
    struct kernel of[2][CELLS];
    void (*matmul[2])(void *matmul, struct member);
    struct runner programs[2];
};

/* The sets that there are, the fastest first. */
extern const struct kernels *const instruction_sets[];
extern const int instruction_set_count;

#endif
