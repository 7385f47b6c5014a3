/* A cell back over a sequence: gradients. Included by sequence.h. */

/* W_hh turned, for the member's units: blocks of (all rows of W_hh, ROWS units). */
static void THE(pack_weights)(const struct call *call, const struct THE(memory) *memory,
                              struct range own) {
    const ptrdiff_t hidden = call->hidden, depth = memory->units * GATES;
    for (ptrdiff_t unit = own.begin; unit < own.end; unit += ROWS) {
        REAL *to = memory->packed + unit * depth;
        const ptrdiff_t count = hidden - unit < ROWS ? hidden - unit : ROWS;
        for (ptrdiff_t row = 0; row < memory->units; row++)
            for (ptrdiff_t g = 0; g < GATES; g++, to += ROWS) {
                const REAL *const from = (const REAL *)call->w_hh + (g * hidden + row) * hidden;
                if (row < hidden && count == ROWS)
                    UNROLLED for (int r = 0; r < ROWS; r++) to[r] = from[unit + r];
                else
                    for (ptrdiff_t r = 0; r < ROWS; r++)
                        to[r] = row < hidden && r < count ? from[unit + r] : 0;
            }
    }
}

/* The gradient of one sum, a row of `width` numbers: those of W_hh first. */
INLINE REAL *THE(gradient_of)(REAL *d, const struct THE(memory) *memory, ptrdiff_t unit, int sum) {
    return d + (sum < GATES ? unit * GATES + sum : memory->units * GATES + unit) * memory->width;
}

/* ROWS units of a step, `vectors` vectors from column `at` on: what came back to h from the step
   after, whose gradients `later` has (NULL: none), and its way through the cell. The first `n`
   columns run in this step; those from there to `before` ran in the step after, and leave. */
INLINE void THE(backward_tile)(const struct call *call, const struct THE(memory) *memory,
                               const REAL *later, REAL *d, ptrdiff_t unit, ptrdiff_t at,
                               int vectors, ptrdiff_t n, ptrdiff_t before, const REAL *kept,
                               ptrdiff_t stride) {
    const ptrdiff_t hidden = call->hidden, width = memory->width, depth = memory->units * GATES;
    vec sums[ROWS][VECTORS];
    UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < vectors; v++)
            sums[r][v] = NAME(load)(memory->carry + (unit + r) * width + at + v * LANES);
    if (later) {
        const REAL *rows[ROWS];
        UNROLLED for (int r = 0; r < ROWS; r++) rows[r] = memory->packed + unit * depth + r;
        NAME(whole_product)(sums, vectors, rows, ROWS, later + at, width, depth);
    }
    if (before > n && at + vectors * LANES > n) { /* some of these leave */
        REAL numbers[VECTORS * (VECTOR_BYTES / sizeof(REAL))];
        for (int r = 0; r < ROWS; r++) {
            for (int v = 0; v < vectors; v++) NAME(store)(numbers + v * LANES, sums[r][v]);
            for (ptrdiff_t b = n > at ? n : at; b < at + vectors * LANES; b++) {
                if (b < before && unit + r < hidden)
                    ((REAL *)call->g_first[0])[b * hidden + unit + r] = numbers[b - at];
                numbers[b - at] = 0;
            }
            for (int v = 0; v < vectors; v++) sums[r][v] = NAME(load)(numbers + v * LANES);
        }
    }
    if (at >= n) return;
    UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            const ptrdiff_t place = (unit + r) * width + at + v * LANES;
            vec of_sums[SUMS], carry = {0};
            THE(back)(sums[r][v] + NAME(load)(memory->g_y + place),
                      kept + (unit + r) * KEPT * stride + at + v * LANES, stride,
                      memory->d_c + place, of_sums, &carry);
            const ptrdiff_t there = n - at - v * LANES;
            if (there < LANES) { /* what lies behind the last sequence must not reach those to come */
                UNROLLED for (int s = 0; s < SUMS; s++) of_sums[s] = NAME(first)(of_sums[s], there);
                carry = NAME(first)(carry, there);
                if (STATES > 1)
                    NAME(store)(memory->d_c + place,
                                NAME(first)(NAME(load)(memory->d_c + place), there));
            }
            UNROLLED for (int s = 0; s < SUMS; s++)
                NAME(store)(THE(gradient_of)(d, memory, unit + r, s) + at + v * LANES, of_sums[s]);
            NAME(store)(memory->carry + place, carry);
        }
}

/* ROWS rows of a weight's gradient, from a run of steps: the product of the gradients of sums, `rows`,
   which are those of slot 0, with the run's packed columns. The first `some` rows are there. */
static OWN_REGISTERS void THE(weight_tile)(const struct call *call,
                                           const struct THE(memory) *memory, struct range run,
                                           const REAL *const *rows, const REAL *panel,
                                           REAL *const *to, ptrdiff_t some, ptrdiff_t count) {
    vec sums[ROWS][VECTORS] = {{{0}}};
    for (ptrdiff_t s = run.begin; s < run.end; s++) {
        const ptrdiff_t shift = s % memory->slots * memory->slot, n = call->counts[s];
        const REAL *shifted[ROWS];
        UNROLLED for (int r = 0; r < ROWS; r++) shifted[r] = rows[r] + shift;
        NAME(whole_product)(sums, VECTORS, shifted, 1, panel, VECTORS * LANES, n);
        panel += n * VECTORS * LANES;
    }
    UNROLLED for (int r = 0; r < ROWS; r++) /* counted, so that sums stay in registers */
        if (r < some) NAME(add_to)(to[r], sums[r], count);
}

/* The gradients of W_hh, or of W_ih if `input`, from a run of steps, for the member's units. The
   columns that belong to it begin at number `from` of each; `first_row` is the run's first. */
static void THE(weight_gradients)(const struct call *call, const struct THE(memory) *memory,
                                  struct range run, ptrdiff_t first_row, int input,
                                  struct range own, REAL *panel) {
    const ptrdiff_t hidden = call->hidden, length = hidden + call->inputs;
    const ptrdiff_t count = input ? call->inputs : hidden, from = input ? hidden : 0;
    const ptrdiff_t end = own.end < hidden ? own.end : hidden;
    const ptrdiff_t total = (end - own.begin) * GATES;
    REAL *const result = input ? call->g_w_ih : call->g_w_hh;
    ptrdiff_t columns = 0;
    for (ptrdiff_t s = run.begin; s < run.end; s++) columns += call->counts[s];
    for (ptrdiff_t j = 0; j < count; j += VECTORS * LANES) {
        NAME(pack)(panel, (const REAL *)call->columns + first_row * length + from + j, columns,
                   length, count - j);
        for (ptrdiff_t i = 0; i < total; i += ROWS) {
            const ptrdiff_t some = total - i < ROWS ? total - i : ROWS;
            const REAL *rows[ROWS];
            REAL *to[ROWS];
            for (int r = 0; r < ROWS; r++) {
                const ptrdiff_t row = i + (r < some ? r : some - 1);
                const ptrdiff_t unit = own.begin + row / GATES;
                const int gate = row % GATES;
                const int sum = input ? THE(sum_of_input)(gate) : gate;
                rows[r] = THE(gradient_of)(memory->d, memory, unit, sum);
                to[r] = result + (gate * hidden + unit) * count + j;
            }
            THE(weight_tile)(call, memory, run, rows, panel, to, some, count - j);
        }
    }
}

/* The gradients of the biases of the member's units from a run of steps. */
static void THE(bias_gradients)(const struct call *call, const struct THE(memory) *memory,
                                struct range run, struct range own) {
    const ptrdiff_t hidden = call->hidden;
    for (ptrdiff_t s = run.begin; s < run.end; s++)
        for (ptrdiff_t unit = own.begin; unit < own.end && unit < hidden; unit++)
            for (int sum = 0; sum < SUMS; sum++) {
                const REAL *const d = THE(gradient_of)(
                    memory->d + s % memory->slots * memory->slot, memory, unit, sum);
                REAL total = 0;
                for (ptrdiff_t b = 0; b < call->counts[s]; b++) total += d[b];
                for (int g = 0; g < GATES; g++) {
                    if (THE(sum_of_input)(g) == sum)
                        ((REAL *)call->g_b_ih)[g * hidden + unit] += total;
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
            for (ptrdiff_t b = 0; b < n; b += ROWS)
                THE(input_tile)(call, memory, d + b, panel, to + b * inputs, n - b, inputs - j);
        }
    }
}

static void THE(backward)(void *argument, struct member member) {
    const struct call *const call = argument;
    const struct THE(memory) memory = THE(backward_memory)(call, member.members);
    const ptrdiff_t hidden = call->hidden, width = memory.width;
    const struct range own = share(hidden, BLOCK, member);
    const ptrdiff_t real = (own.end < hidden ? own.end : hidden) - own.begin;
    const size_t row_size = width * sizeof(REAL);
    REAL *const panel = memory.panels + member.me * memory.panel_size;
    THE(pack_weights)(call, &memory, own);
    memset(memory.carry + own.begin * width, 0, size_of(own, row_size));
    memset(memory.g_y + own.begin * width, 0, size_of(own, row_size));
    if (STATES > 1) memset(memory.d_c + own.begin * width, 0, size_of(own, row_size));
    if (member.me == 0) memset(memory.d, 0, memory.slots * memory.slot * sizeof(REAL));

    ptrdiff_t kept_columns = 0, row = 0; /* up to the end of the step */
    for (ptrdiff_t s = 0; s < call->steps; s++) {
        kept_columns += THE(kept_stride)(call, call->counts[s]);
        row += call->counts[s];
    }
    team_meet(member);
    const REAL *later = NULL;
    struct range run = {call->steps, call->steps};
    for (ptrdiff_t s = call->steps - 1; s >= -1; s--) {
        const ptrdiff_t n = s < 0 ? 0 : call->counts[s], stride = THE(kept_stride)(call, n);
        const ptrdiff_t before = s + 1 < call->steps ? call->counts[s + 1] : 0;
        const ptrdiff_t most = n > before ? n : before;
        REAL *const d = s < 0 ? NULL : memory.d + s % memory.slots * memory.slot;
        kept_columns -= stride;
        row -= n;
        const REAL *const kept = (const REAL *)call->kept + KEPT * memory.units * kept_columns;
        if (n > before)
            THE(change)(memory.carry, width, own, hidden, before, n, call->g_last[0], NULL);
        if (STATES > 1)
            THE(change)(memory.d_c, width, own, hidden, before, n, call->g_last[1],
                        call->g_first[1]);
        for (ptrdiff_t u = own.begin; n < before && STATES > 1 && u < own.end; u++)
            memset(memory.d_c + u * width + n, 0, (before - n) * sizeof(REAL));
        if (n && call->g_y) {
            NAME(turn)(memory.g_y + own.begin * width, width,
                       (const REAL *)call->g_y + call->times[s] * call->batch * hidden + own.begin,
                       hidden, n, real);
            for (ptrdiff_t u = own.begin; n < before && u < own.end; u++)
                memset(memory.g_y + u * width + n, 0, (before - n) * sizeof(REAL));
        }
        for (ptrdiff_t unit = own.begin; unit < own.end; unit += ROWS) {
            ptrdiff_t at = 0;
            for (; at + (VECTORS - 1) * LANES < most; at += VECTORS * LANES)
                THE(backward_tile)(call, &memory, later, d, unit, at, VECTORS, n, before, kept,
                                   stride);
            for (; at < most; at += LANES)
                THE(backward_tile)(call, &memory, later, d, unit, at, 1, n, before, kept, stride);
        }
        later = d;
        team_meet(member);
        if (s >= 0) run.begin = s;
        if (run.end > run.begin && (s < 0 || run.end - run.begin == memory.slots - 1)) {
            THE(weight_gradients)(call, &memory, run, row, 0, own, panel);
            THE(weight_gradients)(call, &memory, run, row, 1, own, panel);
            if (call->g_b_ih) THE(bias_gradients)(call, &memory, run, own);
            if (call->g_x) THE(input_gradients)(call, &memory, run, panel, member);
            run.end = run.begin;
            team_meet(member); /* their memory is used again */
        }
    }
}
