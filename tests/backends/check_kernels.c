/* All compiled kernels over odd shapes, in memory of exactly the sizes that they ask for. It checks
   nothing itself: `.ci/sanitize` builds it with the compiler's sanitizers, which do. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "program.h"

#if defined(__x86_64__)
extern const struct kernels kernels_avx512, kernels_avx2;
#endif
extern const struct kernels kernels_plain;

static const struct kernels *const sets[] = {
#if defined(__x86_64__)
    &kernels_avx512, &kernels_avx2,
#endif
    &kernels_plain};
static const int gates_of[CELLS] = {1, 1, 3, 4};

/* A number in 0 ... below - 1, of a sequence of its own per thread. */
static unsigned chance(unsigned *state, unsigned below) {
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* Memory for `count` numbers, filled with small ones. */
static void *numbers(size_t count, int is_double, unsigned *state) {
    const size_t real = is_double ? sizeof(double) : sizeof(float);
    char *const memory = malloc(count * real + !count);
    if (!memory) abort();
    for (size_t i = 0; i < count; i++) {
        const double value = ((int)chance(state, 2001) - 1000) / 4000.0;
        if (is_double)
            ((double *)memory)[i] = value;
        else
            ((float *)memory)[i] = (float)value;
    }
    return memory;
}

static char *scratch_of(size_t size, char **aligned) {
    char *const memory = malloc(size + 64);
    if (!memory) abort();
    *aligned = memory + (64 - (uintptr_t)memory % 64) % 64;
    return memory;
}

static void sequence(const struct kernels *set, int cell, int is_double, unsigned *state) {
    static const int sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 33};
    const struct kernel *const kernel = &set->of[is_double][cell];
    struct call call = {0};
    void *taken[32];
    int count = 0, members = 1 + (int)chance(state, 3), reverse = (int)chance(state, 2);
    call.steps = chance(state, 7);
    call.batch = sizes[chance(state, 10)];
    call.inputs = chance(state, 2) ? sizes[chance(state, 10)] : chance(state, 3);
    call.hidden = call.outputs = sizes[chance(state, 10)];
    const int projects = cell == LSTM && chance(state, 2);
    if (projects) call.outputs = sizes[chance(state, 10)];
    ptrdiff_t *const times = malloc(sizeof(ptrdiff_t) * (call.steps + 1));
    ptrdiff_t *const counts = malloc(sizeof(ptrdiff_t) * (call.steps + 1));
    ptrdiff_t n = call.batch, columns = 0;
    for (ptrdiff_t s = 0; s < call.steps; s++) { /* forward: falling; reverse: rising */
        if (chance(state, 3) == 0) n = 1 + chance(state, (unsigned)n);
        times[reverse ? call.steps - 1 - s : s] = s;
        counts[reverse ? call.steps - 1 - s : s] = n;
        columns += n;
    }
    call.times = times;
    call.counts = counts;
    const size_t h[] = {call.batch * call.outputs, call.batch * call.hidden};
    const size_t y = call.steps * h[0], x = call.steps * call.batch * call.inputs;
    const size_t rows = gates_of[cell] * call.hidden, real = is_double ? 8 : 4;
#define NEW(size) (taken[count++] = numbers(size, is_double, state))
    call.x = NEW(x);
    call.y = NEW(y);
    call.g_y = chance(state, 4) ? NEW(y) : NULL;
    call.g_x = chance(state, 4) ? NEW(x) : NULL;
    for (int i = 0; i < 2; i++) {
        call.first[i] = NEW(h[i]);
        call.last[i] = NEW(h[i]);
        call.g_last[i] = chance(state, 4) ? NEW(h[i]) : NULL;
        call.g_first[i] = NEW(h[i]);
    }
    call.w_ih = NEW(rows * call.inputs);
    call.w_hh = NEW(rows * call.outputs);
    call.g_w_ih = NEW(rows * call.inputs);
    call.g_w_hh = NEW(rows * call.outputs);
    if (projects) {
        call.w_hr = NEW(call.outputs * call.hidden);
        call.g_w_hr = NEW(call.outputs * call.hidden);
    }
    if (chance(state, 4)) {
        call.b_ih = NEW(rows);
        call.b_hh = NEW(rows);
        call.g_b_ih = NEW(rows);
        call.g_b_hh = NEW(rows);
    }
    const int keep = chance(state, 4) > 0;
    if (keep) {
        call.columns = NEW(kernel->columns_size(&call) / real);
        call.kept = NEW(kernel->kept_size(&call) / real);
    }
    char *memory = scratch_of(kernel->forward_scratch(&call, members), &call.scratch);
    team_run(members, kernel->forward, &call);
    free(memory);
    if (keep) {
        memory = scratch_of(kernel->backward_scratch(&call, members), &call.scratch);
        team_run(members, kernel->backward, &call);
        free(memory);
    }
    while (count) free(taken[--count]);
    free(times);
    free(counts);
}

static void product(const struct kernels *set, int is_double, unsigned *state) {
    const int members = 1 + (int)chance(state, 3);
    struct matmul it = {.m = 1 + chance(state, 40), .k = chance(state, 20) ? chance(state, 40) : 1030,
                        .n = 1 + chance(state, 70)};
    const int turn_a = (int)chance(state, 2), turn_b = (int)chance(state, 2);
    it.a_row = turn_a ? 1 : it.k;
    it.a_column = turn_a ? it.m : 1;
    it.b_row = turn_b ? 1 : it.n;
    it.b_column = turn_b ? it.k : 1;
    void *const a = numbers(it.m * it.k, is_double, state), *const b = numbers(it.k * it.n, is_double, state);
    it.a = a;
    it.b = b;
    it.out = numbers(it.m * it.n, is_double, state);
    char *const memory = scratch_of((size_t)members * MATMUL_SCRATCH, &it.scratch);
    team_run(members, set->matmul[is_double], &it);
    free(memory);
    free(a);
    free(b);
    free(it.out);
}

/* One of each instruction, on what the steps have places for, on a row or a column for all. */
static void program(const struct kernels *set, int is_double, unsigned *state) {
    static const ptrdiff_t sizes[] = {1, 2, 5, 8, 9, 16, 31, 33, 70};
    const struct runner *const runs = &set->programs[is_double];
    const int members = 1 + (int)chance(state, 3);
    const ptrdiff_t batch = sizes[chance(state, 7)], columns = sizes[chance(state, 9)];
    const ptrdiff_t depth = chance(state, 9) ? sizes[chance(state, 9)] : 530, places = 1 + chance(state, 3);
    const ptrdiff_t packed_size = (columns + runs->wide - 1) / runs->wide * runs->wide * depth;
    void *const packed = numbers(packed_size, is_double, state);
    void *const matrix = numbers(columns * depth, is_double, state);
    const int turned = (int)chance(state, 2);
    struct packing packing = {packed, matrix, depth, columns, turned ? 1 : columns, turned ? depth : 1};
    team_run(members, runs->pack, &packing);
    void *const whole = numbers(places * batch * columns, is_double, state);
    void *const deep = numbers(batch * depth, is_double, state);
    void *const row = numbers(columns, is_double, state), *const column = numbers(batch, is_double, state);
    void *const out = numbers(places * batch * columns, is_double, state);
    void *const sums = numbers((batch + 7) / 8 * columns, is_double, state);
    void *const narrow = numbers(batch, is_double, state);
    const struct operand of_whole = {whole, places, 1, batch * columns, columns, 1};
    const struct operand of_row = {row, 1, 0, 0, 0, 1}, of_deep = {deep, 1, 0, 0, depth, 1};
    const struct operand of_column = {column, 1, 0, 0, 1, columns == 1};
    const struct operand of_out = {out, places, 0, batch * columns, columns, 1};
    struct instruction made[OPERATIONS];
    for (int what = 0; what < OPERATIONS; what++) {
        made[what] = (struct instruction){what, columns, 0, {of_out, of_whole, of_row, of_column}};
        if (what == DO_PRODUCT || what == DO_PRODUCT_ADD) {
            made[what].depth = depth;
            made[what].of[1] = made[what].of[3] = of_deep;
            made[what].of[2] = (struct operand){packed, 1, 0, 0, 0, 1};
        } else if (what == DO_COLUMN_SUMS) {
            made[what].of[0] = (struct operand){sums, 1, 0, 0, columns, 1};
        } else if (what >= DO_SUM) {
            made[what].of[0] = (struct operand){narrow, 1, 0, 0, 1, 1};
        }
    }
    struct program it = {made, OPERATIONS, batch, 0, 4, 1};
    team_run(members, runs->run, &it);
    void *const taken[] = {packed, matrix, whole, deep, row, column, out, sums, narrow};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) free(taken[i]);
}

static void *work(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    for (int round = 0; round < 60; round++)
        for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
            if (!sets[set]->works()) continue;
            for (int is_double = 0; is_double < 2; is_double++) {
                for (int cell = 0; cell < CELLS; cell++) sequence(sets[set], cell, is_double, &state);
                product(sets[set], is_double, &state);
                program(sets[set], is_double, &state);
            }
        }
    return NULL;
}

int main(void) {
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)(i + 1))) return 1;
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}
