// The RNN: h' = tanh(x + h), or relu, of the projections x of the input and h of the state.
// Kept for backward: h'.

constexpr int GATES = 1, SAVED = 1;
constexpr bool APART = false;

__device__ void cell_forward(const real* x, const real* h, State& state, real* saved)
{
    real sum = x[0] + h[0];
#ifdef RELU
    saved[0] = state.h = sum < 0 ? real(0) : sum;
#else
    saved[0] = state.h = tanh(sum);
#endif
}

__device__ void cell_backward(const real* saved, real, State& gradient, real* of_x, real* of_h)
{
#ifdef RELU
    of_x[0] = of_h[0] = saved[0] > 0 ? gradient.h : real(0);
#else
    of_x[0] = of_h[0] = gradient.h * (1 - saved[0] * saved[0]);
#endif
    gradient.h = 0;
}
