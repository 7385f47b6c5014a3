/* A cell back over a sequence: gradients. Included by sequence.h. */

/* Weights turned, for the member's share of their columns: blocks of (all rows, ROWS columns), where
   a row is `count` numbers, and each of `rows` rounded up is one of every gate. A few rows at a time,
   so that their lines of the cache are read once. */
static void THE(pack_weights)(REAL *to, const REAL *weights, ptrdiff_t rows, int gates,
                              ptrdiff_t count, struct range own) {
    const ptrdiff_t all = rounded_up(rows, BLOCK);
    for (ptrdiff_t begin = 0; begin < all; begin += BLOCK)
        for (ptrdiff_t at = own.begin; at < own.end; at += ROWS) {
            const ptrdiff_t some = count - at < ROWS ? count - at : ROWS;
            REAL *out = to + (at * all + begin * ROWS) * gates;
            for (ptrdiff_t row = begin; row < begin + BLOCK; row++)
                for (int g = 0; g < gates; g++, out += ROWS) {
                    const REAL *const from = weights + (g * rows + row) * count;
                    if (row < rows && some == ROWS)
                        UNROLLED for (int r = 0; r < ROWS; r++) out[r] = from[at + r];
                    else
                        for (ptrdiff_t r = 0; r < ROWS; r++)
                            out[r] = row < rows && r < some ? from[at + r] : 0;
                }
        }
}

/* The product of a block of packed weights with `depth` rows, added to sums. */
INLINE void THE(packed_product)(vec (*sums)[VECTORS], int vectors, const REAL *packed, const REAL *b,
                                ptrdiff_t width, ptrdiff_t depth) {
    const REAL *rows[ROWS];
    UNROLLED for (int r = 0; r < ROWS; r++) rows[r] = packed + r;
    NAME(whole_product)(sums, vectors, rows, ROWS, b, width, depth);
}

/* The gradient of one sum, a row of `width` numbers: those of W_hh first. With a projection those of
   the outputs follow, as sums of number SUMS. */
INLINE REAL *THE(gradient_of)(REAL *d, const struct THE(memory) *memory, ptrdiff_t unit, int sum) {
    const ptrdiff_t row = sum < GATES ? unit * GATES + sum : memory->units * sum + unit;
    return d + row * memory->width;
}

/* What a step backward is about. The first `n` columns run in it; those from there to `before` ran in
   the step after, whose gradients `later` has (NULL: none), and leave. */
struct THE(step) {
    REAL *d;
    const REAL *later, *kept;
    ptrdiff_t n, before, stride;
};

/* The gradient of h for ROWS outputs, `vectors` vectors from column `at` on: what came back from the
   step after, and that of y. */
INLINE void THE(gradient_of_h)(const struct call *call, const struct THE(memory) *memory,
                               const struct THE(step) *step, ptrdiff_t output, ptrdiff_t at,
                               int vectors, vec (*sums)[VECTORS]) {
    const ptrdiff_t outputs = call->outputs, width = memory->width, depth = memory->units * GATES;
    const ptrdiff_t n = step->n;
    UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < vectors; v++)
            sums[r][v] = NAME(load)(memory->carry + (output + r) * width + at + v * LANES);
    if (step->later)
        THE(packed_product)(sums, vectors, memory->packed + output * depth, step->later + at, width,
                            depth);
    if (step->before > n && at + vectors * LANES > n) { /* some of these leave */
        REAL numbers[VECTORS * (VECTOR_BYTES / sizeof(REAL))];
        for (int r = 0; r < ROWS; r++) {
            for (int v = 0; v < vectors; v++) NAME(store)(numbers + v * LANES, sums[r][v]);
            for (ptrdiff_t b = n > at ? n : at; b < at + vectors * LANES; b++) {
                if (b < step->before && output + r < outputs)
                    ((REAL *)call->g_first[0])[b * outputs + output + r] = numbers[b - at];
                numbers[b - at] = 0;
            }
            for (int v = 0; v < vectors; v++) sums[r][v] = NAME(load)(numbers + v * LANES);
        }
    }
    UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < vectors; v++)
            sums[r][v] += NAME(load)(memory->g_y + (output + r) * width + at + v * LANES);
}

/* The way of the gradient of h (or of what is projected) for ROWS units back through the cell. */
INLINE void THE(through_cell)(const struct call *call, const struct THE(memory) *memory,
                              const struct THE(step) *step, ptrdiff_t unit, ptrdiff_t at,
                              int vectors, vec (*sums)[VECTORS]) {
    const ptrdiff_t stride = step->stride;
    UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            const ptrdiff_t place = (unit + r) * memory->width + at + v * LANES;
            vec of_sums[SUMS], carry = {0};
            THE(back)(sums[r][v], step->kept + (unit + r) * KEPT * stride + at + v * LANES, stride,
                      memory->d_c + place, of_sums, &carry);
            const ptrdiff_t there = step->n - at - v * LANES;
            if (there < LANES) { /* what lies behind the last sequence must not reach those to come */
                UNROLLED for (int s = 0; s < SUMS; s++) of_sums[s] = NAME(first)(of_sums[s], there);
                carry = NAME(first)(carry, there);
                if (STATES > 1)
                    NAME(store)(memory->d_c + place,
                                NAME(first)(NAME(load)(memory->d_c + place), there));
            }
            UNROLLED for (int s = 0; s < SUMS; s++)
                NAME(store)(THE(gradient_of)(step->d, memory, unit + r, s) + at + v * LANES,
                            of_sums[s]);
            if (!call->w_hr) NAME(store)(memory->carry + place, carry);
        }
}

/* ROWS units of a step. */
INLINE void THE(backward_tile)(const struct call *call, const struct THE(memory) *memory,
                               const struct THE(step) *step, ptrdiff_t unit, ptrdiff_t at,
                               int vectors) {
    vec sums[ROWS][VECTORS];
    THE(gradient_of_h)(call, memory, step, unit, at, vectors, sums);
    if (at < step->n) THE(through_cell)(call, memory, step, unit, at, vectors, sums);
}

/* ROWS outputs of a step with a projection: the gradient of h, which its units and that of W_hr need. */
INLINE void THE(outputs_tile)(const struct call *call, const struct THE(memory) *memory,
                              const struct THE(step) *step, ptrdiff_t output, ptrdiff_t at,
                              int vectors) {
    vec sums[ROWS][VECTORS];
    THE(gradient_of_h)(call, memory, step, output, at, vectors, sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            NAME(store)(memory->carry + (output + r) * memory->width + at + v * LANES, (vec){0});
            if (at < step->n)
                NAME(store)(THE(gradient_of)(step->d, memory, output + r, SUMS) + at + v * LANES,
                            sums[r][v]);
        }
}

/* ROWS units of a step with a projection, when the gradient of h is whole. */
INLINE void THE(projected_tile)(const struct call *call, const struct THE(memory) *memory,
                                const struct THE(step) *step, ptrdiff_t unit, ptrdiff_t at,
                                int vectors) {
    vec sums[ROWS][VECTORS] = {{{0}}};
    THE(packed_product)(sums, vectors, memory->packed_hr + unit * memory->outputs,
                        THE(gradient_of)(step->d, memory, 0, SUMS) + at, memory->width,
                        call->outputs);
    THE(through_cell)(call, memory, step, unit, at, vectors, sums);
}

/* ROWS rows of a weight's gradient, from a run of steps: the product of the gradients of sums, `rows`,
   which are those of slot 0 and the first part, with the run's packed columns, into `to`, or added if
   `add`. The first `some` rows are there. */
static OWN_REGISTERS void THE(weight_tile)(const struct call *call,
                                           const struct THE(memory) *memory, struct range run,
                                           const REAL *const *rows, const REAL *panel,
                                           REAL *const *to, ptrdiff_t some, ptrdiff_t count,
                                           int add) {
    const ptrdiff_t there = count < VECTORS * LANES ? count : VECTORS * LANES;
    vec sums[ROWS][VECTORS] = {{{0}}};
    UNROLLED for (int r = 0; r < ROWS; r++) { /* it comes from far away while the product is formed */
        __builtin_prefetch(to[r], 1);
        __builtin_prefetch(to[r] + there - 1, 1);
    }
    for (ptrdiff_t s = run.begin; s < run.end; s++) {
        const ptrdiff_t slot = s % memory->slots * memory->slot, n = call->counts[s];
        for (ptrdiff_t b = 0; b < n; b += memory->width) {
            const ptrdiff_t shift = slot + b * memory->rows;
            const ptrdiff_t depth = n - b < memory->width ? n - b : memory->width;
            const REAL *shifted[ROWS];
            UNROLLED for (int r = 0; r < ROWS; r++) {
                shifted[r] = rows[r] + shift;
                /* the next tile's: pieces of one step each, too short for the machine to foresee */
                __builtin_prefetch(shifted[r] + ROWS * memory->width, 0, 2);
                __builtin_prefetch(shifted[r] + ROWS * memory->width + PADDING, 0, 2);
            }
            NAME(whole_product)(sums, VECTORS, shifted, 1, panel, VECTORS * LANES, depth);
            panel += depth * VECTORS * LANES;
        }
    }
    UNROLLED for (int r = 0; r < ROWS; r++) /* counted, so that sums stay in registers */
        if (r < some) {
            if (!add) memset(to[r], 0, there * sizeof(REAL));
            NAME(add_to)(to[r], sums[r], count);
        }
}

/* The member's rows of the gradient of a weight from a run of steps, `first_row` the first of its
   columns. */
static void THE(weight_gradients)(const struct call *call, const struct THE(memory) *memory,
                                  struct range run, ptrdiff_t first_row, enum weight weight,
                                  REAL *panels, struct member member) {
    REAL *const results[] = {call->g_w_hh, call->g_w_ih, call->g_w_hr};
    const ptrdiff_t counts[] = {call->outputs, call->inputs, call->hidden}; /* of a row */
    const ptrdiff_t starts[] = {0, call->outputs, call->outputs + call->inputs}; /* in a column */
    const ptrdiff_t units = weight == W_HR ? call->outputs : call->hidden;
    const ptrdiff_t gates = weight == W_HR ? 1 : GATES, count = counts[weight];
    const struct range own = share(units, BLOCK, member);
    const ptrdiff_t total = ((own.end < units ? own.end : units) - own.begin) * gates;
    ptrdiff_t columns = 0;
    for (ptrdiff_t s = run.begin; s < run.end; s++) columns += call->counts[s];
    const ptrdiff_t wide = VECTORS * LANES, size = columns * wide;
    const REAL *const from =
        (const REAL *)call->columns + first_row * memory->length + starts[weight];
    for (ptrdiff_t begin = 0; begin < count; begin += PANELS * wide) {
        const ptrdiff_t end = count - begin < PANELS * wide ? count : begin + PANELS * wide;
        for (ptrdiff_t j = begin; j < end; j += wide)
            NAME(pack)(panels + (j - begin) / wide * size, from + j, columns, memory->length,
                       count - j);
        for (ptrdiff_t i = 0; i < total; i += ROWS) {
            const ptrdiff_t some = total - i < ROWS ? total - i : ROWS;
            const REAL *rows[ROWS];
            REAL *to[ROWS];
            for (int r = 0; r < ROWS; r++) {
                const ptrdiff_t row = i + (r < some ? r : some - 1);
                const ptrdiff_t unit = own.begin + row / gates;
                const int gate = row % gates;
                const int sum = weight == W_HH   ? gate
                                : weight == W_IH ? THE(sum_of_input)(gate)
                                                 : SUMS;
                rows[r] = THE(gradient_of)(memory->d, memory, unit, sum);
                to[r] = results[weight] + (gate * units + unit) * count + begin;
            }
            for (ptrdiff_t j = begin; j < end; j += wide) {
                THE(weight_tile)(call, memory, run, rows, panels + (j - begin) / wide * size, to,
                                 some, count - j, run.end < call->steps);
                for (int r = 0; r < ROWS; r++) to[r] += wide;
            }
        }
    }
}

/* The gradients of the biases of the member's units from a run of steps. */
static void THE(bias_gradients)(const struct call *call, const struct THE(memory) *memory,
                                struct range run, struct range own) {
    const ptrdiff_t hidden = call->hidden, width = memory->width;
    for (ptrdiff_t unit = own.begin; unit < own.end && unit < hidden; unit++)
        for (int sum = 0; sum < SUMS; sum++) {
            vec sums = {0}; /* behind the last sequence, up to the end of its vector, there are zeros */
            for (ptrdiff_t s = run.begin; s < run.end; s++) {
                const REAL *d = THE(gradient_of)(memory->d + s % memory->slots * memory->slot, memory,
                                                 unit, sum);
                for (ptrdiff_t n = call->counts[s]; n > 0; n -= width, d += memory->rows * width)
                    for (ptrdiff_t i = 0; i < n && i < width; i += LANES) sums += NAME(load)(d + i);
            }
            const REAL total = NAME(total)(sums);
            for (int g = 0; g < GATES; g++) {
                if (THE(sum_of_input)(g) == sum) ((REAL *)call->g_b_ih)[g * hidden + unit] += total;
                if (g == sum) ((REAL *)call->g_b_hh)[g * hidden + unit] += total;
            }
        }
}

/* The gradient of x for ROWS sequences of a step, the first `some` of which are there, from the
   gradients `d` of the sums from the first of them on: `count` numbers, at most a panel's width. */
static OWN_REGISTERS void THE(input_tile)(const struct call *call,
                                          const struct THE(memory) *memory, REAL *d,
                                          const REAL *panel, REAL *to, ptrdiff_t some,
                                          ptrdiff_t count) {
    const ptrdiff_t hidden = call->hidden, wide = VECTORS * LANES;
    vec sums[ROWS][VECTORS] = {{{0}}};
    for (int g = 0; g < GATES; g++, panel += hidden * wide) {
        const int sum = THE(sum_of_input)(g);
        const ptrdiff_t next = (sum < GATES ? GATES : 1) * memory->width;
        const REAL *const gate = THE(gradient_of)(d, memory, 0, sum), *rows[ROWS];
        UNROLLED for (int r = 0; r < ROWS; r++) rows[r] = gate + r;
        NAME(whole_product)(sums, VECTORS, rows, next, panel, wide, hidden);
    }
    UNROLLED for (int r = 0; r < ROWS; r++)
        if (r < some) NAME(add_to)(to + r * call->inputs, sums[r], count);
}

/* The gradient of x for the member's share of a run of steps. */
static void THE(input_gradients)(const struct call *call, const struct THE(memory) *memory,
                                 struct range run, REAL *panel, struct member member) {
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, wide = VECTORS * LANES;
    const struct range steps = share(run.end - run.begin, 1, member);
    for (ptrdiff_t j = 0; j < inputs; j += wide) {
        NAME(pack)(panel, (const REAL *)call->w_ih + j, hidden * GATES, inputs, inputs - j);
        for (ptrdiff_t s = run.begin + steps.begin; s < run.begin + steps.end; s++) {
            REAL *const d = memory->d + s % memory->slots * memory->slot;
            const ptrdiff_t n = call->counts[s];
            REAL *const to = (REAL *)call->g_x + call->times[s] * call->batch * inputs + j;
            for (ptrdiff_t b = 0; b < n; b += ROWS) {
                const ptrdiff_t in_part = b % memory->width;
                THE(input_tile)(call, memory, d + (b - in_part) * memory->rows + in_part, panel,
                                to + b * inputs, n - b, inputs - j);
            }
        }
    }
}

static void THE(backward)(void *argument, struct member member) {
    const struct call *const whole = argument;
    const ptrdiff_t hidden = whole->hidden, outputs = whole->outputs;
    struct THE(memory) memory = THE(backward_memory)(whole, member.members);
    struct range own = share(hidden, BLOCK, member), outs = share(outputs, BLOCK, member);
    const size_t row_size = memory.width * sizeof(REAL);
    REAL *const panel = memory.panels + member.me * memory.panel_size;
    THE(pack_weights)(memory.packed, whole->w_hh, hidden, GATES, outputs, outs);
    if (whole->w_hr) THE(pack_weights)(memory.packed_hr, whole->w_hr, outputs, 1, hidden, own);
    memset(memory.carry + outs.begin * memory.width, 0, size_of(outs, row_size));
    memset(memory.g_y + outs.begin * memory.width, 0, size_of(outs, row_size));
    if (STATES > 1) memset(memory.d_c + own.begin * memory.width, 0, size_of(own, row_size));
    if (member.me == 0) memset(memory.d, 0, memory.slots * memory.slot * sizeof(REAL));

    ptrdiff_t kept_columns = 0, row = 0; /* up to the end of the step */
    for (ptrdiff_t s = 0; s < whole->steps; s++) {
        kept_columns += THE(kept_stride)(whole, whole->counts[s]);
        row += whole->counts[s];
    }
    team_meet(member);
    const struct range of_biases = own;
    const int parts = THE(parts_of)(whole, memory.width, member.members);
    struct member steps = member; /* those who do the steps together */
    if (parts > 1) steps = (struct member){.members = 1};
    own = share(hidden, BLOCK, steps);
    outs = share(outputs, BLOCK, steps);
    memory.width /= parts;
    struct THE(memory) mine = memory; /* the member's part of it */
    mine.first = parts > 1 ? member.me * mine.width : 0;
    mine.carry += mine.first * mine.outputs;
    mine.g_y += mine.first * mine.outputs;
    mine.d_c += mine.first * mine.units;
    mine.d += mine.first * mine.rows;
    const struct call call = THE(from)(whole, mine.first, mine.length);
    const ptrdiff_t width = mine.width;
    const ptrdiff_t real = (outs.end < outputs ? outs.end : outputs) - outs.begin;
    struct THE(step) step = {0};
    struct range run = {call.steps, call.steps};
    for (ptrdiff_t s = call.steps - 1; s >= -1; s--) {
        const ptrdiff_t all = s < 0 ? 0 : call.counts[s], n = THE(among)(&mine, all);
        const ptrdiff_t before = step.n, most = n > before ? n : before;
        const ptrdiff_t stride = THE(kept_stride)(&call, all);
        kept_columns -= stride;
        row -= all;
        step = (struct THE(step)){
            .d = s < 0 ? NULL : mine.d + s % mine.slots * mine.slot,
            .later = step.d,
            .kept = (const REAL *)call.kept + KEPT * mine.units * kept_columns,
            .n = n,
            .before = before,
            .stride = stride,
        };
        if (n > before)
            THE(change)(mine.carry, width, outs, outputs, before, n, call.g_last[0], NULL);
        if (STATES > 1)
            THE(change)(mine.d_c, width, own, hidden, before, n, call.g_last[1], call.g_first[1]);
        for (ptrdiff_t u = own.begin; n < before && STATES > 1 && u < own.end; u++)
            memset(mine.d_c + u * width + n, 0, (before - n) * sizeof(REAL));
        if (n && call.g_y) {
            NAME(turn)(mine.g_y + outs.begin * width, width,
                       (const REAL *)call.g_y + call.times[s] * call.batch * outputs + outs.begin,
                       outputs, n, real);
            for (ptrdiff_t u = outs.begin; n < before && u < outs.end; u++)
                memset(mine.g_y + u * width + n, 0, (before - n) * sizeof(REAL));
        }
        for (ptrdiff_t output = outs.begin; output < outs.end; output += ROWS)
            if (call.w_hr)
                OVER_COLUMNS(most, THE(outputs_tile), &call, &mine, &step, output);
            else
                OVER_COLUMNS(most, THE(backward_tile), &call, &mine, &step, output);
        if (call.w_hr) {
            team_meet(steps);
            for (ptrdiff_t unit = own.begin; unit < own.end; unit += ROWS)
                OVER_COLUMNS(n, THE(projected_tile), &call, &mine, &step, unit);
        }
        team_meet(steps);
        if (s >= 0) run.begin = s;
        if (run.end > run.begin && (s < 0 || run.end - run.begin == memory.slots - 1)) {
            if (parts > 1) team_meet(member);
            THE(weight_gradients)(whole, &memory, run, row, W_HH, panel, member);
            THE(weight_gradients)(whole, &memory, run, row, W_IH, panel, member);
            if (call.w_hr) THE(weight_gradients)(whole, &memory, run, row, W_HR, panel, member);
            if (call.g_b_ih) THE(bias_gradients)(whole, &memory, run, of_biases);
            if (call.g_x) THE(input_gradients)(whole, &memory, run, panel, member);
            run.end = run.begin;
            team_meet(member); /* their memory is used again */
        }
    }
}
