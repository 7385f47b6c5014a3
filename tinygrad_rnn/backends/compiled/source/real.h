/* All kernels of one real type: include with FLOAT defined, or without it for double. */

#ifdef FLOAT
#define REAL float
#define INTEGER unsigned
#define NAME(name) CONCATENATED(ISA, float, name)
#define ROUNDER 0x1.8p23f
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define MATH(name) name##f
#define MANTISSA 23
#define BIAS 127
#define LARGEST 87.33654f
#define SERIES NAME(series)
static const REAL SERIES[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 1.f / 2};
#else
#define REAL double
#define INTEGER unsigned long long
#define NAME(name) CONCATENATED(ISA, double, name)
#define ROUNDER 0x1.8p52
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
#define MATH(name) name
#define MANTISSA 52
#define BIAS 1023
#define LARGEST 708.39641853226
#define SERIES NAME(series)
static const REAL SERIES[] = {
    1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320,
    1. / 5040,       1. / 720,       1. / 120,      1. / 24,      1. / 6,      1. / 2};
#endif

#include "vector.h"
#include "product.h"
#include "matmul.h"
#include "program_rows.h"
#include "cells.h"

#define CELL tanh
#define GATES 1
#define SUMS 1
#define UNITS ROWS
#define KEPT 1
#define STATES 1
#include "sequence.h"

#define CELL relu
#define GATES 1
#define SUMS 1
#define UNITS ROWS
#define KEPT 1
#define STATES 1
#include "sequence.h"

#define CELL gru
#define GATES 3
#define SUMS 4
#define UNITS (ROWS / 4)
#define KEPT 5
#define STATES 1
#include "sequence.h"

#define CELL lstm
#define GATES 4
#define SUMS 4
#define UNITS (ROWS / 4)
#define KEPT 6
#define STATES 2
#include "sequence.h"
