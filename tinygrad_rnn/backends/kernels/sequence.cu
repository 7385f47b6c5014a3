// All steps of a sequence in one launch.
//
// Blocks (x, y): the blocks of one y are a group. It computes `rows` sequences from y * rows on,
// then those from (y + gridDim.y) * rows on, and so forth; block x of it has the hidden units from
// x * UNITS on, and holds their weights in registers all the time. Thread UNITS * b + j owns unit
// j of sequence b: its state, or that state's gradient, stays in the thread's registers.

// ----- forward -----

typedef Product<GATES * UNITS, CAPACITY, FORWARD_SPAN> Forward;

extern "C" __global__ void __launch_bounds__(THREADS, 1) sequence_forward(
    int steps, int batch, int hidden, int rows, int reverse,
    const int64* offsets,                  // (steps + 1) of packed rows, null if all always run
    const float* x,                        // (packed, GATES * hidden), without biases
    const float* weight,                   // (GATES * hidden, hidden)
    const float* bias_x, const float* bias_h,  // (GATES * hidden), or null
    const float* h_first, const float* c_first,  // (batch, hidden); c null but for the LSTM
    float* y,                              // (steps, batch, hidden), written where sequences run
    float* h_last, float* c_last,          // (batch, hidden)
    float* saved,                          // (packed, SAVED * hidden), or null
    float* before,                         // (packed, hidden): h before each step, or null
    float* exchange,                       // (2, batch, hidden): h, for the group's other blocks
    unsigned* counters)                    // (gridDim.y, 32), zero
{
    extern __shared__ float4 memory[];
    float* tile = (float*)memory;               // (rows, CAPACITY): h before the step
    float* partial = tile + rows * CAPACITY;    // (SLICES, rows, GATES * UNITS)

    const int first = blockIdx.x * UNITS;
    Forward product;
    product.load([&](int row, int column) {
        const int gate = row / UNITS, unit = first + row % UNITS;
        return unit < hidden && column < hidden
            ? weight[((size_t)gate * hidden + unit) * hidden + column] : 0.f;
    });
    clear(tile, rows * CAPACITY);
    __syncthreads();

    const int b = threadIdx.x / UNITS, j = threadIdx.x % UNITS, unit = first + j;
    const bool owner = b < rows && unit < hidden;
    float bias[2][GATES] = {};
    if (owner && bias_x)
        for (int gate = 0; gate < GATES; ++gate) {
            const float of_x = bias_x[gate * hidden + unit], of_h = bias_h[gate * hidden + unit];
            bias[0][gate] = APART ? of_x : of_x + of_h;
            bias[1][gate] = APART ? of_h : 0;  // which takes no register
        }

    Group group(counters);
    for (int start = blockIdx.y * rows; start < batch; start += gridDim.y * rows) {
        const bool exists = owner && start + b < batch;
        const size_t place = (size_t)(start + b) * hidden + unit;
        State state = {exists ? h_first[place] : 0.f, exists && c_first ? c_first[place] : 0.f};
        int ran = 0;
        for (int s = 0; s < steps; ++s) {
            const int t = reverse ? steps - 1 - s : s;
            const Step step(offsets, t, batch);
            const int running = step.running(start, rows);
            if (running == 0) continue;
            const bool active = exists && b < running;
            const size_t row = step.row + start + b;

            // The input is read early: it arrives while the product is computed
            float of_x[GATES], of_h[GATES], keep[SAVED];
            if (active)
                for (int gate = 0; gate < GATES; ++gate)
                    of_x[gate] = x[(row * GATES + gate) * hidden + unit];

            const float* others = exchange + ((size_t)(s & 1) * batch + start) * hidden;
            copy_rows(tile, running, hidden, [&](int r) {
                return r < ran ? others + r * hidden : h_first + (size_t)(start + r) * hidden;
            });
            __syncthreads();
            product.multiply(running, memory, partial);
            __syncthreads();
            for (int i = threadIdx.x; i < running * GATES * UNITS; i += THREADS)
                partial[i] = Forward::sum(running, i, partial);
            __syncthreads();

            if (active) {
                for (int gate = 0; gate < GATES; ++gate) {
                    of_x[gate] += bias[0][gate];
                    of_h[gate] = partial[(b * GATES + gate) * UNITS + j] + bias[1][gate];
                }
                if (before) before[row * hidden + unit] = state.h;
                cell_forward(of_x, of_h, state, keep);
                exchange[(size_t)(~s & 1) * batch * hidden + place] = state.h;
                y[(size_t)t * batch * hidden + place] = state.h;
                if (saved)
                    for (int k = 0; k < SAVED; ++k)
                        saved[(row * SAVED + k) * hidden + unit] = keep[k];
            }
            ran = running;
            group.meet();
        }
        if (exists) {
            h_last[place] = state.h;
            if (c_last) c_last[place] = state.c;
        }
    }
}

// ----- backward -----

typedef Product<UNITS, GATES * CAPACITY, BACKWARD_SPAN> Backward;

extern "C" __global__ void __launch_bounds__(THREADS, 1) sequence_backward(
    int steps, int batch, int hidden, int rows, int reverse,
    const int64* offsets, const float* weight,
    const float* saved, const float* before,  // as forward wrote them
    const float* g_y,                         // (steps, batch, hidden), or null
    const float* g_h_last, const float* g_c_last,  // (batch, hidden), or null
    float* g_gates_x,                         // (packed, GATES * hidden), if they are APART
    float* g_gates_h,                         // (packed, GATES * hidden)
    float* g_h_first, float* g_c_first,       // (batch, hidden); c null but for the LSTM
    unsigned* counters)
{
    extern __shared__ float4 memory[];
    float* tile = (float*)memory;                     // (rows, GATES, CAPACITY): gate gradients
    float* partial = tile + rows * GATES * CAPACITY;  // (SLICES, rows, UNITS)

    const int first = blockIdx.x * UNITS;
    Backward product;
    product.load([&](int output, int input) {
        const int gate = input / CAPACITY, from = input % CAPACITY, to = first + output;
        return to < hidden && from < hidden
            ? weight[((size_t)gate * hidden + from) * hidden + to] : 0.f;
    });
    clear(tile, rows * GATES * CAPACITY);

    const int b = threadIdx.x / UNITS, j = threadIdx.x % UNITS, unit = first + j;
    const bool owner = b < rows && unit < hidden;

    Group group(counters);
    for (int start = blockIdx.y * rows; start < batch; start += gridDim.y * rows) {
        const bool exists = owner && start + b < batch;
        const size_t place = (size_t)(start + b) * hidden + unit;
        State gradient = {
            exists && g_h_last ? g_h_last[place] : 0.f, exists && g_c_last ? g_c_last[place] : 0.f};
        for (int s = steps - 1; s >= 0; --s) {
            const int t = reverse ? steps - 1 - s : s;
            const Step step(offsets, t, batch);
            const int running = step.running(start, rows);
            if (running == 0) continue;
            const bool active = exists && b < running;

            if (active) {
                const size_t row = step.row + start + b;
                float kept[SAVED], of_x[GATES], of_h[GATES];
                for (int k = 0; k < SAVED; ++k) kept[k] = saved[(row * SAVED + k) * hidden + unit];
                if (g_y) gradient.h += g_y[(size_t)t * batch * hidden + place];
                cell_backward(kept, before[row * hidden + unit], gradient, of_x, of_h);
                for (int gate = 0; gate < GATES; ++gate) {
                    const size_t at = (row * GATES + gate) * hidden + unit;
                    if (APART) g_gates_x[at] = of_x[gate];
                    g_gates_h[at] = of_h[gate];
                }
            }
            group.meet();

            const float* others = g_gates_h + (step.row + start) * GATES * hidden;
            copy_rows(tile, running * GATES, hidden, [&](int r) { return others + r * hidden; });
            __syncthreads();
            product.multiply(running, memory, partial);
            __syncthreads();
            if (active) gradient.h += Backward::sum(running, b * UNITS + j, partial);
        }
        if (exists) {
            g_h_first[place] = gradient.h;
            if (g_c_first) g_c_first[place] = gradient.c;
        }
    }
}
