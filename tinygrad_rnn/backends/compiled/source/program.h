/* Programs: lines of instructions on matrices (batch, columns), run step by step. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>

/* Elementwise instructions: a name, how many arguments it reads, its value for vectors a, b, c.
   Conditions are 1 or 0. */
#define ELEMENTWISE(X)                                          \
    X(COPY, 1, a)                                               \
    X(ADD, 2, a + b)                                            \
    X(SUB, 2, a - b)                                            \
    X(MUL, 2, a * b)                                            \
    X(DIV, 2, a / b)                                            \
    X(MAX, 2, NAME(choose)(BITS((a > b) | (a != a)), a, b))     \
    X(MIN, 2, NAME(choose)(BITS((a < b) | (a != a)), a, b))     \
    X(LE, 2, NAME(choose)(BITS(a <= b), NAME(all)(1), (vec){0})) \
    X(LT, 2, NAME(choose)(BITS(a < b), NAME(all)(1), (vec){0})) \
    X(EQ, 2, NAME(choose)(BITS(a == b), NAME(all)(1), (vec){0})) \
    X(WHERE, 3, NAME(choose)(BITS(a != 0), b, c))               \
    X(ABS, 1, NAME(choose)(BITS(a < 0), -a, a + 0))             \
    X(TANH, 1, NAME(tanh)(a))                                   \
    X(SIGMOID, 1, NAME(sigmoid)(a))                             \
    X(SQRT, 1, EACH(sqrt))                                      \
    X(EXP, 1, EACH(exp))                                        \
    X(EXPM1, 1, EACH(expm1))                                    \
    X(LOG, 1, EACH(log))                                        \
    X(LOG1P, 1, EACH(log1p))                                    \
    X(SIN, 1, EACH(sin))                                        \
    X(COS, 1, EACH(cos))                                        \
    X(ERF, 1, EACH(erf))

/* The others, and how many arguments they read:
   SUM, DOT, LARGEST_OF: of each row of a (times b), into a column;
   COLUMN_SUMS: out[block] += the sum of a's rows of each block of sequences;
   PRODUCT, PRODUCT_ADD: of a and a packed matrix, into out or added to it. */
#define OTHERS(X) \
    X(SUM, 1, ) X(DOT, 2, ) X(LARGEST_OF, 1, ) X(COLUMN_SUMS, 1, ) X(PRODUCT, 2, ) X(PRODUCT_ADD, 2, )

#define NAMED(name, arguments, value) DO_##name,
enum { ELEMENTWISE(NAMED) OTHERS(NAMED) OPERATIONS };
#undef NAMED

enum { OPERANDS = 4 /* out, a, b, c */ };

/* Memory of a matrix, or of several that take turns: step s has number (s + ahead) mod places.
   Distances are in numbers; 0 where all sequences have the same row. */
struct operand {
    void *memory;
    ptrdiff_t places, ahead, place, row;
    int wide; /* whether there is a number for each column, or one for all */
};

struct instruction {
    int what;
    ptrdiff_t columns, depth; /* of out, or of what is summed up; of a product */
    struct operand of[OPERANDS];
};

/* `steps` steps from `first`, each `by` after the one before. */
struct program {
    const struct instruction *instructions;
    ptrdiff_t count, batch, first, steps, by;
};

#endif
