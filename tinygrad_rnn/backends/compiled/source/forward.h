/* A cell ahead over a sequence. Included by sequence.h. */

/* The rows of weights of UNITS units, and which of their sums each row belongs to. */
struct THE(rows) {
    const REAL *of_x[UNITS * GATES], *of_h[UNITS * GATES];
    int sum_x[UNITS * GATES], sum_h[UNITS * GATES];
};

INLINE struct THE(rows) THE(rows_of)(const struct call *call, ptrdiff_t unit) {
    const ptrdiff_t hidden = call->hidden, inputs = call->inputs, outputs = call->outputs;
    struct THE(rows) rows;
    UNROLLED for (int u = 0; u < UNITS; u++) {
        const ptrdiff_t row = unit + u < hidden ? unit + u : hidden - 1; /* one that is there */
        UNROLLED for (int g = 0; g < GATES; g++) {
            rows.of_x[u * GATES + g] = (const REAL *)call->w_ih + (g * hidden + row) * inputs;
            rows.of_h[u * GATES + g] = (const REAL *)call->w_hh + (g * hidden + row) * outputs;
            rows.sum_x[u * GATES + g] = u * SUMS + THE(sum_of_input)(g);
            rows.sum_h[u * GATES + g] = u * SUMS + g;
        }
    }
    return rows;
}

/* UNITS units of a step, `vectors` vectors of sequences from column `at` on; or several times as many
   units, whose functions then overlap. */
INLINE void THE(units_tile)(const struct call *call, const struct THE(memory) *memory, int now,
                            REAL *kept, ptrdiff_t stride, ptrdiff_t unit, ptrdiff_t at, int vectors,
                            int times) {
    const ptrdiff_t width = memory->width;
    const int all = times * UNITS;
    vec sums[VECTORS * UNITS * SUMS][VECTORS];
    UNROLLED for (int s = 0; s < all * SUMS; s++)
        UNROLLED for (int v = 0; v < vectors; v++)
            sums[s][v] = NAME(all)(memory->bias[unit * SUMS + s]);
    /* Where the product's time is too short for the memory to be fetched after it */
    for (int row = 0; kept && row < all * KEPT; row++)
        UNROLLED for (int v = 0; v < vectors; v++)
            __builtin_prefetch(kept + (unit * KEPT + row) * stride + at + v * LANES, 1);
    UNROLLED for (int u = 0; u < all; u += UNITS) {
        const struct THE(rows) rows = THE(rows_of)(call, unit + u);
        NAME(product)(sums + u * SUMS, rows.sum_x, UNITS * GATES, vectors, rows.of_x, 1,
                      memory->x[now] + at, width, call->inputs);
        NAME(product)(sums + u * SUMS, rows.sum_h, UNITS * GATES, vectors, rows.of_h, 1,
                      memory->h[now] + at, width, call->outputs);
    }
    UNROLLED for (int u = 0; u < all; u++)
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

enum { THE(TOGETHER) = UNITS < BLOCK ? VECTORS * UNITS : UNITS };

/* TOGETHER units of a step. */
INLINE void THE(forward_tile)(const struct call *call, const struct THE(memory) *memory, int now,
                              REAL *kept, ptrdiff_t stride, ptrdiff_t unit, ptrdiff_t at,
                              int vectors) {
    if (vectors == 1) {
        THE(units_tile)(call, memory, now, kept, stride, unit, at, 1, THE(TOGETHER) / UNITS);
    } else {
        for (int u = 0; u < THE(TOGETHER); u += UNITS)
            THE(units_tile)(call, memory, now, kept, stride, unit + u, at, vectors, 1);
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
static void THE(bring_x)(const struct call *call, const struct THE(memory) *memory, int now,
                         ptrdiff_t s, REAL *column, struct member member) {
    const ptrdiff_t inputs = call->inputs, n = THE(among)(memory, call->counts[s]);
    const REAL *const x = (const REAL *)call->x + call->times[s] * call->batch * inputs;
    struct range own = share(inputs, 1, member);
    NAME(turn)(memory->x[now] + own.begin * memory->width, memory->width, x + own.begin, inputs, n,
               own.end - own.begin);
    if (!column) return;
    own = share(n, 1, member);
    for (ptrdiff_t b = own.begin; b < own.end; b++)
        memcpy(column + b * memory->length + call->outputs, x + b * inputs, inputs * sizeof(REAL));
}

/* The member's outputs, `count` of them, of the h before step s + 1, for backward: what y of step s
   has, or what sequences that join bring. */
static void THE(bring_h)(const struct call *call, const struct THE(memory) *memory, ptrdiff_t s,
                         ptrdiff_t output, ptrdiff_t count, REAL *column) {
    const ptrdiff_t outputs = call->outputs, next = THE(among)(memory, call->counts[s + 1]);
    const ptrdiff_t ran = s < 0 ? 0 : THE(among)(memory, call->counts[s]);
    const REAL *const y = s < 0 ? NULL : (REAL *)call->y + call->times[s] * call->batch * outputs;
    for (ptrdiff_t b = 0; b < next; b++, column += memory->length)
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

/* The products of `count` rows with one vector: those of whole vectors are added to partial, the
   rest to sums. `map` says which of these a row belongs to. */
INLINE void THE(dots)(int count, const int *map, const REAL *const *rows, const REAL *vector,
                      ptrdiff_t length, vec *partial, REAL *sums) {
    ptrdiff_t k = 0;
    for (; k + LANES <= length; k += LANES) {
        const vec numbers = NAME(load)(vector + k);
        UNROLLED for (int r = 0; r < count; r++)
            partial[map[r]] += NAME(load)(rows[r] + k) * numbers;
    }
    if (k == length) return;
    if (!k) {
        UNROLLED for (int r = 0; r < count; r++)
            for (ptrdiff_t i = 0; i < length; i++) sums[map[r]] += rows[r][i] * vector[i];
        return;
    }
    /* The last whole vector, without what was there before */
    const NAME(bits) new = (NAME(bits))NAME(load)((const REAL *)NAME(behind) + length - k);
    const vec numbers = NAME(load)(vector + length - LANES);
    UNROLLED for (int r = 0; r < count; r++)
        partial[map[r]] += (vec)((NAME(bits))(NAME(load)(rows[r] + length - LANES) * numbers) & new);
}

/* The member's units of one sequence, number b of those that run, in a step from its x and h. */
static void THE(units_of_one)(const struct call *call, const struct THE(memory) *memory,
                              const REAL *x, const REAL *h, REAL *c, REAL *m, REAL *kept,
                              ptrdiff_t stride, ptrdiff_t b, struct range own) {
    enum { LENGTH = LANES > BLOCK ? LANES : BLOCK };
    for (ptrdiff_t unit = own.begin; unit < own.end; unit += LENGTH) {
        REAL sums[SUMS][LENGTH] = {{0}};
        const ptrdiff_t end = unit + LENGTH < own.end ? unit + LENGTH : own.end;
        for (ptrdiff_t u = unit; u < end && u < call->hidden; u += UNITS) {
            const struct THE(rows) rows = THE(rows_of)(call, u);
            REAL of_units[UNITS * SUMS];
            vec partial[UNITS * SUMS] = {{0}};
            memcpy(of_units, memory->bias + u * SUMS, sizeof of_units);
            THE(dots)(UNITS * GATES, rows.sum_x, rows.of_x, x, call->inputs, partial, of_units);
            THE(dots)(UNITS * GATES, rows.sum_h, rows.of_h, h, call->outputs, partial, of_units);
            UNROLLED for (int i = 0; i < UNITS * SUMS; i++)
                sums[i % SUMS][u - unit + i / SUMS] = of_units[i] + NAME(total)(partial[i]);
        }
        for (ptrdiff_t u = unit; u < end; u += LANES) {
            vec of_units[SUMS];
            REAL before[VECTOR_BYTES / sizeof(REAL)] = {0}, of_c[VECTOR_BYTES / sizeof(REAL)];
            REAL rows[KEPT * (VECTOR_BYTES / sizeof(REAL))];
            const ptrdiff_t count = end - u < LANES ? end - u : LANES;
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
    for (ptrdiff_t p = outs.begin; p < outs.end && p < call->outputs; p += ROWS) {
        const REAL *rows[ROWS];
        vec partial[ROWS] = {{0}};
        UNROLLED for (int r = 0; r < ROWS; r++)
            rows[r] = w_hr + (p + r < call->outputs ? p + r : call->outputs - 1) * hidden;
        THE(dots)(ROWS, NAME(same), rows, m, hidden, partial, h + p);
        UNROLLED for (int r = 0; r < ROWS; r++) h[p + r] += NAME(total)(partial[r]);
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

/* One of several parts of the memory. */
static void THE(take_part)(struct THE(memory) *memory, const struct call *call, int part, int parts) {
    memory->width /= parts;
    memory->first = part * memory->width;
    for (int i = 0; i < 2; i++) {
        memory->h[i] += memory->first * memory->outputs;
        memory->m[i] += memory->first * memory->units;
        memory->x[i] += memory->first * call->inputs;
    }
    memory->c += memory->first * memory->units;
}

static void THE(forward)(void *argument, struct member member) {
    struct call call = *(const struct call *)argument;
    struct THE(memory) memory = THE(forward_memory)(&call);
    const ptrdiff_t hidden = call.hidden, inputs = call.inputs, outputs = call.outputs;
    const ptrdiff_t length = memory.length;
    struct range own = share(hidden, BLOCK, member), outs = share(outputs, BLOCK, member);
    const REAL *const b_ih = call.b_ih, *const b_hh = call.b_hh;
    for (ptrdiff_t u = own.begin; u < own.end; u++)
        for (int s = 0; s < SUMS; s++) {
            REAL sum = 0;
            for (int g = 0; g < GATES && b_ih && u < hidden; g++) {
                if (THE(sum_of_input)(g) == s) sum += b_ih[g * hidden + u];
                if (g == s) sum += b_hh[g * hidden + u];
            }
            memory.bias[u * SUMS + s] = sum;
        }
    if (call.batch <= FEW) {
        THE(forward_few)(&call, &memory, member);
        return;
    }
    const struct range features = share(inputs, 1, member);
    const size_t row_size = memory.width * sizeof(REAL);
    for (int i = 0; i < 2; i++) {
        memset(memory.h[i] + outs.begin * memory.width, 0, size_of(outs, row_size));
        memset(memory.x[i] + features.begin * memory.width, 0, size_of(features, row_size));
    }
    if (STATES > 1) memset(memory.c + own.begin * memory.width, 0, size_of(own, row_size));
    const int parts = THE(parts_of)(&call, memory.width, member.members);
    if (parts > 1) {
        team_meet(member); /* all biases and zeros are there */
        THE(take_part)(&memory, &call, member.me, parts);
        call = THE(from)(&call, memory.first, length);
        member = (struct member){.members = 1};
        own = share(hidden, BLOCK, member);
        outs = share(outputs, BLOCK, member);
    }
    const ptrdiff_t width = memory.width;
    const ptrdiff_t units = (own.end < hidden ? own.end : hidden) - own.begin;
    const ptrdiff_t real = (outs.end < outputs ? outs.end : outputs) - outs.begin;

    REAL *kept = call.kept, *column = call.columns;
    int now = 0;
    for (ptrdiff_t s = -1; s < call.steps; s++) {
        const ptrdiff_t all = s < 0 ? 0 : call.counts[s], n = THE(among)(&memory, all);
        const ptrdiff_t next = s + 1 < call.steps ? THE(among)(&memory, call.counts[s + 1]) : 0;
        const ptrdiff_t stride = THE(kept_stride)(&call, all);
        for (ptrdiff_t unit = own.begin; n && unit < own.end; unit += THE(TOGETHER))
            OVER_COLUMNS(n, THE(forward_tile), &call, &memory, now, kept, stride, unit);
        if (n) now = !now;
        if (kept) kept += KEPT * memory.units * stride;
        if (n && call.w_hr) {
            if (column)
                NAME(turn)(column + outputs + inputs + own.begin, length,
                           memory.m[now] + own.begin * width, width, units, n);
            team_meet(member);
            for (ptrdiff_t output = outs.begin; output < outs.end; output += ROWS)
                OVER_COLUMNS(n, THE(projection_tile), &call, &memory, now, output);
        }
        REAL *const h = memory.h[now];
        if (n)
            NAME(turn)((REAL *)call.y + call.times[s] * call.batch * outputs + outs.begin, outputs,
                       h + outs.begin * width, width, real, n);
        THE(change)(h, width, outs, outputs, n, next, call.first[0], call.last[0]);
        if (STATES > 1)
            THE(change)(memory.c, width, own, hidden, n, next, call.first[1], call.last[1]);
        if (column) column += all * length;
        if (s + 1 < call.steps) {
            if (column) THE(bring_h)(&call, &memory, s, outs.begin, real, column);
            THE(bring_x)(&call, &memory, now, s + 1, column, member);
        }
        team_meet(member);
    }
}
