/* A cell over a whole sequence, forward and backward. Included once per cell and real type, with
   CELL, GATES, SUMS, UNITS, KEPT and STATES defined; at the end they are undefined again.

   Inside, features are rows and the sequences of a batch lie side by side in a row, so that a
   vector is LANES sequences of one unit. Rows are `width` numbers long: the batch, rounded up to
   whole lines of the cache. Columns that belong to no sequence are computed too, and never read.

   Each member of the team has units of its own, in blocks of BLOCK, and does for them all that
   there is to do, in every step; it meets the others once per step, because the next product reads
   the whole state. docs/compiled.md draws it.

   Where weights are few enough to stay near every core, and sequences enough to share (`parts_of`),
   members have sequences of their own instead, and all units. Then they need not meet, and the rows
   of each lie in a part of the memory of its own, because lines that lie side by side come together.

   A projection, h = W_hr m of what the units make of a step, is one product more, and one meeting
   more before it, because it reads all units. Each member has outputs of its own as well, in blocks;
   without a projection they are its units. */

#define THE(name) NAME(CONCATENATED_2(CELL, name))
#define EXTRA (SUMS > GATES) /* the last gate's part of x has a sum of its own */

/* The sum that a row of W_ih belongs to; a row of W_hh belongs to that of its own number. */
INLINE int THE(sum_of_input)(int gate) { return EXTRA && gate == GATES - 1 ? GATES : gate; }

/* The memory of a call, divided. */
struct THE(memory) {
    ptrdiff_t width, units, outputs; /* of a row; of all units and outputs, rounded up */
    ptrdiff_t first;                 /* the sequence that is the first of a row */
    ptrdiff_t length;                /* of a column for backward */
    REAL *h[2], *m[2], *x[2], *c, *bias; /* without a projection m is h */
    REAL *packed, *packed_hr, *d, *carry, *d_c, *g_y, *panels;
    ptrdiff_t slots, slot, rows; /* how many steps `d` holds; the size of one, and its rows */
    ptrdiff_t panel_size;  /* of each member's */
    size_t size;
};

static REAL *THE(take)(struct THE(memory) *memory, char *scratch, ptrdiff_t count) {
    REAL *const at = scratch ? (REAL *)(scratch + memory->size) : NULL;
    memory->size += rounded_up(count * (ptrdiff_t)sizeof(REAL), LINE);
    return at;
}

static struct THE(memory) THE(common)(const struct call *call) {
    struct THE(memory) memory = {0};
    memory.width = rounded_up(call->batch, PADDING);
    memory.units = rounded_up(call->hidden, BLOCK);
    memory.outputs = rounded_up(call->outputs, BLOCK);
    memory.length = call->outputs + call->inputs + (call->w_hr ? call->hidden : 0);
    return memory;
}

static struct THE(memory) THE(forward_memory)(const struct call *call) {
    struct THE(memory) memory = THE(common)(call);
    const ptrdiff_t state = memory.units * memory.width;
    for (int i = 0; i < 2; i++) {
        memory.h[i] = THE(take)(&memory, call->scratch, memory.outputs * memory.width);
        memory.m[i] = call->w_hr ? THE(take)(&memory, call->scratch, state) : memory.h[i];
        memory.x[i] = THE(take)(&memory, call->scratch, call->inputs * memory.width);
    }
    memory.c = THE(take)(&memory, call->scratch, STATES > 1 ? state : 0);
    memory.bias = THE(take)(&memory, call->scratch, memory.units * SUMS);
    return memory;
}

static struct THE(memory) THE(backward_memory)(const struct call *call, int members) {
    struct THE(memory) memory = THE(common)(call);
    const ptrdiff_t state = memory.units * memory.width, h = memory.outputs * memory.width;
    const ptrdiff_t runs = call->steps * memory.width / RUN + 1; /* of as many steps each */
    memory.slots = call->steps / runs + 2;
    memory.rows = SUMS * memory.units + (call->w_hr ? memory.outputs : 0);
    memory.slot = memory.rows * memory.width;
    memory.packed = THE(take)(&memory, call->scratch, memory.outputs * memory.units * GATES);
    memory.packed_hr =
        THE(take)(&memory, call->scratch, call->w_hr ? memory.units * memory.outputs : 0);
    memory.d = THE(take)(&memory, call->scratch, memory.slots * memory.slot);
    memory.carry = THE(take)(&memory, call->scratch, h);
    memory.d_c = THE(take)(&memory, call->scratch, STATES > 1 ? state : 0);
    memory.g_y = THE(take)(&memory, call->scratch, h);
    const ptrdiff_t columns = memory.slots * memory.width, rows = memory.units * GATES;
    memory.panel_size = (PANELS * columns > rows ? PANELS * columns : rows) * VECTORS * LANES;
    memory.panels = THE(take)(&memory, call->scratch, members * memory.panel_size);
    return memory;
}

/* In how many parts the sequences are divided: one, or one for each member. */
INLINE int THE(parts_of)(const struct call *call, ptrdiff_t width, int members) {
    const ptrdiff_t weights = GATES * call->hidden * (call->inputs + call->outputs);
    const int near = weights * (ptrdiff_t)sizeof(REAL) <= NEAR;
    const int alike = call->steps && call->counts[0] == call->counts[call->steps - 1];
    return near && alike && width / PADDING % members == 0 ? members : 1;
}

/* The arrays of a call from a sequence on. */
static struct call THE(from)(const struct call *call, ptrdiff_t first, ptrdiff_t length) {
    struct call from = *call;
    const ptrdiff_t sizes[] = {call->outputs, call->hidden};
#define FROM(array, size) from.array = from.array ? (REAL *)from.array + first * (size) : NULL
    FROM(x, call->inputs);
    FROM(y, call->outputs);
    FROM(columns, length);
    FROM(kept, 1);
    FROM(g_y, call->outputs);
    for (int i = 0; i < STATES; i++) {
        FROM(first[i], sizes[i]);
        FROM(last[i], sizes[i]);
        FROM(g_first[i], sizes[i]);
        FROM(g_last[i], sizes[i]);
    }
#undef FROM
    return from;
}

/* How many of the first n sequences are among those of a row. */
INLINE ptrdiff_t THE(among)(const struct THE(memory) *memory, ptrdiff_t n) {
    n -= memory->first;
    return n < 0 ? 0 : n < memory->width ? n : memory->width;
}

static size_t THE(forward_scratch)(const struct call *call, int members) {
    (void)members;
    return THE(forward_memory)(call).size;
}

static size_t THE(backward_scratch)(const struct call *call, int members) {
    return THE(backward_memory)(call, members).size;
}

static size_t THE(columns_size)(const struct call *call) {
    ptrdiff_t columns = 0;
    for (ptrdiff_t s = 0; s < call->steps; s++) columns += call->counts[s];
    return columns * THE(common)(call).length * sizeof(REAL);
}

/* The length of a row of `kept` for n sequences. */
INLINE ptrdiff_t THE(kept_stride)(const struct call *call, ptrdiff_t n) {
    return call->batch <= FEW ? n : rounded_up(n, PADDING);
}

static size_t THE(kept_size)(const struct call *call) {
    ptrdiff_t columns = 0;
    for (ptrdiff_t s = 0; s < call->steps; s++) columns += THE(kept_stride)(call, call->counts[s]);
    /* and what a vector at the very end reaches beyond it */
    return (KEPT * rounded_up(call->hidden, BLOCK) * columns + PADDING) * sizeof(REAL);
}

#include "forward.h"
#include "backward.h"

#undef THE
#undef EXTRA
#undef CELL
#undef GATES
#undef SUMS
#undef UNITS
#undef KEPT
#undef STATES
