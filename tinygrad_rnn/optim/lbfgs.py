"""L-BFGS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import enable_grad, no_grad
from ..autograd.hints import told
from ..ops.joining import cat
from ..tensor import Tensor
from .line_search import Point, strong_wolfe
from .optimizer import Closure, Optimizer, Params, State
from .shared import check_common


class LBFGS(Optimizer):
    """Steps along -H grad, H being the inverse of the Hessian as the last changes of parameters
    and gradients show it (Liu and Nocedal, 1989). For full batches: `step` needs a closure, which
    it calls several times, and all parameters share one group and one device.

    Args:
        params: of any shape, see `Optimizer`; one group.
        lr: the length of a step, the first length to try in a line search.
        max_iter: how many iterations `step` makes at most.
        max_eval: how often it calls the closure at most, about; max_iter * 1.25 if None.
        tolerance_grad: it ends when no element of the gradient is larger.
        tolerance_change: it ends when neither a parameter nor the loss changes by more.
        history_size: how many changes are remembered.
        line_search_fn: "strong_wolfe" looks for a good length, None takes lr.

    Raises ValueError for a negative lr and for several groups, RuntimeError in `step` for another
    line_search_fn.

    >>> x = torch.zeros(2, requires_grad=True)
    >>> optimizer = optim.LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((x - torch.tensor([1.0, 2.0])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item(), x.round().tolist()
    (5.0, [1.0, 2.0])
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_common(lr, 0, False)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @told
    @no_grad()
    def step(self, closure: Closure) -> Any:
        """Make up to max_iter iterations, and return the loss before them. `closure` clears the
        gradients, computes the loss, calls backward, and returns the loss."""
        group = self.param_groups[0]
        params = group["params"]
        lr, search = float(group["lr"]), group["line_search_fn"]
        tolerance_grad, tolerance = group["tolerance_grad"], group["tolerance_change"]
        if search is not None and not (isinstance(search, str) and search == "strong_wolfe"):
            raise RuntimeError(
                f"only 'strong_wolfe' is supported as line_search_fn, got {search!r}"
            )
        state = self.state[params[0]]  # of all parameters
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        closure = enable_grad()(closure)

        first_loss = closure()
        loss, gradient, evaluations = float(first_loss), _gradient(params), 1
        state["func_evals"] += 1
        if _largest(gradient) <= tolerance_grad:
            return first_loss
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                state.update(d=-gradient, old_dirs=[], old_stps=[], ro=[], H_diag=1)
                state["t"] = min(1.0, 1.0 / float(gradient.abs().sum())) * lr
            else:
                _remember(state, gradient, group["history_size"])
                state["d"] = _direction(state, gradient, group["history_size"])
                state["t"] = lr
            state["prev_flat_grad"], state["prev_loss"] = gradient, loss
            d = state["d"]
            slope = float(gradient.dot(d))
            if slope > -tolerance:
                break

            origin = cat([p.reshape(-1) for p in params])
            new_evaluations = 0
            if search:

                def evaluate(t: float, origin: Tensor = origin, d: Tensor = d) -> Point:
                    _place(params, origin + d * t)
                    loss = float(closure())
                    gradient = _gradient(params)
                    return Point(t, loss, float(gradient.dot(d)), gradient)

                best, new_evaluations = strong_wolfe(
                    evaluate,
                    Point(0.0, loss, slope, gradient),
                    state["t"],
                    _largest(d),
                    tolerance,
                    group["max_eval"] - evaluations,
                )
                state["t"], loss, gradient = best.t, best.loss, best.gradient
            change = d * state["t"]
            _place(params, origin + change)
            if not search and iteration < group["max_iter"]:
                loss, gradient, new_evaluations = float(closure()), _gradient(params), 1
            evaluations += new_evaluations
            state["func_evals"] += new_evaluations
            if (
                evaluations >= group["max_eval"]
                or _largest(gradient) <= tolerance_grad
                or _largest(change) <= tolerance
                or abs(loss - state["prev_loss"]) < tolerance
            ):
                break
        return first_loss


def _gradient(params: Sequence[Tensor]) -> Tensor:
    """The gradients of all parameters in one vector, zeros where there is none."""
    return cat(
        [(p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1)) for p in params]
    ).detach()


def _place(params: Sequence[Tensor], values: Tensor) -> None:
    """Give the parameters the values of one vector."""
    for param, part in zip(params, values.split([p.numel() for p in params]), strict=True):
        param.copy_(part.reshape(param.shape))


def _largest(vector: Tensor) -> float:
    return float(vector.abs().max())


def _remember(state: State, gradient: Tensor, history_size: int) -> None:
    """Add the last change of the parameters, and of the gradient, to the history."""
    y = gradient - state["prev_flat_grad"]
    s = state["d"] * state["t"]
    curvature = y.dot(s)
    if not float(curvature) > 1e-10:
        return
    if len(state["old_dirs"]) == history_size:
        for name in ("old_dirs", "old_stps", "ro"):
            state[name].pop(0)
    state["old_dirs"].append(y)
    state["old_stps"].append(s)
    state["ro"].append(1 / curvature)
    state["H_diag"] = curvature / y.dot(y)


def _direction(state: State, gradient: Tensor, history_size: int) -> Tensor:
    """-H gradient by two loops over the history (Nocedal, 1980)."""
    history = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
    factors = state.setdefault("al", [None] * history_size)
    q = -gradient
    for i, (y, s, ro) in reversed(list(enumerate(history))):
        factors[i] = s.dot(q) * ro
        q -= y * factors[i]
    q *= state["H_diag"]
    for i, (y, s, ro) in enumerate(history):
        q += s * (factors[i] - y.dot(q) * ro)
    return q
