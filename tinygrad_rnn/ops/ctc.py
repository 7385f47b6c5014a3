"""Connectionist temporal classification: the likelihood of labels, summed over all alignments.

A. Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
Recurrent Neural Networks", ICML 2006, of which the numbers of equations below are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..autograd import Kept, Variable, grad, primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import bool_, float32, int64, of_array
from .choice import where
from .elementwise import exp
from .exponentials import logsumexp
from .indexing import _look_up
from .joining import cat, stack
from .loss import reduce_losses, reduction_of
from .shape import shape_of, unsqueeze


class _Alignment(NamedTuple):
    """The labels of a batch as a chain of states, with a blank before, between and behind them.

    Attributes:
        labels: (N, L), the class that each state emits; L is 2 * (most labels) + 1.
        skip: (N, L), whether a state may follow the last but one: between different labels.
        ends: (N), the number of the last state, twice the number of labels.
        steps: (N), how many time steps each sequence has.
    """

    labels: Array
    skip: Array
    ends: Array
    steps: Array


def _alignment(
    xp: Backend, targets: Array, input_lengths: Array, target_lengths: Array, blank: int
) -> _Alignment:
    count, most = targets.shape
    labels = xp.full((count, 2 * most + 1), blank, int64.array)
    labels[:, 1::2] = targets
    skip = xp.zeros(labels.shape, bool_.array)
    skip[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    skip &= labels != blank
    return _Alignment(labels, skip, 2 * target_lengths, input_lengths)


# ----- the sums over alignments, in logarithms -----


def _log_sum(xp: Backend, *terms: Array) -> Array:
    """log(exp(a) + exp(b) + ...) of arrays, where all may be -inf."""
    largest = terms[0]
    for term in terms[1:]:
        largest = xp.maximum(largest, term)
    largest = xp.where(largest == -math.inf, 0, largest)
    total = xp.exp(terms[0] - largest)
    for term in terms[1:]:
        total += xp.exp(term - largest)
    return xp.log(total) + largest


def _forward(xp: Backend, emitted: Array, skip: Array) -> Array:
    """alpha (T, N, L): of all ways that reach a state by a step, that step included (6)."""
    steps, count, states = emitted.shape
    padded = xp.full((steps, count, states + 2), -math.inf, emitted.dtype)
    alpha = padded[:, :, 2:]  # two columns in front of the first state stand for what is not there
    alpha[0, :, :2] = emitted[0, :, :2]
    barred = xp.where(skip, 0, -math.inf).astype(emitted.dtype)
    for t in range(1, steps):
        before = padded[t - 1]
        reached = _log_sum(xp, before[:, 2:], before[:, 1:-1], before[:, :-2] + barred)
        alpha[t] = reached + emitted[t]
    return alpha


def _backward(xp: Backend, emitted: Array, chain: _Alignment) -> Array:
    """beta (T, N, L): of all ways from a state at a step to an end, that step included (10)."""
    steps, count, states = emitted.shape
    beta = xp.empty(emitted.shape, emitted.dtype)
    after = xp.full((count, states + 2), -math.inf, emitted.dtype)
    barred = xp.full((count, states), -math.inf, emitted.dtype)
    barred[:, :-2] = xp.where(chain.skip[:, 2:], 0, -math.inf)
    places, ends, last = xp.arange(states), chain.ends[:, None], chain.steps[:, None] - 1
    start = xp.where((places == ends) | (places == ends - 1), 0, -math.inf)
    for t in range(steps - 1, -1, -1):
        ways = _log_sum(xp, after[:, :-2], after[:, 1:-1], after[:, 2:] + barred)
        beta[t] = xp.where(last == t, start, ways) + emitted[t]
        after[:, :-2] = beta[t]
    return beta


def _losses(xp: Backend, alpha: Array, chain: _Alignment) -> Array:
    """-log of the likelihoods (8): of ways that end in the last label or the blank behind it."""
    rows, ends = xp.arange(len(chain.ends)), chain.ends
    final = alpha[xp.maximum(chain.steps - 1, 0), rows]
    label = xp.where(ends > 0, final[rows, xp.maximum(ends - 1, 0)], -math.inf)
    losses = -_log_sum(xp, final[rows, ends], label).astype(alpha.dtype)
    of_nothing = xp.where(ends == 0, 0, math.inf).astype(alpha.dtype)
    return xp.where(chain.steps == 0, of_nothing, losses)


@primitive
def _ctc_loss(
    xp: Backend, log_probs: Array, *, chain: _Alignment, blank: int, zero_infinity: bool
) -> tuple[Any, ...]:
    wide = log_probs.astype(float32.array) if log_probs.dtype == "float16" else log_probs
    emitted = wide[:, xp.arange(len(chain.labels))[:, None], chain.labels]
    alpha = _forward(xp, emitted, chain.skip)
    losses = _losses(xp, alpha, chain)
    shown = xp.where(xp.isinf(losses), 0, losses) if zero_infinity else losses
    return shown.astype(log_probs.dtype), Kept((emitted, alpha, losses))


def _rule(
    g: Any, kept: Any, log_probs: Any, *, chain: _Alignment, blank: int, zero_infinity: bool
) -> Any:
    """exp(log_probs) - how often each class is expected: the gradient of log_softmax's input (16).

    PyTorch, too, gives it to log_probs, of which the derivative itself has no first term; behind a
    log_softmax, as log_probs should be, both give the same.
    """
    emitted, alpha, losses = kept
    xp: Any = backend_of(losses)
    instead = 0 if zero_infinity else math.nan  # where no alignment is possible
    if isinstance(g, Variable):
        return _recorded(where(g._wrap(xp.isinf(losses)), instead, g), log_probs, chain)
    beta = _backward(xp, emitted, chain)
    shares = alpha + beta
    shares += losses[:, None]
    shares -= emitted  # which is in both
    shares = xp.exp(shares, out=shares)
    steps, count, _ = log_probs.shape
    result = xp.exp(log_probs)
    result[:, :, blank] -= shares[:, :, ::2].sum(axis=2)
    places = xp.arange(steps)[:, None, None], xp.arange(count)[:, None], chain.labels[:, 1::2]
    xp.scatter_add(result, places, -shares[:, :, 1::2].astype(result.dtype))
    result = xp.where(xp.isinf(losses)[:, None], instead, result * g[:, None])
    return xp.where(_inside(xp, steps, chain), result, 0).astype(log_probs.dtype)


def _inside(xp: Backend, steps: int, chain: _Alignment) -> Array:
    """(T, N, 1): whether the step belongs to the sequence."""
    return (xp.arange(steps)[:, None] < chain.steps)[:, :, None]


_ctc_loss.gradients(_rule)


def _recorded(g: Any, log_probs: Any, chain: _Alignment) -> Any:
    """The same gradient by operations that can be differentiated again."""
    (result,) = grad([_plain(log_probs, chain)], [log_probs], [g], create_graph=True)
    xp: Any = backend_of(log_probs._array)
    inside = g._wrap(_inside(xp, len(log_probs), chain))
    return result + where(inside, exp(log_probs) * unsqueeze(g, 1), 0)


def _plain(log_probs: Any, chain: _Alignment) -> Any:
    """The losses in ordinary operations, up to a constant: their derivatives are wanted."""
    xp: Any = backend_of(log_probs._array)
    count, states = chain.labels.shape
    rows, ends = xp.arange(count), chain.ends
    emitted = _look_up(log_probs, index=(slice(None), rows[:, None], chain.labels))
    nothing = log_probs.new_full((count, 2), -math.inf)
    barred = where(log_probs._wrap(chain.skip), 0.0, nothing[:, :1])
    start = log_probs._wrap(xp.arange(states) < 2)
    alpha = [where(start, emitted[0], nothing[:, :1])]
    for step in emitted[1:]:
        before = cat([nothing, alpha[-1]], 1)
        ways = stack([before[:, 2:], before[:, 1:-1], before[:, :-2] + barred])
        alpha.append(logsumexp(ways, 0) + step)
    final = _look_up(stack(alpha), index=(xp.maximum(chain.steps - 1, 0), rows))
    # (of a sequence without labels another state, which all ways reach by blanks as well)
    label = _look_up(final, index=(rows, ends - 1))
    losses = -logsumexp(stack([_look_up(final, index=(rows, ends)), label]), 0)
    return where(log_probs._wrap(chain.steps > 0), losses, 0)


# ----- arguments -----


def _lengths(name: str, lengths: Any, count: int, largest: int) -> list[int]:
    """Lengths as Python's numbers. Raises RuntimeError for a wrong number of them, for fractions,
    negative and too large ones."""
    values = lengths
    if isinstance(lengths, Variable):
        if lengths._array.dtype.kind not in "iu":
            raise RuntimeError(f"{name} must be integral, got {of_array(lengths._array.dtype)}")
        values = lengths._array.reshape(-1).tolist()
    elif not isinstance(lengths, Sequence):
        values = [lengths]
    if len(values) != count:
        raise RuntimeError(f"{name} must be of size batch_size: got {len(values)}, not {count}")
    for value in values:
        if value < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {value}")
        if value > largest:
            raise RuntimeError(
                f"Expected {name} to have value at most {largest}, but got value {value}"
            )
    return list(values)


def _padded(targets: Any, lengths: list[int], classes: int, blank: int) -> Array:
    """The labels as (N, most labels), blanks behind them. Raises RuntimeError for targets that are
    too few, or no classes."""
    array = targets._array.astype(int64.array)
    xp: Any = backend_of(array)
    most, total = max(lengths), sum(lengths)
    if array.ndim == 1 and len(array) != total:
        raise RuntimeError(
            f"Expected tensor to have size {total} at dimension 0, but got size {len(array)} for "
            "argument #2 'targets': one after the other, they are as many as the sum of "
            "target_lengths"
        )
    if array.ndim == 2 and len(array) != len(lengths):
        raise RuntimeError(
            f"Expected tensor to have size {len(lengths)} at dimension 0, but got size "
            f"{len(array)} for argument #2 'targets'"
        )
    if array.ndim == 2 and array.shape[1] < most:
        raise RuntimeError(
            f"Expected tensor to have size at least {most} at dimension 1, but got size "
            f"{array.shape[1]} for argument #2 'targets'"
        )
    if array.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {array.ndim}-dimensional tensor for argument #2 "
            "'targets'"
        )
    places, ends = xp.arange(most), xp.asarray(lengths, int64.array)[:, None]
    if array.ndim == 1 and total:
        starts = xp.cumsum(ends, 0) - ends
        array = array[xp.minimum(starts + places, total - 1)]
    elif total:
        array = array[:, :most]
    else:
        array = xp.zeros((len(lengths), 0), int64.array)
    inside = places < ends
    array = xp.where(inside, array, blank)
    message = f"targets: {{}} is out of range: there are {classes} classes"
    xp.check_range(array, 0, classes, RuntimeError, message)
    return array


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """-log of the likelihood of labels without places: the sum over all their alignments to the
    time steps, where labels may last, and blanks may lie between them (between equal ones must).

    Args:
        log_probs: (T, N, C) or (T, C), logarithms of the classes' probabilities at each step, of
            log_softmax.
        targets: (N, S) padded, or all labels one after the other (sum of target_lengths).
        input_lengths, target_lengths: (N), how many steps and labels count: tensors, lists, or
            without batch numbers.
        blank: the class that is no label.
        reduction: "none" (N) or (), "sum", or "mean" of the losses divided by their target_lengths
            (at least 1).
        zero_infinity: losses without a possible alignment are 0 instead of infinite, with
            gradients of 0 instead of nan.

    The gradient of log_probs is what reaches the input of the log_softmax before it, as in PyTorch.
    Raises RuntimeError for lengths and targets that do not fit, NotImplementedError for integers.

    >>> even = torch.full((2, 3), 1 / 3).log()  # 3 of 9 ways mean "a": aa, a_, _a
    >>> F.ctc_loss(even, torch.tensor([1]), 2, 1).exp()
    tensor(3.)
    """
    reduction = reduction_of(None, None, reduction)
    shape = shape_of(log_probs)
    if len(shape) not in (2, 3):
        raise RuntimeError(
            "Expected 3-dimensional tensor, or 2-dimensional without batch, but got "
            f"{len(shape)}-dimensional tensor for argument #1 'log_probs'"
        )
    if log_probs._array.dtype.kind != "f":
        raise NotImplementedError(
            f"ctc_loss() is not implemented for {of_array(log_probs._array.dtype)}; it takes "
            "logarithms of probabilities"
        )
    batched = log_probs if len(shape) == 3 else unsqueeze(log_probs, 1)
    steps, count, classes = shape_of(batched)
    if not log_probs._array.size:
        raise RuntimeError("log_probs tensor must not be empty")
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range: got {blank} for {classes} classes")
    times = _lengths("input_lengths", input_lengths, count, steps)
    counts = _lengths("target_lengths", target_lengths, count, 1 << 62)
    labels = _padded(targets, counts, classes, blank)
    xp: Any = backend_of(labels)
    ends = xp.asarray(counts, int64.array)
    chain = _alignment(xp, labels, xp.asarray(times, int64.array), ends, blank)
    (losses,) = _ctc_loss(batched, chain=chain, blank=blank, zero_infinity=zero_infinity)
    if reduction == "mean":
        losses = losses / losses._wrap(xp.maximum(ends, 1).astype(losses._array.dtype))
    return losses.reshape(()) if len(shape) == 2 else reduce_losses(losses, reduction)
