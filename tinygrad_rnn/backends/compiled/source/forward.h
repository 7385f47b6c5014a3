/* A cell ahead over a sequence. Included by sequence.h. */

/* UNITS units of a step, `vectors` vectors of sequences from column `at` on. */
INLINE void THE(forward_tile)(const struct call *call, const struct THE(memory) *memory, int now,
                              REAL *kept, ptrdiff_t stride, ptrdiff_t unit, ptrdiff_t at,
                              int vectors) {
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, outputs = call->outputs;
    const ptrdiff_t width = memory->width;
    const REAL *const w_ih = call->w_ih, *const w_hh = call->w_hh;
    const REAL *of_x[UNITS * GATES], *of_h[UNITS * GATES];
    int sum_x[UNITS * GATES], sum_h[UNITS * GATES];
    vec sums[UNITS * SUMS][VECTORS];
    UNROLLED for (int u = 0; u < UNITS; u++) {
        const ptrdiff_t row = unit + u < hidden ? unit + u : hidden - 1; /* one that is there */
        UNROLLED for (int g = 0; g < GATES; g++) {
            of_x[u * GATES + g] = w_ih + (g * hidden + row) * inputs;
            of_h[u * GATES + g] = w_hh + (g * hidden + row) * outputs;
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
    NAME(product)(sums, sum_h, UNITS * GATES, vectors, of_h, 1, memory->h[now] + at, width,
                  outputs);
    UNROLLED for (int u = 0; u < UNITS; u++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            const ptrdiff_t place = (unit + u) * width + at + v * LANES;
            vec of_unit[SUMS];
            UNROLLED for (int s = 0; s < SUMS; s++) of_unit[s] = sums[u * SUMS + s][v];
            const vec m = THE(ahead)(
                of_unit, memory->h[now] + place, memory->c + place,
                kept ? kept + (unit + u) * KEPT * stride + at + v * LANES : NULL, stride);
            NAME(store)(memory->m[!now] + place, m);
        }
}

/* ROWS outputs of the projection of a step. */
INLINE void THE(projection_tile)(const struct call *call, const struct THE(memory) *memory, int now,
                                 ptrdiff_t output, ptrdiff_t at, int vectors) {
    const REAL *rows[ROWS];
    vec sums[ROWS][VECTORS] = {{{0}}};
    UNROLLED for (int r = 0; r < ROWS; r++) {
        const ptrdiff_t row = output + r < call->outputs ? output + r : call->outputs - 1;
        rows[r] = (const REAL *)call->w_hr + row * call->hidden;
    }
    NAME(whole_product)(sums, vectors, rows, 1, memory->m[now] + at, memory->width, call->hidden);
    UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < vectors; v++)
            NAME(store)(memory->h[now] + (output + r) * memory->width + at + v * LANES, sums[r][v]);
}

/* The x of step s as columns, a share of it per member; and a copy of it for backward. */
static void THE(bring_x)(const struct call *call, REAL *to, ptrdiff_t width, ptrdiff_t s,
                         REAL *column, ptrdiff_t length, struct member member) {
    const ptrdiff_t inputs = call->inputs, n = call->counts[s];
    const REAL *const x = (const REAL *)call->x + call->times[s] * call->batch * inputs;
    struct range own = share(inputs, 1, member);
    NAME(turn)(to + own.begin * width, width, x + own.begin, inputs, n, own.end - own.begin);
    if (!column) return;
    own = share(n, 1, member);
    for (ptrdiff_t b = own.begin; b < own.end; b++)
        memcpy(column + b * length + call->outputs, x + b * inputs, inputs * sizeof(REAL));
}

/* The member's outputs, `count` of them, of the h before step s + 1, for backward: what y of step s
   has, or what sequences that join bring. */
static void THE(bring_h)(const struct call *call, ptrdiff_t s, ptrdiff_t output, ptrdiff_t count,
                         REAL *column, ptrdiff_t length) {
    const ptrdiff_t outputs = call->outputs, next = call->counts[s + 1];
    const ptrdiff_t ran = s < 0 ? 0 : call->counts[s];
    const REAL *const y = s < 0 ? NULL : (REAL *)call->y + call->times[s] * call->batch * outputs;
    for (ptrdiff_t b = 0; b < next; b++, column += length)
        memcpy(column + output, (b < ran ? y : (const REAL *)call->first[0]) + b * outputs + output,
               count * sizeof(REAL));
}

/* The state of sequences that leave goes to `last`; those that join bring theirs from `first`. */
static void THE(change)(REAL *state, ptrdiff_t width, struct range own, ptrdiff_t size,
                        ptrdiff_t before, ptrdiff_t after, const REAL *first, REAL *last) {
    for (ptrdiff_t u = own.begin; u < own.end && u < size; u++) {
        for (ptrdiff_t b = after; b < before; b++) last[b * size + u] = state[u * width + b];
        for (ptrdiff_t b = before; b < after; b++)
            state[u * width + b] = first ? first[b * size + u] : 0;
    }
}

/* ----- forward of few sequences ----- */

/* The products of `count` rows of weights (`stride` numbers apart) with one vector: those of whole
   vectors are added to partial, the rest to sums. Row g belongs to the sum of its number, rows of
   W_ih to `sum_of_input`. */
INLINE void THE(dots)(int count, int of_input, const REAL *rows, ptrdiff_t stride,
                      const REAL *vector, ptrdiff_t length, vec *partial, REAL *sums) {
    ptrdiff_t k = 0;
    for (; k + LANES <= length; k += LANES) {
        const vec numbers = NAME(load)(vector + k);
        UNROLLED for (int g = 0; g < count; g++)
            partial[of_input ? THE(sum_of_input)(g) : g] +=
                NAME(load)(rows + g * stride + k) * numbers;
    }
    if (k == length) return;
    four rest[BLOCK] = {{0}};
    for (; k + 4 <= length; k += 4)
        UNROLLED for (int g = 0; g < count; g++)
            rest[g] += *(const four *)(rows + g * stride + k) * *(const four *)(vector + k);
    UNROLLED for (int g = 0; g < count; g++) {
        REAL total = (rest[g][0] + rest[g][1]) + (rest[g][2] + rest[g][3]);
        for (ptrdiff_t i = k; i < length; i++) total += rows[g * stride + i] * vector[i];
        sums[of_input ? THE(sum_of_input)(g) : g] += total;
    }
}

INLINE REAL THE(total)(vec x) {
    REAL numbers[VECTOR_BYTES / sizeof(REAL)], total = 0;
    NAME(store)(numbers, x);
    for (ptrdiff_t i = 0; i < LANES; i++) total += numbers[i];
    return total;
}

/* The member's units of one sequence, number b of those that run, in a step from its x and h. */
static void THE(units_of_one)(const struct call *call, const struct THE(memory) *memory,
                              const REAL *x, const REAL *h, REAL *c, REAL *m, REAL *kept,
                              ptrdiff_t stride, ptrdiff_t b, struct range own) {
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, outputs = call->outputs;
    const REAL *const w_ih = call->w_ih, *const w_hh = call->w_hh;
    for (ptrdiff_t unit = own.begin; unit < own.end; unit += BLOCK) {
        REAL sums[SUMS][BLOCK + VECTOR_BYTES / sizeof(REAL)] = {{0}};
        for (ptrdiff_t u = 0; u < BLOCK && unit + u < hidden; u++) {
            REAL of_unit[SUMS];
            memcpy(of_unit, memory->bias + (unit + u) * SUMS, sizeof of_unit);
            vec partial[SUMS] = {{0}};
            THE(dots)(GATES, 1, w_ih + (unit + u) * inputs, hidden * inputs, x, inputs, partial,
                      of_unit);
            THE(dots)(GATES, 0, w_hh + (unit + u) * outputs, hidden * outputs, h, outputs, partial,
                      of_unit);
            UNROLLED for (int i = 0; i < SUMS; i++) sums[i][u] = of_unit[i] + THE(total)(partial[i]);
        }
        for (ptrdiff_t u = unit; u < unit + BLOCK; u += LANES) {
            vec of_units[SUMS];
            REAL before[VECTOR_BYTES / sizeof(REAL)] = {0}, of_c[VECTOR_BYTES / sizeof(REAL)];
            REAL rows[KEPT * (VECTOR_BYTES / sizeof(REAL))];
            const ptrdiff_t count = BLOCK < LANES ? BLOCK : LANES;
            if (!call->w_hr) memcpy(before, h + u, count * sizeof(REAL));
            if (STATES > 1) memcpy(of_c, c + u, count * sizeof(REAL));
            for (int i = 0; i < SUMS; i++) of_units[i] = NAME(load)(sums[i] + u - unit);
            const vec new = THE(ahead)(of_units, before, of_c, rows, LANES);
            for (ptrdiff_t i = 0; kept && i < count * KEPT; i++)
                kept[(u * KEPT + i) * stride + b] = rows[i % KEPT * LANES + i / KEPT];
            NAME(store)(before, new);
            memcpy(m + u, before, count * sizeof(REAL));
            if (STATES > 1) memcpy(c + u, of_c, count * sizeof(REAL));
        }
    }
}

/* The member's outputs of the projection of one sequence's units m. */
static void THE(projection_of_one)(const struct call *call, const REAL *m, REAL *h,
                                   struct range outs) {
    const ptrdiff_t hidden = call->hidden;
    const REAL *const w_hr = call->w_hr;
    memset(h + outs.begin, 0, size_of(outs, sizeof(REAL)));
    for (ptrdiff_t p = outs.begin; p < outs.end && p < call->outputs; p += BLOCK) {
        vec partial[BLOCK] = {{0}};
        const ptrdiff_t count = call->outputs - p < BLOCK ? call->outputs - p : BLOCK;
        if (count == BLOCK)
            THE(dots)(BLOCK, 0, w_hr + p * hidden, hidden, m, hidden, partial, h + p);
        else
            for (ptrdiff_t i = 0; i < count; i++)
                THE(dots)(1, 0, w_hr + (p + i) * hidden, hidden, m, hidden, partial + i, h + p + i);
        for (ptrdiff_t i = 0; i < count; i++) h[p + i] += THE(total)(partial[i]);
    }
}

/* As `forward`, for batches that would fill too little of a vector, generation's above all: a vector
   lies along the units of one sequence, and along the rows of weights. States are (batch, units). */
static void THE(forward_few)(const struct call *call, const struct THE(memory) *memory,
                             struct member member) {
    const ptrdiff_t batch = call->batch, inputs = call->inputs, length = memory->length;
    const struct range own = share(call->hidden, BLOCK, member);
    const struct range outs = share(call->outputs, BLOCK, member);
    REAL *states[2] = {memory->h[0], memory->c};
    const struct range shares[2] = {outs, own};
    const ptrdiff_t rows[2] = {memory->outputs, memory->units};
    const ptrdiff_t sizes[2] = {call->outputs, call->hidden};
    size_t bytes[2]; /* of a sequence's numbers of the member's */
    for (int i = 0; i < 2; i++) {
        const ptrdiff_t end = shares[i].end < sizes[i] ? shares[i].end : sizes[i];
        bytes[i] = (end - shares[i].begin) * sizeof(REAL);
    }
    for (int i = 0; i < STATES; i++)
        for (ptrdiff_t b = 0; b < batch; b++) {
            REAL *const mine = states[i] + b * rows[i] + shares[i].begin;
            memset(mine, 0, size_of(shares[i], sizeof(REAL)));
            memcpy(mine, (const REAL *)call->first[i] + b * sizes[i] + shares[i].begin, bytes[i]);
        }
    team_meet(member);
    REAL *kept = call->kept, *column = call->columns;
    int now = 0;
    for (ptrdiff_t s = 0; s < call->steps; s++, now = !now) {
        const ptrdiff_t n = call->counts[s];
        const REAL *const x = (const REAL *)call->x + call->times[s] * batch * inputs;
        REAL *const y = (REAL *)call->y + call->times[s] * batch * call->outputs;
        for (ptrdiff_t b = 0; b < n; b++)
            THE(units_of_one)(call, memory, x + b * inputs, memory->h[now] + b * memory->outputs,
                              memory->c + b * memory->units, memory->m[!now] + b * memory->units,
                              kept, n, b, own);
        if (call->w_hr) {
            team_meet(member);
            for (ptrdiff_t b = 0; b < n; b++)
                THE(projection_of_one)(call, memory->m[!now] + b * memory->units,
                                       memory->h[!now] + b * memory->outputs, outs);
        }
        for (ptrdiff_t b = 0; b < batch; b++) {
            const REAL *const h = memory->h[now] + b * memory->outputs + outs.begin;
            REAL *const after = memory->h[!now] + b * memory->outputs + outs.begin;
            if (b < n)
                memcpy(y + b * call->outputs + outs.begin, after, bytes[0]);
            else
                memcpy(after, h, bytes[0]);
            if (!column || b >= n) continue;
            memcpy(column + outs.begin, h, bytes[0]);
            if (!member.me) memcpy(column + call->outputs, x + b * inputs, inputs * sizeof(REAL));
            if (call->w_hr)
                memcpy(column + call->outputs + inputs + own.begin,
                       memory->m[!now] + b * memory->units + own.begin, bytes[1]);
            column += length;
        }
        if (kept) kept += KEPT * memory->units * n;
        team_meet(member);
    }
    states[0] = memory->h[now];
    for (int i = 0; i < STATES; i++)
        for (ptrdiff_t b = 0; b < batch; b++)
            memcpy((REAL *)call->last[i] + b * sizes[i] + shares[i].begin,
                   states[i] + b * rows[i] + shares[i].begin, bytes[i]);
}

/* ----- forward ----- */

static void THE(forward)(void *argument, struct member member) {
    const struct call *const call = argument;
    const struct THE(memory) memory = THE(forward_memory)(call);
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, outputs = call->outputs;
    const ptrdiff_t width = memory.width, length = memory.length;
    const struct range own = share(hidden, BLOCK, member), outs = share(outputs, BLOCK, member);
    const ptrdiff_t units = (own.end < hidden ? own.end : hidden) - own.begin;
    const ptrdiff_t real = (outs.end < outputs ? outs.end : outputs) - outs.begin;
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
    const struct range features = share(inputs, 1, member);
    for (int i = 0; i < 2; i++) {
        memset(memory.h[i] + outs.begin * width, 0, size_of(outs, width * sizeof(REAL)));
        memset(memory.x[i] + features.begin * width, 0, size_of(features, width * sizeof(REAL)));
    }
    if (STATES > 1) memset(memory.c + own.begin * width, 0, size_of(own, width * sizeof(REAL)));

    REAL *kept = call->kept, *columns = call->columns;
    int now = 0;
    for (ptrdiff_t s = -1; s < call->steps; s++) {
        const ptrdiff_t n = s < 0 ? 0 : call->counts[s];
        const ptrdiff_t next = s + 1 < call->steps ? call->counts[s + 1] : 0;
        const ptrdiff_t stride = THE(kept_stride)(call, n);
        for (ptrdiff_t unit = own.begin; n && unit < own.end; unit += UNITS)
            OVER_COLUMNS(n, THE(forward_tile), call, &memory, now, kept, stride, unit);
        if (n) now = !now;
        if (kept) kept += KEPT * memory.units * stride;
        if (n && call->w_hr) {
            if (columns)
                NAME(turn)(columns + outputs + inputs + own.begin, length,
                           memory.m[now] + own.begin * width, width, units, n);
            team_meet(member);
            for (ptrdiff_t output = outs.begin; output < outs.end; output += ROWS)
                OVER_COLUMNS(n, THE(projection_tile), call, &memory, now, output);
        }
        REAL *const h = memory.h[now];
        if (n)
            NAME(turn)((REAL *)call->y + call->times[s] * call->batch * outputs + outs.begin, outputs,
                       h + outs.begin * width, width, real, n);
        THE(change)(h, width, outs, outputs, n, next, call->first[0], call->last[0]);
        if (STATES > 1)
            THE(change)(memory.c, width, own, hidden, n, next, call->first[1], call->last[1]);
        if (columns) columns += n * length;
        if (s + 1 < call->steps) {
            if (columns) THE(bring_h)(call, s, outs.begin, real, columns, length);
            THE(bring_x)(call, memory.x[now], width, s + 1, columns, length, member);
        }
        team_meet(member);
    }
}
