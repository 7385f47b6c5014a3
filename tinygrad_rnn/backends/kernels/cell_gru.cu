// The GRU: r, z = sigmoid(x + h), n = tanh(x_n + r h_n), h' = n + z (h - n), of the projections x
// of the input and h of the state, each with its bias.
// Kept for backward: r, z, n, h_n.

constexpr int GATES = 3, SAVED = 4;
constexpr bool APART = true;

__device__ void cell_forward(const real* x, const real* h, State& state, real* saved)
{
    real r = sigmoid(x[0] + h[0]);
    real z = sigmoid(x[1] + h[1]);
    real n = tanh(x[2] + r * h[2]);
    state.h = n + z * (state.h - n);
    saved[0] = r;
    saved[1] = z;
    saved[2] = n;
    saved[3] = h[2];
}

__device__ void cell_backward(const real* saved, real before, State& gradient, real* of_x, real* of_h)
{
    real r = saved[0], z = saved[1], n = saved[2], h_n = saved[3];
    of_x[2] = gradient.h * (1 - z) * (1 - n * n);
    of_h[2] = of_x[2] * r;
    of_x[0] = of_h[0] = of_x[2] * h_n * r * (1 - r);
    of_x[1] = of_h[1] = gradient.h * (before - n) * z * (1 - z);
    gradient.h *= z;
}
