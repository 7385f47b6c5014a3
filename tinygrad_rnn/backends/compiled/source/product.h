/* The one product of matrices that everything is made of. Included once per real type. */

/* sums[r][v] += sum over k of rows[r][k next_row] * b[k next_b + v LANES ...]: a tile of ROWS times
   VECTORS vectors that stays in registers. Each number of a row is multiplied into whole vectors.
   `map` says which of the sums a row belongs to. */
INLINE void NAME(product)(vec (*sums)[VECTORS], const int *map, int count, int vectors,
                          const REAL *const *rows, ptrdiff_t next_row, const REAL *b,
                          ptrdiff_t next_b, ptrdiff_t depth) {
    for (ptrdiff_t k = 0; k < depth; k++, b += next_b) {
        /* no array: compilers leave that in memory */
        const vec left = NAME(load)(b), right = vectors > 1 ? NAME(load)(b + LANES) : left;
        UNROLLED for (int r = 0; r < count; r++) {
            const REAL factor = rows[r][k * next_row];
            sums[map[r]][0] += factor * left;
            if (vectors > 1) sums[map[r]][1] += factor * right;
        }
    }
}

static const int NAME(same)[] = {0, 1, 2, 3, 4, 5, 6, 7};

/* The same for ROWS rows, each with the sum of its number. */
INLINE void NAME(whole_product)(vec (*sums)[VECTORS], int vectors, const REAL *const *rows,
                                ptrdiff_t next_row, const REAL *b, ptrdiff_t next_b,
                                ptrdiff_t depth) {
    NAME(product)(sums, NAME(same), ROWS, vectors, rows, next_row, b, next_b, depth);
}

/* Rows of `count` numbers, VECTORS vectors from each, behind one another; zeros after its end. */
static void NAME(pack)(REAL *to, const REAL *from, ptrdiff_t rows, ptrdiff_t stride,
                       ptrdiff_t count) {
    const ptrdiff_t width = VECTORS * LANES;
    for (ptrdiff_t k = 0; k < rows; k++, to += width, from += stride) {
        if (count >= width) {
            UNROLLED for (int v = 0; v < VECTORS; v++)
                NAME(store)(to + v * LANES, NAME(load)(from + v * LANES));
        } else {
            for (ptrdiff_t j = 0; j < width; j++) to[j] = j < count ? from[j] : 0;
        }
    }
}

/* Add the sums of `count` numbers (at most VECTORS vectors) to those at `to`. */
INLINE void NAME(add_to)(REAL *to, const vec *sums, ptrdiff_t count) {
    if (count >= VECTORS * LANES) {
        UNROLLED for (int v = 0; v < VECTORS; v++)
            NAME(store)(to + v * LANES, NAME(load)(to + v * LANES) + sums[v]);
    } else {
        REAL numbers[VECTORS * (VECTOR_BYTES / sizeof(REAL))];
        UNROLLED for (int v = 0; v < VECTORS; v++) NAME(store)(numbers + v * LANES, sums[v]);
        for (ptrdiff_t j = 0; j < count; j++) to[j] += numbers[j];
    }
}

/* to[j][i] = from[i][j] for i < rows, j < columns. */
static OWN_REGISTERS void NAME(turn_numbers)(REAL *to, ptrdiff_t to_stride, const REAL *from,
                                             ptrdiff_t from_stride, ptrdiff_t rows,
                                             ptrdiff_t columns) {
    for (ptrdiff_t j = 0; j < columns; j++)
        for (ptrdiff_t i = 0; i < rows; i++) to[j * to_stride + i] = from[i * from_stride + j];
}

/* The same, most of it in squares of 4 times 4 that are turned in registers. */
static OWN_REGISTERS void NAME(turn)(REAL *to, ptrdiff_t to_stride, const REAL *from,
                                     ptrdiff_t from_stride, ptrdiff_t rows, ptrdiff_t columns) {
    const ptrdiff_t i_end = rows - rows % 4, j_end = columns - columns % 4;
    for (ptrdiff_t j = 0; j < j_end; j += 4)
        for (ptrdiff_t i = 0; i < i_end; i += 4) {
            const REAL *const in = from + i * from_stride + j;
            REAL *const out = to + j * to_stride + i;
            const four a = *(const four *)in, b = *(const four *)(in + from_stride);
            const four c = *(const four *)(in + 2 * from_stride);
            const four d = *(const four *)(in + 3 * from_stride);
            const four ab_01 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
            const four ab_23 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
            const four cd_01 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
            const four cd_23 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
            *(four *)out = __builtin_shufflevector(ab_01, cd_01, 0, 1, 4, 5);
            *(four *)(out + to_stride) = __builtin_shufflevector(ab_01, cd_01, 2, 3, 6, 7);
            *(four *)(out + 2 * to_stride) = __builtin_shufflevector(ab_23, cd_23, 0, 1, 4, 5);
            *(four *)(out + 3 * to_stride) = __builtin_shufflevector(ab_23, cd_23, 2, 3, 6, 7);
        }
    NAME(turn_numbers)(to + i_end, to_stride, from + i_end * from_stride, from_stride,
                       rows - i_end, columns);
    NAME(turn_numbers)(to + j_end * to_stride, to_stride, from + j_end, from_stride, i_end,
                       columns - j_end);
}
