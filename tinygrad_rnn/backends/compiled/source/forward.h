/* A cell ahead over a sequence. Included by sequence.h. */

/* UNITS units of a step, `vectors` vectors of sequences from column `at` on. */
INLINE void THE(forward_tile)(const struct call *call, const struct THE(memory) *memory, int now,
                              ptrdiff_t unit, ptrdiff_t at, int vectors, REAL *kept,
                              ptrdiff_t stride) {
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, width = memory->width;
    const REAL *const w_ih = call->w_ih, *const w_hh = call->w_hh;
    const REAL *of_x[UNITS * GATES], *of_h[UNITS * GATES];
    int sum_x[UNITS * GATES], sum_h[UNITS * GATES];
    vec sums[UNITS * SUMS][VECTORS];
    UNROLLED for (int u = 0; u < UNITS; u++) {
        const ptrdiff_t row = unit + u < hidden ? unit + u : hidden - 1; /* one that is there */
        UNROLLED for (int g = 0; g < GATES; g++) {
            of_x[u * GATES + g] = w_ih + (g * hidden + row) * inputs;
            of_h[u * GATES + g] = w_hh + (g * hidden + row) * hidden;
            sum_x[u * GATES + g] = u * SUMS + THE(sum_of_input)(g);
            sum_h[u * GATES + g] = u * SUMS + g;
        }
        UNROLLED for (int s = 0; s < SUMS; s++)
            UNROLLED for (int v = 0; v < vectors; v++)
                sums[u * SUMS + s][v] = NAME(all)(memory->bias[(unit + u) * SUMS + s]);
    }
    /* Where the product's time is too short for the memory to be fetched after it */
    UNROLLED for (int row = 0; kept && row < UNITS * KEPT; row++)
        UNROLLED for (int v = 0; v < vectors; v++)
            __builtin_prefetch(kept + (unit * KEPT + row) * stride + at + v * LANES, 1);
    NAME(product)(sums, sum_x, UNITS * GATES, vectors, of_x, 1, memory->x[now] + at, width, inputs);
    NAME(product)(sums, sum_h, UNITS * GATES, vectors, of_h, 1, memory->h[now] + at, width, hidden);
    UNROLLED for (int u = 0; u < UNITS; u++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            const ptrdiff_t place = (unit + u) * width + at + v * LANES;
            vec of_unit[SUMS];
            UNROLLED for (int s = 0; s < SUMS; s++) of_unit[s] = sums[u * SUMS + s][v];
            const vec h = THE(ahead)(
                of_unit, NAME(load)(memory->h[now] + place), memory->c + place,
                kept ? kept + (unit + u) * KEPT * stride + at + v * LANES : NULL, stride);
            NAME(store)(memory->h[!now] + place, h);
        }
}

/* The x of step s as columns, a share of it per member; and a copy of it for backward. */
static void THE(bring_x)(const struct call *call, REAL *to, ptrdiff_t width, ptrdiff_t s,
                         ptrdiff_t row, struct member member) {
    const ptrdiff_t inputs = call->inputs, n = call->counts[s];
    const REAL *const x = (const REAL *)call->x + call->times[s] * call->batch * inputs;
    struct range own = share(inputs, 1, member);
    NAME(turn)(to + own.begin * width, width, x + own.begin, inputs, n, own.end - own.begin);
    if (!call->columns) return;
    own = share(n, 1, member);
    REAL *column = (REAL *)call->columns + (row + own.begin) * (call->hidden + inputs);
    for (ptrdiff_t b = own.begin; b < own.end; b++, column += call->hidden + inputs)
        memcpy(column + call->hidden, x + b * inputs, inputs * sizeof(REAL));
}

/* The member's units, `count` of them, of the h before step s + 1, for backward: what y of step s
   has, or what sequences that join bring. */
static void THE(bring_h)(const struct call *call, ptrdiff_t s, ptrdiff_t unit, ptrdiff_t count,
                         REAL *column) {
    const ptrdiff_t hidden = call->hidden, next = call->counts[s + 1];
    const ptrdiff_t ran = s < 0 ? 0 : call->counts[s];
    const REAL *const y = s < 0 ? NULL : (REAL *)call->y + call->times[s] * call->batch * hidden;
    for (ptrdiff_t b = 0; b < next; b++, column += hidden + call->inputs)
        memcpy(column + unit, (b < ran ? y : (const REAL *)call->first[0]) + b * hidden + unit,
               count * sizeof(REAL));
}

/* The state of sequences that leave goes to `last`; those that join bring theirs from `first`. */
static void THE(change)(REAL *state, ptrdiff_t width, struct range own, ptrdiff_t hidden,
                        ptrdiff_t before, ptrdiff_t after, const REAL *first, REAL *last) {
    for (ptrdiff_t u = own.begin; u < own.end && u < hidden; u++) {
        for (ptrdiff_t b = after; b < before; b++) last[b * hidden + u] = state[u * width + b];
        for (ptrdiff_t b = before; b < after; b++)
            state[u * width + b] = first ? first[b * hidden + u] : 0;
    }
}

/* ----- forward of few sequences ----- */

/* The products of GATES rows of weights (`stride` numbers apart) with one vector, added to sums. */
INLINE void THE(dots)(const REAL *rows, ptrdiff_t stride, const REAL *vector, ptrdiff_t length,
                      const int *sum_of, REAL *sums) {
    vec partial[GATES] = {{0}};
    ptrdiff_t k = 0;
    for (; k + LANES <= length; k += LANES) {
        const vec numbers = NAME(load)(vector + k);
        UNROLLED for (int g = 0; g < GATES; g++)
            partial[g] += NAME(load)(rows + g * stride + k) * numbers;
    }
    UNROLLED for (int g = 0; g < GATES; g++) {
        REAL numbers[VECTOR_BYTES / sizeof(REAL)], total = 0;
        NAME(store)(numbers, partial[g]);
        for (ptrdiff_t i = 0; i < LANES; i++) total += numbers[i];
        for (ptrdiff_t i = k; i < length; i++) total += rows[g * stride + i] * vector[i];
        sums[sum_of[g]] += total;
    }
}

/* As `forward`, for batches that would fill too little of a vector, generation's above all: a vector
   lies along the units of one sequence, and along the rows of weights. States are (batch, units). */
static void THE(forward_few)(const struct call *call, const struct THE(memory) *memory,
                             struct member member) {
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, units = memory->units;
    const struct range own = share(hidden, BLOCK, member);
    const ptrdiff_t end = own.end < hidden ? own.end : hidden;
    const size_t size = (end - own.begin) * sizeof(REAL);
    const REAL *const w_ih = call->w_ih, *const w_hh = call->w_hh;
    REAL *const states[2] = {memory->h[0], memory->c};
    int sum_x[GATES], sum_h[GATES], now = 0;
    for (int g = 0; g < GATES; g++) {
        sum_x[g] = THE(sum_of_input)(g);
        sum_h[g] = g;
    }
    for (ptrdiff_t b = 0; b < call->batch; b++) {
        const ptrdiff_t mine = b * units + own.begin;
        memset(memory->h[0] + mine, 0, size_of(own, sizeof(REAL)));
        memset(memory->h[1] + mine, 0, size_of(own, sizeof(REAL)));
        if (STATES > 1) memset(memory->c + mine, 0, size_of(own, sizeof(REAL)));
        for (int i = 0; i < STATES; i++)
            memcpy(states[i] + mine, (const REAL *)call->first[i] + b * hidden + own.begin, size);
    }
    team_meet(member);
    const ptrdiff_t length = hidden + inputs;
    REAL *kept = call->kept, *column = call->columns;
    for (ptrdiff_t s = 0; s < call->steps; s++, now = !now) {
        const ptrdiff_t stride = call->counts[s];
        const REAL *const x = (const REAL *)call->x + call->times[s] * call->batch * inputs;
        REAL *const y = (REAL *)call->y + call->times[s] * call->batch * hidden;
        for (ptrdiff_t b = 0; b < call->batch; b++) {
            REAL *const h = memory->h[now] + b * units, *const after = memory->h[!now] + b * units;
            if (b >= call->counts[s]) {
                memcpy(after + own.begin, h + own.begin, size);
                continue;
            }
            if (column) {
                memcpy(column + b * length + own.begin, h + own.begin, size);
                if (!member.me)
                    memcpy(column + b * length + hidden, x + b * inputs, inputs * sizeof(REAL));
            }
            for (ptrdiff_t unit = own.begin; unit < own.end; unit += BLOCK) {
                REAL sums[SUMS][BLOCK + VECTOR_BYTES / sizeof(REAL)] = {{0}};
                for (ptrdiff_t u = 0; u < BLOCK && unit + u < end; u++) {
                    REAL of_unit[SUMS];
                    memcpy(of_unit, memory->bias + (unit + u) * SUMS, sizeof of_unit);
                    THE(dots)(w_ih + (unit + u) * inputs, hidden * inputs, x + b * inputs, inputs,
                              sum_x, of_unit);
                    THE(dots)(w_hh + (unit + u) * hidden, hidden * hidden, h, hidden, sum_h,
                              of_unit);
                    for (int i = 0; i < SUMS; i++) sums[i][u] = of_unit[i];
                }
                for (ptrdiff_t u = 0; u < BLOCK; u += LANES) {
                    vec of_units[SUMS];
                    REAL before[VECTOR_BYTES / sizeof(REAL)] = {0}, c[VECTOR_BYTES / sizeof(REAL)];
                    const ptrdiff_t count = BLOCK - u < LANES ? BLOCK - u : LANES;
                    memcpy(before, h + unit + u, count * sizeof(REAL));
                    if (STATES > 1) memcpy(c, memory->c + b * units + unit + u, count * sizeof(REAL));
                    for (int i = 0; i < SUMS; i++) of_units[i] = NAME(load)(sums[i] + u);
                    REAL rows[KEPT * (VECTOR_BYTES / sizeof(REAL))];
                    const vec new = THE(ahead)(of_units, NAME(load)(before), c, rows, LANES);
                    for (ptrdiff_t i = 0; kept && i < count * KEPT; i++)
                        kept[((unit + u) * KEPT + i) * stride + b] = rows[i % KEPT * LANES + i / KEPT];
                    NAME(store)(before, new);
                    memcpy(after + unit + u, before, count * sizeof(REAL));
                    if (STATES > 1) memcpy(memory->c + b * units + unit + u, c, count * sizeof(REAL));
                }
            }
            memcpy(y + b * hidden + own.begin, after + own.begin, size);
        }
        if (kept) kept += KEPT * units * stride;
        if (column) column += stride * length;
        team_meet(member);
    }
    const REAL *const ends[2] = {memory->h[now], memory->c};
    for (int i = 0; i < STATES; i++)
        for (ptrdiff_t b = 0; b < call->batch; b++)
            memcpy((REAL *)call->last[i] + b * hidden + own.begin, ends[i] + b * units + own.begin,
                   size);
}

/* ----- forward ----- */

static void THE(forward)(void *argument, struct member member) {
    const struct call *const call = argument;
    const struct THE(memory) memory = THE(forward_memory)(call);
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, width = memory.width;
    const struct range own = share(hidden, BLOCK, member);
    const ptrdiff_t real = (own.end < hidden ? own.end : hidden) - own.begin;
    const REAL *const b_ih = call->b_ih, *const b_hh = call->b_hh;
    for (ptrdiff_t u = own.begin; u < own.end; u++)
        for (int s = 0; s < SUMS; s++) {
            REAL sum = 0;
            for (int g = 0; g < GATES && b_ih && u < hidden; g++) {
                if (THE(sum_of_input)(g) == s) sum += b_ih[g * hidden + u];
                if (g == s) sum += b_hh[g * hidden + u];
            }
            memory.bias[u * SUMS + s] = sum;
        }
    if (call->batch <= FEW) {
        THE(forward_few)(call, &memory, member);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const struct range features = share(inputs, 1, member);
        memset(memory.h[i] + own.begin * width, 0, size_of(own, width * sizeof(REAL)));
        memset(memory.x[i] + features.begin * width, 0, size_of(features, width * sizeof(REAL)));
    }
    if (STATES > 1) memset(memory.c + own.begin * width, 0, size_of(own, width * sizeof(REAL)));

    REAL *kept = call->kept, *columns = call->columns;
    int now = 0;
    for (ptrdiff_t s = -1, row = 0; s < call->steps; s++) {
        const ptrdiff_t n = s < 0 ? 0 : call->counts[s];
        const ptrdiff_t next = s + 1 < call->steps ? call->counts[s + 1] : 0;
        const ptrdiff_t stride = THE(kept_stride)(call, n);
        for (ptrdiff_t unit = own.begin; n && unit < own.end; unit += UNITS) {
            ptrdiff_t at = 0;
            for (; at + (VECTORS - 1) * LANES < n; at += VECTORS * LANES)
                THE(forward_tile)(call, &memory, now, unit, at, VECTORS, kept, stride);
            for (; at < n; at += LANES)
                THE(forward_tile)(call, &memory, now, unit, at, 1, kept, stride);
        }
        if (n) now = !now;
        if (kept) kept += KEPT * memory.units * stride;
        REAL *const h = memory.h[now], *const mine = h + own.begin * width;
        if (n)
            NAME(turn)((REAL *)call->y + call->times[s] * call->batch * hidden + own.begin, hidden,
                       mine, width, real, n);
        THE(change)(h, width, own, hidden, n, next, call->first[0], call->last[0]);
        if (STATES > 1)
            THE(change)(memory.c, width, own, hidden, n, next, call->first[1], call->last[1]);
        row += n;
        if (s + 1 < call->steps) {
            if (columns) THE(bring_h)(call, s, own.begin, real, columns + row * (hidden + inputs));
            THE(bring_x)(call, memory.x[now], width, s + 1, row, member);
        }
        team_meet(member);
    }
}
