// One step of a cell after its products: a thread for each hidden unit of each running sequence.
// Arrays have one row for each running sequence; those that are not wanted are null.

extern "C" __global__ void step_forward(
    int count, int hidden,
    const real* x,                           // (count, GATES * hidden), without biases
    const real* h,                           // (count, GATES * hidden), without biases
    const real* bias_x, const real* bias_h,  // (GATES * hidden), or null
    const real* h_before,                    // (count, hidden), may be h_after
    real* c,                                 // (count, hidden), changed
    real* h_after, real* y,                  // (count, hidden)
    real* saved,                             // (count, SAVED * hidden)
    real* before)                            // (count, hidden): h_before again
{
    const size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= (size_t)count * hidden) return;
    const size_t row = index / hidden;
    const int unit = index % hidden;
    State state = {h_before ? h_before[index] : 0, c ? c[index] : 0};
    if (before) before[index] = state.h;
    real of_x[GATES], of_h[GATES], keep[SAVED];
    for (int gate = 0; gate < GATES; ++gate) {
        const int column = gate * hidden + unit;
        of_x[gate] = x[row * GATES * hidden + column] + (bias_x ? bias_x[column] : 0);
        of_h[gate] = h[row * GATES * hidden + column] + (bias_h ? bias_h[column] : 0);
    }
    cell_forward(of_x, of_h, state, keep);
    h_after[index] = state.h;
    if (y) y[index] = state.h;
    if (c) c[index] = state.c;
    if (saved)
        for (int k = 0; k < SAVED; ++k) saved[(row * SAVED + k) * hidden + unit] = keep[k];
}

extern "C" __global__ void step_backward(
    int count, int hidden,
    const real* saved,    // (count, SAVED * hidden)
    const real* before,   // (count, hidden), or null where the cell does not read it
    const real* g_y,      // (count, hidden), or null
    real* g_h, real* g_c, // (count, hidden), changed; g_c may be null
    real* g_gates_x,      // (count, GATES * hidden), if they are APART
    real* g_gates_h)
{
    const size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= (size_t)count * hidden) return;
    const size_t row = index / hidden;
    const int unit = index % hidden;
    State gradient = {g_h[index] + (g_y ? g_y[index] : 0), g_c ? g_c[index] : 0};
    real kept[SAVED], of_x[GATES], of_h[GATES];
    for (int k = 0; k < SAVED; ++k) kept[k] = saved[(row * SAVED + k) * hidden + unit];
    cell_backward(kept, before ? before[index] : 0, gradient, of_x, of_h);
    for (int gate = 0; gate < GATES; ++gate) {
        const size_t place = (row * GATES + gate) * hidden + unit;
        if (APART) g_gates_x[place] = of_x[gate];
        g_gates_h[place] = of_h[gate];
    }
    g_h[index] = gradient.h;
    if (g_c) g_c[index] = gradient.c;
}
