/* The product of two matrices, (m, k) and (k, n). Included once per real type.

   BLAS does this as well, but its threads go on spinning for long after each product, and keep their
   cores from the kernels'; and where a core has other work, they wait for it at full speed. */

enum { NAME(DEPTH) = 512 }; /* of a packed panel: it stays in the second cache */

/* ROWS rows, the first `some` of them there, times a panel `depth` deep, into `out`, or added. */
static OWN_REGISTERS void NAME(matmul_tile)(const REAL *const *rows, ptrdiff_t next_row,
                                            const REAL *panel, ptrdiff_t depth, REAL *out,
                                            ptrdiff_t stride, ptrdiff_t some, ptrdiff_t count,
                                            int add) {
    vec sums[ROWS][VECTORS] = {{{0}}};
    NAME(whole_product)(sums, VECTORS, rows, next_row, panel, VECTORS * LANES, depth);
    UNROLLED for (int r = 0; r < ROWS; r++)
        if (r < some) {
            if (!add) memset(out + r * stride, 0, count * sizeof(REAL));
            NAME(add_to)(out + r * stride, sums[r], count);
        }
}

/* A panel of b: `depth` rows of `count` numbers, with zeros after their end. One of the distances
   is 1. */
static void NAME(fill_panel)(REAL *panel, const REAL *b, ptrdiff_t depth, ptrdiff_t count,
                             ptrdiff_t row, ptrdiff_t column) {
    const ptrdiff_t wide = VECTORS * LANES;
    if (column == 1) {
        NAME(pack)(panel, b, depth, row, count);
    } else {
        if (count < wide) memset(panel, 0, depth * wide * sizeof(REAL));
        NAME(turn)(panel, wide, b, column, count, depth);
    }
}

static void NAME(matmul)(void *argument, struct member member) {
    const struct matmul *const it = argument;
    const REAL *const a = it->a, *const b = it->b;
    const ptrdiff_t wide = VECTORS * LANES, panels = (it->n + wide - 1) / wide;
    REAL *const panel = (REAL *)it->scratch + member.me * NAME(DEPTH) * wide;
    /* the longer side is shared out */
    const int by_rows = it->m / ROWS > panels;
    const struct range rows = by_rows ? share(it->m, ROWS, member) : (struct range){0, it->m};
    const struct range columns = by_rows ? (struct range){0, it->n} : share(it->n, wide, member);
    for (ptrdiff_t j = columns.begin; j < columns.end && j < it->n; j += wide)
        for (ptrdiff_t k = 0; k == 0 || k < it->k; k += NAME(DEPTH)) {
            const ptrdiff_t depth = it->k - k < NAME(DEPTH) ? it->k - k : NAME(DEPTH);
            const ptrdiff_t count = it->n - j < wide ? it->n - j : wide;
            NAME(fill_panel)(panel, b + k * it->b_row + j * it->b_column, depth, count, it->b_row,
                             it->b_column);
            for (ptrdiff_t i = rows.begin; i < rows.end && i < it->m; i += ROWS) {
                const ptrdiff_t some = it->m - i < ROWS ? it->m - i : ROWS;
                const REAL *of_a[ROWS];
                for (int r = 0; r < ROWS; r++)
                    of_a[r] = a + (i + (r < some ? r : some - 1)) * it->a_row + k * it->a_column;
                NAME(matmul_tile)(of_a, it->a_column, panel, depth, (REAL *)it->out + i * it->n + j,
                                  it->n, some, count, k > 0);
            }
        }
}
