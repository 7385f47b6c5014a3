/* Vectors of REAL, and the functions that the cells apply to them. Included once per real type. */

typedef REAL NAME(vec) __attribute__((vector_size(VECTOR_BYTES)));
/* the same anywhere in memory */
typedef REAL NAME(loose) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
/* four of them, anywhere */
typedef REAL NAME(four) __attribute__((vector_size(4 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef INTEGER NAME(bits) __attribute__((vector_size(VECTOR_BYTES)));
#define vec NAME(vec)
#define four NAME(four)
#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(REAL)))

INLINE vec NAME(load)(const REAL *from) { return *(const NAME(loose) *)from; }
INLINE void NAME(store)(REAL *to, vec value) { *(NAME(loose) *)to = value; }
INLINE vec NAME(all)(REAL value) { return value - (vec){0}; }

/* From number n on: bits that choose the last n numbers of a vector. */
static const INTEGER NAME(behind)[2 * VECTOR_BYTES / sizeof(REAL)] = {
    [VECTOR_BYTES / sizeof(REAL) ... 2 * VECTOR_BYTES / sizeof(REAL) - 1] = ~(INTEGER)0};

/* `yes` where the condition's bits are set, `no` elsewhere. */
INLINE vec NAME(choose)(NAME(bits) condition, vec yes, vec no) {
    return (vec)((condition & (NAME(bits))yes) | (~condition & (NAME(bits))no));
}

/* The sum of all numbers. */
INLINE REAL NAME(total)(vec x) {
    REAL numbers[LANES < 4 ? 4 : VECTOR_BYTES / sizeof(REAL)] = {0};
    NAME(store)(numbers, x);
    four sum = *(four *)numbers;
    UNROLLED for (int i = 4; i < LANES; i += 4) sum += *(four *)(numbers + i);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The first `count` numbers, and zeros. */
INLINE vec NAME(first)(vec x, ptrdiff_t count) {
    REAL numbers[VECTOR_BYTES / sizeof(REAL)] = {0};
    for (ptrdiff_t i = 0; i < LANES && i < count; i++) numbers[i] = x[i];
    return NAME(load)(numbers);
}

/* e^x = scale + scale * rest, where rest = e^r - 1 for the r next to 0 with x = n ln 2 + r, and
   scale = 2^n. |x| must not be so large that 2^n is no normal number; nan gives nan.

   r is exact to the last bit because ln 2 is given in two parts, the first with zeros at its end,
   and e^r - 1 is Taylor's series, cut where it no longer shows (|r| <= ln 2 / 2). */
INLINE void NAME(exponential)(vec x, vec *scale, vec *rest) {
    const vec rounder = NAME(all)(ROUNDER); /* adding it leaves a whole number in the last bits */
    const vec shifted = x * (REAL)1.44269504088896340736 + rounder;
    const vec n = shifted - rounder;
    const vec r = (x - n * (REAL)LN2_HIGH) - n * (REAL)LN2_LOW;
    vec sum = NAME(all)(SERIES[0]);
#pragma GCC unroll 16
    for (int i = 1; i < (int)(sizeof SERIES / sizeof *SERIES); i++) sum = sum * r + SERIES[i];
    *rest = sum * r * r + r;
    *scale = (vec)(((NAME(bits))shifted << MANTISSA) + ((INTEGER)BIAS << MANTISSA));
}

INLINE NAME(bits) NAME(signs)(vec x) { return (NAME(bits))x & (NAME(bits))(-(vec){0}); }

/* |x|, or `most` if that is less. */
INLINE vec NAME(size)(vec x, REAL most) {
    const vec size = (vec)((NAME(bits))x & ~(NAME(bits))(-(vec){0}));
    return NAME(choose)((NAME(bits))(size > most), NAME(all)(most), size);
}

/* Within 2 units in the last place; 0 where the result would be no normal number. It is 1 / (1 + e)
   with e = e^(-x), or e / (1 + e) with e = e^x where e^(-x) has no place for the 1. Like 1 - e below,
   1 + e is rounded only once, because 1 + scale is exact. */
INLINE vec NAME(sigmoid)(vec x) {
    const NAME(bits) low = (NAME(bits))(x < (REAL)(-0.69 * MANTISSA));
    const vec size = NAME(size)(x, LARGEST);
    vec scale, rest;
    const vec minus_x = (vec)((NAME(bits))size | (NAME(signs)(x) ^ NAME(signs)(-(vec){0})));
    NAME(exponential)(NAME(choose)(low, -size, minus_x), &scale, &rest);
    vec above = NAME(choose)(low, scale + scale * rest, NAME(all)(1));
    above = NAME(choose)((NAME(bits))(x < -LARGEST), (vec){0}, above);
    return above / ((1 + scale) + scale * rest);
}

/* Within 2 units in the last place: with e = e^(-2|x|), |tanh x| is (1 - e) / (1 + e). */
INLINE vec NAME(tanh)(vec x) {
    vec scale, rest;
    NAME(exponential)(-2 * NAME(size)(x, 20), &scale, &rest);
    const vec result = ((1 - scale) - scale * rest) / ((1 + scale) + scale * rest);
    return (vec)((NAME(bits))result | NAME(signs)(x));
}
