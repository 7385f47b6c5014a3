// Runs a CUDA kernel on a CPU: every thread of every block is a fiber, and all fibers take turns on
// one thread of the machine. So all blocks of a launch run at once, as in a cooperative launch,
// and a program may have blocks wait for each other. The turns are in a random order, and a block
// runs ahead of the others as far as it can, which makes a missing barrier show as wrong numbers.
// Waiting for what never comes is an error.
//
// Of memory that a kernel writes to, each block has a view of its own. It has the block's own writes,
// and those of others that they had released by the time when the block last acquired: nothing is
// seen a moment before it must be. So a missing release or acquire shows as wrong numbers, too.
//
// What is not played: warps, and PTX other than `red` and `ld` of a counter.
#pragma once
#include <setjmp.h>  // few headers: the compiler reads them for every kernel
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define __global__
#define __device__
#define __launch_bounds__(...)

extern "C" double exp(double), tanh(double);
extern "C" float expf(float), tanhf(float);
inline float exp(float x) { return expf(x); }
inline float tanh(float x) { return tanhf(x); }

struct dim3 {
    unsigned x, y, z;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

namespace emulator {

constexpr size_t STACK = 16 * 1024 + 64;  // not a power of two, which would share cache lines

struct Block {
    dim3 index;
    unsigned waiting;     // threads at the barrier
    unsigned generation;  // how often all were there
    float4* shared;
    unsigned *view, *seen;   // of all memory, while others run; of that what is not the block's own
    unsigned long acquired;  // how much of what was released
};

struct Memory {  // that a kernel writes to; in words, as everything that becomes visible
    unsigned* start;
    size_t size;
};

struct Thread {
    Block* block;
    dim3 index;
    bool waits, done, started;
    unsigned generation;  // of the barrier at which it waits
    jmp_buf place;
};

static Thread* current;
static dim3 grid_size, block_size;
static const char* failure;
static unsigned long events;  // that may let somebody go on
static unsigned long random_state;
static jmp_buf scheduler;
static void (*entry)(void**);
static void** arguments;
static const Memory* memories;
static size_t memory_count, memory_size;
static unsigned* released;  // what all blocks can see that acquire it now
static unsigned long releases;

inline void yield()
{
    if (!_setjmp(current->place)) _longjmp(scheduler, 1);
}

inline void begin()
{
    entry(arguments);
    current->done = true;
    ++events;
    _longjmp(scheduler, 1);
}

inline unsigned random_below(unsigned n)  // Knuth's generator for MMIX
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (random_state >> 33) % n;
}

inline void shuffle(size_t* numbers, size_t count)
{
    for (size_t i = count; i > 1; --i) {
        const size_t other = random_below(i), last = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = last;
    }
}

// Lets a thread go on until it yields.
inline void resume(Thread& thread, char* stack)
{
    current = &thread;
    if (_setjmp(scheduler)) return;
    if (thread.started) _longjmp(thread.place, 1);
    thread.started = true;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = STACK;
    context.uc_link = nullptr;
    makecontext(&context, begin, 0);
    setcontext(&context);
}

inline dim3 place_of(unsigned n, dim3 size)
{
    return {n % size.x, n / size.x % size.y, n / (size.x * size.y)};
}

// ----- who sees which writes -----

// Copies all memory to one place, or from there.
inline void save(unsigned* to)
{
    for (const Memory* m = memories; m < memories + memory_count; to += m++->size)
        memcpy(to, m->start, m->size * sizeof(unsigned));
}

inline void restore(const unsigned* from)
{
    for (const Memory* m = memories; m < memories + memory_count; from += m++->size)
        memcpy(m->start, from, m->size * sizeof(unsigned));
}

inline void release(Block& block)
{
    unsigned *all = released, *seen = block.seen;
    for (const Memory* m = memories; m < memories + memory_count; ++m)
        for (size_t i = 0; i < m->size; ++i, ++all, ++seen)
            if (m->start[i] != *seen) *all = *seen = m->start[i];
}

inline void acquire(Block& block)
{
    if (block.acquired == releases) return;
    unsigned *all = released, *seen = block.seen;
    for (const Memory* m = memories; m < memories + memory_count; ++m)
        for (size_t i = 0; i < m->size; ++i, ++all, ++seen)
            if (m->start[i] == *seen) m->start[i] = *seen = *all;
    block.acquired = releases;
}

// The value that an atomic operation of this scope reads and writes: the whole GPU's, or what only
// this block knows of.
inline unsigned* atomic(const char* instruction, const unsigned* address)
{
    unsigned* all = released;
    for (const Memory* m = memories; m < memories + memory_count; all += m++->size)
        if (strstr(instruction, ".gpu.") && address >= m->start && address < m->start + m->size)
            return all + (address - m->start);
    return const_cast<unsigned*>(address);
}

inline bool is(const char* instruction, const char* name)
{
    return !strncmp(instruction, name, strlen(name));
}

// Of red.<order>.<scope>.global.add.u32 [address], 1
inline void red(const char* instruction, unsigned* address)
{
    if (is(instruction, "red.release.gpu")) release(*current->block);
    ++*atomic(instruction, address);
    ++releases;
    ++events;
}

// Of ld.<order>.<scope>.global.u32
inline unsigned ld(const char* instruction, const unsigned* address)
{
    yield();  // others can go on while this thread asks again and again
    if (is(instruction, "ld.acquire.gpu")) acquire(*current->block);
    return *atomic(instruction, address);
}

// ----- launches -----

// Runs a kernel whose threads do not wait for each other: one after the other, without fibers.
inline const char* run_through(void (*kernel)(void**), void** args, dim3 grid, dim3 block)
{
    Block one = {};
    Thread thread = {};
    thread.block = &one;
    current = &thread;
    grid_size = grid, block_size = block;
    for (unsigned i = 0; i < grid.x * grid.y * grid.z; ++i) {
        one.index = place_of(i, grid);
        for (unsigned n = 0; n < block.x * block.y * block.z; ++n) {
            thread.index = place_of(n, block);
            kernel(args);
        }
    }
    return nullptr;
}

// Runs a kernel and returns what went wrong, or null. Seed 0: every thread in its turn.
inline const char* launch(
    void (*kernel)(void**), void** args, dim3 grid, dim3 block, size_t shared, unsigned seed,
    const Memory* written, size_t written_count)
{
    memories = written, memory_count = written_count, memory_size = releases = 0;
    for (size_t i = 0; i < written_count; ++i) memory_size += written[i].size;
    entry = kernel, arguments = args, grid_size = grid, block_size = block;
    failure = nullptr;
    const size_t size = block.x * block.y * block.z, count = grid.x * grid.y * grid.z;
    const size_t all = count * size;
    // calloc and malloc: as on the GPU, memory that nobody touches costs nothing
    Block* blocks = static_cast<Block*>(calloc(count, sizeof(Block)));
    Thread* threads = static_cast<Thread*>(calloc(all, sizeof(Thread)));
    size_t* blocks_in_order = static_cast<size_t*>(malloc(count * sizeof(size_t)));
    size_t* threads_in_order = static_cast<size_t*>(malloc(size * sizeof(size_t)));
    char* stacks = static_cast<char*>(malloc(all * STACK));
    // For each block what it sees and what it has seen of others; and what they released
    unsigned* views = static_cast<unsigned*>(malloc((2 * count + 1) * memory_size * sizeof(unsigned)));
    save(released = views + 2 * count * memory_size);
    for (size_t i = 0; i < count; ++i) {
        save(blocks[i].view = views + 2 * i * memory_size);
        save(blocks[i].seen = blocks[i].view + memory_size);
        blocks[i].index = place_of(i, grid);
        blocks[i].shared = static_cast<float4*>(aligned_alloc(16, shared / 16 * 16 + 16));
        memset(static_cast<void*>(blocks[i].shared), 0xff, shared);  // nan
    }
    for (size_t i = 0; i < all; ++i) {
        threads[i].block = &blocks[i / size];
        threads[i].index = place_of(i % size, block);
    }
    for (size_t i = 0; i < count; ++i) blocks_in_order[i] = i;
    for (size_t i = 0; i < size; ++i) threads_in_order[i] = i;
    random_state = seed;
    size_t left = all;
    for (int idle = 0; left && !failure;) {
        if (seed) shuffle(blocks_in_order, count);
        const unsigned long before = events;
        for (size_t b = 0; b < count; ++b) {
            unsigned long events_here;
            Block& running = blocks[blocks_in_order[b]];
            restore(running.view);
            do {  // a block may run far ahead of the others
                events_here = events;
                if (seed) shuffle(threads_in_order, size);
                for (size_t i = 0; i < size && !failure; ++i) {
                    const size_t number = blocks_in_order[b] * size + threads_in_order[i];
                    Thread& thread = threads[number];
                    const bool waits =
                        thread.waits && thread.generation == thread.block->generation;
                    if (thread.done || waits || (seed && random_below(2))) continue;
                    resume(thread, stacks + number * STACK);
                    left -= thread.done;
                }
            } while (events != events_here && !failure);
            save(running.view);
        }
        idle = events == before ? idle + 1 : 0;
        if (idle > 99) failure = "deadlock: every thread waits for another";
    }
    for (size_t i = 0; i < count; ++i) {  // at its end a kernel releases everything
        restore(blocks[i].view);
        release(blocks[i]);
        free(blocks[i].shared);
    }
    restore(released);
    free(views), free(stacks), free(threads_in_order), free(blocks_in_order), free(threads), free(blocks);
    return failure;
}

}  // namespace emulator

#define threadIdx (emulator::current->index)
#define blockIdx (emulator::current->block->index)
#define blockDim (emulator::block_size)
#define gridDim (emulator::grid_size)

inline void __syncthreads()
{
    emulator::Thread& thread = *emulator::current;
    emulator::Block& block = *thread.block;
    const unsigned size = blockDim.x * blockDim.y * blockDim.z;
    if (++block.waiting == size) {
        block.waiting = 0;
        ++block.generation;
        ++emulator::events;
    } else {
        thread.waits = true;
        thread.generation = block.generation;
        emulator::yield();
        thread.waits = false;
    }
}

inline void __trap()
{
    emulator::failure = "a trap";
    emulator::yield();
}
