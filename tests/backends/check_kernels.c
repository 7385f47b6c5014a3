/* All compiled kernels over odd shapes, in memory of exactly the sizes that they ask for. It checks
   nothing itself: `.ci/sanitize` builds it with the compiler's sanitizers, which do. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

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
    call.hidden = sizes[chance(state, 10)];
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
    const size_t h = call.batch * call.hidden, x = call.steps * call.batch * call.inputs;
    const size_t rows = gates_of[cell] * call.hidden, real = is_double ? 8 : 4;
#define NEW(size) (taken[count++] = numbers(size, is_double, state))
    call.x = NEW(x);
    call.y = NEW(call.steps * h);
    call.g_y = chance(state, 4) ? NEW(call.steps * h) : NULL;
    call.g_x = chance(state, 4) ? NEW(x) : NULL;
    for (int i = 0; i < 2; i++) {
        call.first[i] = NEW(h);
        call.last[i] = NEW(h);
        call.g_last[i] = chance(state, 4) ? NEW(h) : NULL;
        call.g_first[i] = NEW(h);
    }
    call.w_ih = NEW(rows * call.inputs);
    call.w_hh = NEW(rows * call.hidden);
    call.g_w_ih = NEW(rows * call.inputs);
    call.g_w_hh = NEW(rows * call.hidden);
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

static void *work(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    for (int round = 0; round < 60; round++)
        for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
            if (!sets[set]->works()) continue;
            for (int is_double = 0; is_double < 2; is_double++) {
                for (int cell = 0; cell < CELLS; cell++) sequence(sets[set], cell, is_double, &state);
                product(sets[set], is_double, &state);
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
