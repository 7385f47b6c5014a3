// What the sequence kernels share: groups of blocks, the product of a step, the batch's way.
// docs/gpu-kernels.md draws it. Sizes come from the table in tiles.py:
//
//   CAPACITY  hidden units there is room for
//   UNITS     hidden units of a block
//   THREADS   of a block, at least UNITS for each sequence of the group

// ----- a group of blocks that wait for each other -----

// One more block has arrived, and what it wrote before can be seen by those that see that.
__device__ inline void arrive(unsigned* counter)
{
    asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
}

__device__ inline unsigned arrived(const unsigned* counter)
{
    unsigned count;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(count) : "l"(counter) : "memory");
    return count;
}

struct Group {
    unsigned* counter;  // starts at 0 and only rises, past the largest number to 0 again
    unsigned target;    // what it is when all have arrived as often as this block

    __device__ explicit Group(unsigned* counters)
        : counter(counters + 32 * blockIdx.y), target(0) {}  // 32: a line of the cache for each

    // No block leaves before all have come; what they wrote can then be read by all.
    __device__ void meet()
    {
        target += gridDim.x;
        __syncthreads();
        if (threadIdx.x == 0) {
            arrive(counter);
            // All blocks of a launch run at once, so this is short. If they did not, an error
            // after some ten seconds is better than a GPU that hangs.
            for (unsigned polls = 0; (int)(arrived(counter) - target) < 0; ++polls)
                if (polls >> 24) __trap();
        }
        __syncthreads();
    }
};

// ----- the product of a step -----

// The part of a matrix with OUTPUTS rows and INPUTS columns that a thread holds in registers: SPAN
// rows, and of these every SLICES-th four columns. Threads with the same rows hold the other
// columns, and each has its own partial sum.
template <int OUTPUTS, int INPUTS, int SPAN>
struct Product {
    static constexpr int LANES = OUTPUTS / SPAN, SLICES = THREADS / LANES;
    static constexpr int QUADS = INPUTS / (4 * SLICES);
    static_assert(LANES * SPAN == OUTPUTS && LANES * SLICES == THREADS, "threads do not fit");
    static_assert(4 * QUADS * SLICES == INPUTS && QUADS > 0, "inputs do not fit");

    float weights[SPAN][4 * QUADS];

    template <class Weight>
    __device__ void load(Weight weight)  // weight(row, column)
    {
        const int first = threadIdx.x % LANES * SPAN, slice = threadIdx.x / LANES;
#pragma unroll
        for (int i = 0; i < SPAN; ++i)
#pragma unroll
            for (int k = 0; k < 4 * QUADS; ++k)
                weights[i][k] = weight(first + i, (k / 4 * SLICES + slice) * 4 + k % 4);
    }

    // The partial sums for each of `rows` rows of the input (rows, INPUTS), to
    // partial (SLICES, rows, OUTPUTS).
    __device__ void multiply(int rows, const float4* input, float* partial) const
    {
        const int first = threadIdx.x % LANES * SPAN, slice = threadIdx.x / LANES;
#pragma unroll 1  // more rows at once would need more registers than there are
        for (int row = 0; row < rows; ++row) {
            float sums[SPAN] = {};
#pragma unroll
            for (int quad = 0; quad < QUADS; ++quad) {
                const float4 v = input[row * (INPUTS / 4) + quad * SLICES + slice];
#pragma unroll
                for (int i = 0; i < SPAN; ++i) {
                    const float* w = weights[i] + 4 * quad;
                    sums[i] += w[0] * v.x + w[1] * v.y + w[2] * v.z + w[3] * v.w;
                }
            }
#pragma unroll
            for (int i = 0; i < SPAN; ++i)
                partial[(slice * rows + row) * OUTPUTS + first + i] = sums[i];
        }
    }

    // The sum of the partial sums in one place of (rows, OUTPUTS), in the same order always.
    __device__ static float sum(int rows, int place, const float* partial)
    {
        float total = 0;
#pragma unroll 8
        for (int slice = 0; slice < SLICES; ++slice) total += partial[slice * rows * OUTPUTS + place];
        return total;
    }
};

// ----- rows of the hidden size in memory for rows of CAPACITY -----

__device__ inline void clear(float* target, int size)
{
    for (int i = threadIdx.x; i < size; i += THREADS) target[i] = 0;
}

// Copies `used` numbers, or fours of them, to the beginning of each row.
template <class T, class Source>
__device__ void copy(T* target, int rows, int used, Source source)
{
    constexpr int WIDTH = CAPACITY * sizeof(float) / sizeof(T);
#pragma unroll 4  // so many reads are under way at once
    for (int i = threadIdx.x; i < rows * WIDTH; i += THREADS)
        if (i % WIDTH < used) target[i] = ((const T*)source(i / WIDTH))[i % WIDTH];
}

// Copies rows; source(row) is where each begins: a multiple of 16 bytes if `hidden` is one of 4.
template <class Source>
__device__ void copy_rows(float* target, int rows, int hidden, Source source)
{
    if (hidden % 4 == 0) copy((float4*)target, rows, hidden / 4, source);
    else copy(target, rows, hidden, source);
}

// ----- the way of the batch -----

typedef long long int64;

// The sequences are in order of falling length, so those that run at a step are the first. Arrays
// that have rows only for them have those of a step together, as a PackedSequence.
struct Step {
    size_t row;  // of the step's first sequence
    int count;   // of sequences that run

    __device__ Step(const int64* offsets, int step, int batch)  // offsets: null if all always run
        : row(offsets ? offsets[step] : (size_t)step * batch),
          count(offsets ? (int)(offsets[step + 1] - offsets[step]) : batch) {}

    // How many of `rows` sequences from `start` on run.
    __device__ int running(int start, int rows) const
    {
        const int left = count - start;
        return left < 0 ? 0 : left < rows ? left : rows;
    }
};
