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

/* The operands of an instruction for some rows. */
struct NAME(rows) {
    ptrdiff_t rows, columns, depth, first; /* first: the number of the first row */
    REAL *at[OPERANDS];
    ptrdiff_t row[OPERANDS];
    int wide[OPERANDS];
};

/* The vector from column j, of which `count` numbers are there. */
INLINE vec NAME(columns_from)(const REAL *row, int wide, ptrdiff_t j, ptrdiff_t count) {
    if (!wide) return NAME(all)(*row);
    if (count >= LANES) return NAME(load)(row + j);
    REAL numbers[VECTOR_BYTES / sizeof(REAL)] = {0};
    for (ptrdiff_t i = 0; i < count; i++) numbers[i] = row[j + i];
    return NAME(load)(numbers);
}

INLINE void NAME(store_some)(REAL *to, vec value, ptrdiff_t count) {
    if (count >= LANES) {
        NAME(store)(to, value);
    } else {
        for (ptrdiff_t i = 0; i < count; i++) to[i] = value[i];
    }
}

#define FUNCTION(name, arguments, value)                                                        \
    static OWN_REGISTERS void NAME(do_##name)(const struct NAME(rows) * it) {                   \
        for (ptrdiff_t r = 0; r < it->rows; r++) {                                              \
            REAL *const out = it->at[0] + r * it->row[0];                                       \
            const REAL *const of_a = it->at[1] + r * it->row[1];                                \
            const REAL *const of_b = it->at[2] + r * it->row[2];                                \
            const REAL *const of_c = it->at[3] + r * it->row[3];                                \
            for (ptrdiff_t j = 0; j < it->columns; j += LANES) {                                \
                const ptrdiff_t count = it->columns - j;                                        \
                const vec a = NAME(columns_from)(of_a, it->wide[1], j, count);                  \
                const vec b = arguments > 1 ? NAME(columns_from)(of_b, it->wide[2], j, count) : a; \
                const vec c = arguments > 2 ? NAME(columns_from)(of_c, it->wide[3], j, count) : a; \
                (void)b, (void)c;                                                               \
                NAME(store_some)(out + j, value, count);                                        \
            }                                                                                   \
        }                                                                                       \
    }
ELEMENTWISE(FUNCTION)
#undef FUNCTION

/* The sum over each row of a, or of a b. */
static OWN_REGISTERS void NAME(sum_rows)(const struct NAME(rows) * it, int dot) {
    for (ptrdiff_t r = 0; r < it->rows; r++) {
        const REAL *const of_a = it->at[1] + r * it->row[1], *const of_b = it->at[2] + r * it->row[2];
        vec sums[2] = {{0}};
        for (ptrdiff_t j = 0; j < it->columns; j += LANES) {
            const ptrdiff_t count = it->columns - j;
            const vec a = NAME(columns_from)(of_a, it->wide[1], j, count);
            const vec b = dot ? NAME(columns_from)(of_b, it->wide[2], j, count) : NAME(all)(1);
            sums[j / LANES % 2] += count < LANES ? NAME(first)(a * b, count) : a * b;
        }
        *(it->at[0] + r * it->row[0]) = NAME(total)(sums[0] + sums[1]);
    }
}

static void NAME(largest_of_rows)(const struct NAME(rows) * it) {
    for (ptrdiff_t r = 0; r < it->rows; r++) {
        const REAL *const of_a = it->at[1] + r * it->row[1];
        REAL most = *of_a;
        for (ptrdiff_t j = 1; it->wide[1] && j < it->columns; j++)
            if (of_a[j] > most || of_a[j] != of_a[j]) most = of_a[j];
        *(it->at[0] + r * it->row[0]) = most;
    }
}

/* Blocks of sequences have sums of their own, which do not depend on the threads. */
static OWN_REGISTERS void NAME(sum_columns)(const struct NAME(rows) * it) {
    for (ptrdiff_t r = 0; r < it->rows; r++) {
        REAL *const out = it->at[0] + (it->first + r) / BLOCK * it->row[0];
        const REAL *const of_a = it->at[1] + r * it->row[1];
        for (ptrdiff_t j = 0; j < it->columns; j += LANES) {
            const ptrdiff_t count = it->columns - j;
            const vec a = NAME(columns_from)(of_a, it->wide[1], j, count);
            NAME(store_some)(out + j, NAME(columns_from)(out, 1, j, count) + a, count);
        }
    }
}

static void NAME(multiply_rows)(const struct NAME(rows) * it, int add) {
    const ptrdiff_t wide = VECTORS * LANES;
    const REAL *panel = it->at[2];
    for (ptrdiff_t j = 0; j < it->columns; j += wide)
        for (ptrdiff_t k = 0; k == 0 || k < it->depth; k += NAME(DEPTH)) {
            const ptrdiff_t depth = it->depth - k < NAME(DEPTH) ? it->depth - k : NAME(DEPTH);
            const ptrdiff_t count = it->columns - j < wide ? it->columns - j : wide;
            for (ptrdiff_t i = 0; i < it->rows; i += ROWS) {
                const ptrdiff_t some = it->rows - i < ROWS ? it->rows - i : ROWS;
                const REAL *of_a[ROWS];
                for (int r = 0; r < ROWS; r++)
                    of_a[r] = it->at[1] + (i + (r < some ? r : some - 1)) * it->row[1] + k;
                NAME(matmul_tile)(of_a, 1, panel, depth, it->at[0] + i * it->row[0] + j,
                                  it->row[0], some, count, add || k > 0);
            }
            panel += depth * wide;
        }
}

/* A matrix b (depth, columns) as `multiply_rows` reads it: panels of columns, one below the other. */
static void NAME(pack_matrix)(void *to, const void *from, ptrdiff_t depth, ptrdiff_t columns,
                              ptrdiff_t row, ptrdiff_t column) {
    const ptrdiff_t wide = VECTORS * LANES;
    for (ptrdiff_t j = 0; j < columns; j += wide)
        NAME(fill_panel)((REAL *)to + j * depth, (const REAL *)from + j * column, depth,
                         columns - j < wide ? columns - j : wide, row, column);
}

static void NAME(run_instruction)(const struct instruction *instruction, ptrdiff_t step,
                                  struct range rows) {
    const int what = instruction->what;
    struct NAME(rows) it = {rows.end - rows.begin, instruction->columns, instruction->depth,
                            rows.begin, {0}, {0}, {0}};
    int one = what < DO_SUM; /* whether the rows lie as one long row */
    for (int i = 0; i < OPERANDS; i++) {
        const struct operand *const from = &instruction->of[i];
        const ptrdiff_t place = from->places == 1 ? 0 : (step + from->ahead) % from->places;
        const int blocks = i == 0 && what == DO_COLUMN_SUMS;
        it.at[i] = (REAL *)from->memory + place * from->place + (blocks ? 0 : rows.begin * from->row);
        it.row[i] = from->row;
        it.wide[i] = from->wide;
        one = one && from->row == (from->wide ? it.columns : 0);
    }
    if (one) {
        it.columns *= it.rows;
        it.rows = 1;
    }
    switch (what) {
#define CASE(name, arguments, value) \
    case DO_##name: NAME(do_##name)(&it); break;
        ELEMENTWISE(CASE)
#undef CASE
    case DO_SUM: NAME(sum_rows)(&it, 0); break;
    case DO_DOT: NAME(sum_rows)(&it, 1); break;
    case DO_LARGEST_OF: NAME(largest_of_rows)(&it); break;
    case DO_COLUMN_SUMS: NAME(sum_columns)(&it); break;
    case DO_PRODUCT: NAME(multiply_rows)(&it, 0); break;
    case DO_PRODUCT_ADD: NAME(multiply_rows)(&it, 1); break;
    }
}

static void NAME(run_program)(void *argument, struct member member) {
    const struct program *const it = argument;
    struct range rows = share(it->batch, BLOCK, member);
    if (rows.end > it->batch) rows.end = it->batch;
    if (rows.begin >= rows.end) return;
    for (ptrdiff_t s = 0; s < it->steps; s++) {
        const ptrdiff_t step = it->first + s * it->by;
        for (ptrdiff_t i = 0, end; i < it->count; i = end) {
            const int product = is_product(it->instructions[i].what);
            for (end = i + 1; end < it->count && !product; end++)
                if (is_product(it->instructions[end].what)) break;
            /* Few rows at a time, whose values stay in the first cache from one instruction to the
               next; but all for a product, which reads the whole matrix for them */
            const ptrdiff_t some = product ? rows.end - rows.begin : TOGETHER;
            for (ptrdiff_t r = rows.begin; r < rows.end; r += some)
                for (ptrdiff_t k = i; k < end; k++)
                    NAME(run_instruction)
                    (&it->instructions[k], step,
                     (struct range){r, r + some < rows.end ? r + some : rows.end});
        }
    }
}

#undef BITS
#undef EACH
