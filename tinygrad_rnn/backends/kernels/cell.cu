// What every cell builds on. A cell is two functions of one hidden unit of one sequence:
//
//   cell_forward(x, h, state, saved)    the state after a step, from the unit's gates in the
//                                       projections of the input and of the state before;
//   cell_backward(saved, before, gradient, of_x, of_h)
//                                       the gradients of these gates, from the gradient of the
//                                       state after the step. That becomes the gradient of the
//                                       state before, but for what comes through of_h.
//
// and their sizes: GATES, SAVED (numbers kept for backward), and whether it matters what a gate has
// from which projection (APART), or only the sum.

typedef REAL real;  // float or double

struct State {
    real h, c;  // c is used by the LSTM alone
};

__device__ inline real sigmoid(real x) { return 1 / (1 + exp(-x)); }
