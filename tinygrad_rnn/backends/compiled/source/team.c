/* One pool of threads for the process. A thread that waits in a barrier spins for a moment, because
   the others come soon; then it lets other threads run, because on a busy machine the ones it waits
   for may need its core. Between calls the pool goes on like that for a few milliseconds before it
   sleeps. A thread that finds itself on the caller's core moves to another: the system leaves the two
   of them to take turns there for long, where the other cores' threads wait too, BLAS's for example,
   because a thread that waits by yielding counts as busy. */

#if defined(__linux__)
#define _GNU_SOURCE /* for cores */
#endif

#include "team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

enum { SPINS = 2000, PATIENCE = 5 /* milliseconds */ };

struct team {
    atomic_int arrived, meetings, working;
    atomic_int core; /* that the caller was last seen on */
};

#if defined(__linux__)
static int core(void) { return sched_getcpu(); }

/* Leave this core for another that the thread may have. */
static void change_core(void) {
    cpu_set_t allowed, others;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) return;
    others = allowed;
    CPU_CLR(core(), &others);
    if (CPU_COUNT(&others) && !sched_setaffinity(0, sizeof others, &others))
        sched_setaffinity(0, sizeof allowed, &allowed);
}
#else
static int core(void) { return -1; }
static void change_core(void) {}
#endif

static void keep_apart(struct member member) {
    if (!member.me)
        atomic_store_explicit(&member.team->core, core(), memory_order_relaxed);
    else if (core() >= 0 && atomic_load_explicit(&member.team->core, memory_order_relaxed) == core())
        change_core();
}

static struct {
    pthread_mutex_t in_use;  /* held by the call that has the pool */
    pthread_mutex_t changes; /* of what follows */
    pthread_cond_t changed;
    int threads, wanted; /* that there are; that take part in the job */
    atomic_uint job;
    void (*work)(void *, struct member);
    void *argument;
    struct team team;
} pool = {.in_use = PTHREAD_MUTEX_INITIALIZER,
          .changes = PTHREAD_MUTEX_INITIALIZER,
          .changed = PTHREAD_COND_INITIALIZER};

static void spin(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wait until the number is no longer what it was. */
static void wait_for_change(atomic_int *number, int was, struct member member) {
    for (int i = 0; atomic_load_explicit(number, memory_order_acquire) == was; i++) {
        if (i < SPINS) {
            spin();
        } else {
            if (i == SPINS) keep_apart(member);
            sched_yield();
        }
    }
}

void team_meet(struct member member) {
    if (member.members == 1) return;
    struct team *const team = member.team;
    const int meeting = atomic_load_explicit(&team->meetings, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived, 1) == member.members - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_fetch_add(&team->meetings, 1);
    } else {
        wait_for_change(&team->meetings, meeting, member);
    }
}

/* Whether a job other than `seen` comes within PATIENCE. */
static int comes_soon(unsigned seen) {
    struct timespec now, begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(&pool.job, memory_order_acquire) != seen) return 1;
            sched_yield();
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < PATIENCE);
    return 0;
}

static void *attend(void *number) {
    const int me = (int)(ptrdiff_t)number;
    unsigned seen = 0;
    pthread_mutex_lock(&pool.changes);
    for (;;) {
        while (pool.job == seen) pthread_cond_wait(&pool.changed, &pool.changes);
        seen = pool.job;
        if (me > pool.wanted) continue;
        const struct member member = {&pool.team, me, pool.wanted + 1};
        void (*const work)(void *, struct member) = pool.work;
        void *const argument = pool.argument;
        pthread_mutex_unlock(&pool.changes);
        keep_apart(member);
        work(argument, member);
        atomic_fetch_sub(&pool.team.working, 1);
        comes_soon(seen);
        pthread_mutex_lock(&pool.changes);
    }
    return NULL;
}

/* A child of fork has none of the threads, and perhaps locks that nobody gives back. */
static void begin_anew(void) {
    pthread_mutex_init(&pool.in_use, NULL);
    pthread_mutex_init(&pool.changes, NULL);
    pthread_cond_init(&pool.changed, NULL);
    pool.threads = 0;
    pool.job = 0;
}

/* Start threads until there are `wanted`, if possible; signals are for the program's own threads. */
static void start(int wanted) {
    static int prepared;
    if (!prepared) prepared = !pthread_atfork(NULL, NULL, begin_anew);
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_BLOCK, &every, &before);
    while (prepared && pool.threads < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, attend, (void *)(ptrdiff_t)(pool.threads + 1))) break;
        pthread_detach(thread);
        pool.threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void team_run(int members, void (*work)(void *, struct member), void *argument) {
    if (members > MOST_MEMBERS) members = MOST_MEMBERS;
    if (members < 2 || pthread_mutex_trylock(&pool.in_use)) {
        struct team alone = {0};
        work(argument, (struct member){&alone, 0, 1});
        return;
    }
    pthread_mutex_lock(&pool.changes);
    start(members - 1);
    if (members > pool.threads + 1) members = pool.threads + 1;
    pool.wanted = members - 1;
    pool.work = work;
    pool.argument = argument;
    atomic_store(&pool.team.working, pool.wanted);
    pool.job++;
    const struct member caller = {&pool.team, 0, members};
    keep_apart(caller);
    pthread_cond_broadcast(&pool.changed);
    pthread_mutex_unlock(&pool.changes);
    work(argument, caller);
    for (int left; (left = atomic_load(&pool.team.working));)
        wait_for_change(&pool.team.working, left, caller);
    pthread_mutex_unlock(&pool.in_use);
}
