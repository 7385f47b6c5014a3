// The LSTM: i, f, o = sigmoid(x + h), g = tanh(x + h), c' = f c + i g, h' = o tanh(c'), of the
// projections x of the input and h of the state.
// Kept for backward: i, f, g, o and the c before.

constexpr int GATES = 4, SAVED = 5;
constexpr bool APART = false;

__device__ void cell_forward(const real* x, const real* h, State& state, real* saved)
{
    real i = sigmoid(x[0] + h[0]);
    real f = sigmoid(x[1] + h[1]);
    real g = tanh(x[2] + h[2]);
    real o = sigmoid(x[3] + h[3]);
    saved[0] = i;
    saved[1] = f;
    saved[2] = g;
    saved[3] = o;
    saved[4] = state.c;
    state.c = f * state.c + i * g;
    state.h = o * tanh(state.c);
}

__device__ void cell_backward(const real* saved, real, State& gradient, real* of_x, real* of_h)
{
    real i = saved[0], f = saved[1], g = saved[2], o = saved[3], c = saved[4];
    real tanh_c = tanh(f * c + i * g);
    real of_c = gradient.c + gradient.h * o * (1 - tanh_c * tanh_c);
    of_x[0] = of_h[0] = of_c * g * i * (1 - i);
    of_x[1] = of_h[1] = of_c * c * f * (1 - f);
    of_x[2] = of_h[2] = of_c * i * (1 - g * g);
    of_x[3] = of_h[3] = gradient.h * tanh_c * o * (1 - o);
    gradient.c = of_c * f;
    gradient.h = 0;
}
