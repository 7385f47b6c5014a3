/* What runs a program: every thread all of it, on sequences of its own. Nothing goes from one
   sequence to another, so the threads need not meet. Included once per real type. */

#define BITS(condition) ((NAME(bits))(condition))
#define EACH(function) NAME(each_##function)(a)

#define OF_EACH(function)                                                              \
    INLINE vec NAME(each_##function)(vec x) {                                          \
        for (int i = 0; i < (int)(VECTOR_BYTES / sizeof(REAL)); i++) x[i] = MATH(function)(x[i]); \
        return x;                                                                      \
    }
OF_EACH(sqrt)
OF_EACH(exp)
OF_EACH(expm1)
OF_EACH(log)
OF_EACH(log1p)
OF_EACH(sin)
OF_EACH(cos)
OF_EACH(erf)
#undef OF_EACH

/* An instruction at one step: where each operand's rows of all sequences are. */
struct NAME(line) {
    int what, one; /* one: whether the rows lie as one long row */
    ptrdiff_t columns, depth;
    REAL *at[OPERANDS];
    ptrdiff_t row[OPERANDS];
    int wide[OPERANDS];
};

INLINE REAL *NAME(row_of)(const struct NAME(line) * it, int operand, ptrdiff_t row) {
    return it->at[operand] + row * it->row[operand];
}

/* The vector from column j, of which `count` numbers are there. */
INLINE vec NAME(some_from)(const REAL *row, int wide, ptrdiff_t j, ptrdiff_t count) {
    if (!wide) return NAME(all)(*row);
    REAL numbers[VECTOR_BYTES / sizeof(REAL)] = {0};
    for (ptrdiff_t i = 0; i < count; i++) numbers[i] = row[j + i];
    return NAME(load)(numbers);
}

INLINE void NAME(store_some)(REAL *to, vec value, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) to[i] = value[i];
}

#define FUNCTION(name, arguments, value)                                                        \
    static OWN_REGISTERS void NAME(do_##name)(const struct NAME(line) * it, struct range rows) { \
        const ptrdiff_t columns = it->one ? it->columns * (rows.end - rows.begin) : it->columns; \
        const int wide_a = it->wide[1], wide_b = it->wide[2], wide_c = it->wide[3];             \
        for (ptrdiff_t r = rows.begin; r < (it->one ? rows.begin + 1 : rows.end); r++) {        \
            REAL *const out = NAME(row_of)(it, 0, r);                                           \
            const REAL *const of_a = NAME(row_of)(it, 1, r);                                    \
            const REAL *const of_b = arguments > 1 ? NAME(row_of)(it, 2, r) : of_a;             \
            const REAL *const of_c = arguments > 2 ? NAME(row_of)(it, 3, r) : of_a;             \
            const vec one_a = NAME(all)(*of_a), one_b = NAME(all)(*of_b), one_c = NAME(all)(*of_c); \
            ptrdiff_t j = 0;                                                                    \
            for (; j + LANES <= columns; j += LANES) {                                          \
                const vec a = wide_a ? NAME(load)(of_a + j) : one_a;                            \
                const vec b = arguments < 2 ? a : wide_b ? NAME(load)(of_b + j) : one_b;        \
                const vec c = arguments < 3 ? a : wide_c ? NAME(load)(of_c + j) : one_c;        \
                (void)b, (void)c;                                                               \
                NAME(store)(out + j, value);                                                    \
            }                                                                                   \
            if (j < columns) {                                                                  \
                const ptrdiff_t count = columns - j;                                            \
                const vec a = NAME(some_from)(of_a, wide_a, j, count);                          \
                const vec b = arguments < 2 ? a : NAME(some_from)(of_b, wide_b, j, count);      \
                const vec c = arguments < 3 ? a : NAME(some_from)(of_c, wide_c, j, count);      \
                (void)b, (void)c;                                                               \
                NAME(store_some)(out + j, value, count);                                        \
            }                                                                                   \
        }                                                                                       \
    }
ELEMENTWISE(FUNCTION)
#undef FUNCTION

/* The sum over each row of a, or of a b. */
INLINE void NAME(sum_rows)(const struct NAME(line) * it, struct range rows, int dot) {
    const int wide_a = it->wide[1], wide_b = it->wide[2];
    for (ptrdiff_t r = rows.begin; r < rows.end; r++) {
        const REAL *const of_a = NAME(row_of)(it, 1, r), *const of_b = NAME(row_of)(it, 2, r);
        const vec one_a = NAME(all)(*of_a), one_b = NAME(all)(dot ? *of_b : 1);
        vec sums[4] = {{0}};
        ptrdiff_t j = 0;
        for (; j + 4 * LANES <= it->columns; j += 4 * LANES)
            UNROLLED for (int i = 0; i < 4; i++)
                sums[i] += (wide_a ? NAME(load)(of_a + j + i * LANES) : one_a) *
                           (dot && wide_b ? NAME(load)(of_b + j + i * LANES) : one_b);
        for (; j < it->columns; j += LANES) {
            const ptrdiff_t count = it->columns - j;
            const vec a = NAME(some_from)(of_a, wide_a, j, count < LANES ? count : LANES);
            const vec b = dot ? NAME(some_from)(of_b, wide_b, j, count < LANES ? count : LANES) : one_b;
            sums[0] += NAME(first)(a * b, count < LANES ? count : LANES);
        }
        *NAME(row_of)(it, 0, r) = NAME(total)((sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
}

static OWN_REGISTERS void NAME(do_SUM)(const struct NAME(line) * it, struct range rows) {
    NAME(sum_rows)(it, rows, 0);
}

static OWN_REGISTERS void NAME(do_DOT)(const struct NAME(line) * it, struct range rows) {
    NAME(sum_rows)(it, rows, 1);
}

static void NAME(largest_of_rows)(const struct NAME(line) * it, struct range rows) {
    for (ptrdiff_t r = rows.begin; r < rows.end; r++) {
        const REAL *const of_a = NAME(row_of)(it, 1, r);
        REAL most = *of_a;
        for (ptrdiff_t j = 1; it->wide[1] && j < it->columns; j++)
            if (of_a[j] > most || of_a[j] != of_a[j]) most = of_a[j];
        *NAME(row_of)(it, 0, r) = most;
    }
}

/* Blocks of sequences have sums of their own, which do not depend on the threads. */
static OWN_REGISTERS void NAME(sum_columns)(const struct NAME(line) * it, struct range rows) {
    for (ptrdiff_t r = rows.begin; r < rows.end; r++) {
        REAL *const out = NAME(row_of)(it, 0, r / BLOCK);
        const REAL *const of_a = NAME(row_of)(it, 1, r);
        ptrdiff_t j = 0;
        for (; j + LANES <= it->columns; j += LANES)
            NAME(store)(out + j, NAME(load)(out + j) + NAME(load)(of_a + j));
        for (; j < it->columns; j++) out[j] += of_a[j];
    }
}

static void NAME(multiply_rows)(const struct NAME(line) * it, struct range rows, int add) {
    const ptrdiff_t wide = VECTORS * LANES;
    const REAL *panel = it->at[2];
    for (ptrdiff_t j = 0; j < it->columns; j += wide)
        for (ptrdiff_t k = 0; k == 0 || k < it->depth; k += NAME(DEPTH)) {
            const ptrdiff_t depth = it->depth - k < NAME(DEPTH) ? it->depth - k : NAME(DEPTH);
            const ptrdiff_t count = it->columns - j < wide ? it->columns - j : wide;
            for (ptrdiff_t i = rows.begin; i < rows.end; i += ROWS) {
                const ptrdiff_t some = rows.end - i < ROWS ? rows.end - i : ROWS;
                const REAL *of_a[ROWS];
                for (int r = 0; r < ROWS; r++)
                    of_a[r] = NAME(row_of)(it, 1, i + (r < some ? r : some - 1)) + k;
                NAME(matmul_tile)(of_a, 1, panel, depth, NAME(row_of)(it, 0, i) + j, it->row[0],
                                  some, count, add || k > 0);
            }
            panel += depth * wide;
        }
}

/* A matrix b (depth, columns) as `multiply_rows` reads it: panels of columns, one below the other. */
static void NAME(pack_matrix)(void *argument, struct member member) {
    const struct packing *const it = argument;
    const ptrdiff_t wide = VECTORS * LANES;
    const struct range columns = share(it->columns, wide, member);
    for (ptrdiff_t j = columns.begin; j < columns.end && j < it->columns; j += wide)
        NAME(fill_panel)((REAL *)it->to + j * it->depth, (const REAL *)it->from + j * it->column,
                         it->depth, it->columns - j < wide ? it->columns - j : wide, it->row,
                         it->column);
}

INLINE struct NAME(line) NAME(line_at)(const struct instruction *from, ptrdiff_t step) {
    struct NAME(line) it = {from->what, from->what < DO_SUM, from->columns, from->depth,
                            {0}, {0}, {0}};
    for (int i = 0; i < OPERANDS; i++) {
        const struct operand *const of = &from->of[i];
        const ptrdiff_t place = of->places == 1 ? 0 : (step + of->ahead) % of->places;
        it.at[i] = (REAL *)of->memory + place * of->place;
        it.row[i] = of->row;
        it.wide[i] = of->wide;
        it.one = it.one && of->row == (of->wide ? it.columns : 0);
    }
    return it;
}

static void NAME(run_line)(const struct NAME(line) * it, struct range rows) {
    switch (it->what) {
#define CASE(name, arguments, value) \
    case DO_##name: NAME(do_##name)(it, rows); break;
        ELEMENTWISE(CASE)
#undef CASE
    case DO_SUM: NAME(do_SUM)(it, rows); break;
    case DO_DOT: NAME(do_DOT)(it, rows); break;
    case DO_LARGEST_OF: NAME(largest_of_rows)(it, rows); break;
    case DO_COLUMN_SUMS: NAME(sum_columns)(it, rows); break;
    case DO_PRODUCT: NAME(multiply_rows)(it, rows, 0); break;
    case DO_PRODUCT_ADD: NAME(multiply_rows)(it, rows, 1); break;
    }
}

static void NAME(run_program)(void *argument, struct member member) {
    const struct program *const it = argument;
    struct NAME(line) lines[it->count];
    struct range rows = share(it->batch, BLOCK, member);
    if (rows.end > it->batch) rows.end = it->batch;
    if (rows.begin >= rows.end) return;
    for (ptrdiff_t s = 0; s < it->steps; s++) {
        for (ptrdiff_t i = 0; i < it->count; i++)
            lines[i] = NAME(line_at)(&it->instructions[i], it->first + s * it->by);
        for (ptrdiff_t i = 0, end; i < it->count; i = end) {
            const int product = is_product(lines[i].what);
            for (end = i + 1; end < it->count && !product; end++)
                if (is_product(lines[end].what)) break;
            /* Few rows at a time, whose values stay in the first cache from one instruction to the
               next; but all for a product, which reads the whole matrix for them */
            const ptrdiff_t some = product ? rows.end - rows.begin : TOGETHER;
            for (ptrdiff_t r = rows.begin; r < rows.end; r += some)
                for (ptrdiff_t k = i; k < end; k++)
                    NAME(run_line)
                    (&lines[k], (struct range){r, r + some < rows.end ? r + some : rows.end});
        }
    }
}

#undef BITS
#undef EACH
