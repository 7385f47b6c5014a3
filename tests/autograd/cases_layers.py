"""Random calls of layers and losses: convolution, pooling, normalisation, embedding, recurrence."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from hypothesis import assume, strategies as st

from .cases import Case, Draw, indices, numbers, shapes

# ----- windows -----


@st.composite
def convolutions(draw: Draw) -> Case:
    dims = draw(st.integers(1, 2))
    groups = draw(st.integers(1, 2))
    transposed = draw(st.booleans())
    inner, outer = draw(st.integers(1, 2)) * groups, draw(st.integers(1, 2)) * groups
    kernel = [draw(st.integers(1, 3)) for _ in range(dims)]
    options: dict[str, Any] = {
        "stride": draw(st.integers(1, 2)), "dilation": draw(st.integers(1, 2)),
        "padding": draw(st.integers(0, 2)), "groups": groups,
    }  # fmt: skip
    reach = [options["dilation"] * (k - 1) + 1 for k in kernel]
    sizes = [draw(st.integers(max(r - 2 * options["padding"], 1), r + 2)) for r in reach]
    batch = draw(st.sampled_from([(), (2,)]))
    if transposed:
        out = [(n - 1) * options["stride"] - 2 * options["padding"] + r
               for n, r in zip(sizes, reach, strict=True)]  # fmt: skip
        assume(min(out) > 0)
        weight = (inner, outer // groups, *kernel)
    else:
        weight = (outer, inner // groups, *kernel)
    name = f"conv{'_transpose' * transposed}{dims}d"
    arrays = [numbers(draw, s) for s in ((*batch, inner, *sizes), weight, (outer,))]
    return Case(
        f"{name} {options}", lambda t, *x: getattr(t.nn.functional, name)(*x, **options), arrays
    )


@st.composite
def pooling(draw: Draw) -> Case:
    kind = draw(st.sampled_from(["max", "avg", "adaptive_max", "adaptive_avg", "lp", "fold"]))
    dims = 2 if kind == "fold" else draw(st.integers(1, 2))
    kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sizes = [draw(st.integers(kernel, 5)) for _ in range(dims)]
    options: dict[str, Any] = {"ceil_mode": draw(st.booleans())}
    if kind in ("max", "avg"):
        options["padding"] = draw(st.integers(0, kernel // 2))
    args = (kernel, stride)
    if kind.startswith("adaptive"):
        args, options = (draw(st.integers(1, 3)),), {}
    if kind == "lp":
        args = (3.0, kernel, stride)
    low = 0.2 if kind == "lp" else -1.5
    name = f"{kind}_pool{dims}d"
    if kind == "fold":
        return Case(f"fold {args} {sizes}", lambda t, x: t.nn.functional.fold(
            t.nn.functional.unfold(x, kernel, stride=stride) ** 2, sizes, kernel, stride=stride,
        ), [numbers(draw, (2, 2, *sizes))])  # fmt: skip
    return Case(
        f"{name} {args} {options}",
        lambda t, x: getattr(t.nn.functional, name)(x, *args, **options) ** 2,
        [numbers(draw, (2, 1, *sizes), low)],
    )


# ----- normalisation -----


@st.composite
def normalisation(draw: Draw) -> Case:
    name = draw(st.sampled_from(["layer", "rms", "group", "instance", "batch"]))
    batch, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    channels, rest = 2 * groups, draw(shapes(low=2, dims=(1, 2)))
    shape = (batch, channels, *rest)
    affine, trained = draw(st.booleans()), draw(st.booleans())
    own = rest if name in ("layer", "rms") else (channels,)
    count = (1 if name == "rms" else 2) if affine else 0

    def call(t: Any, x: Any, *parameters: Any) -> Any:
        function = getattr(t.nn.functional, f"{name}_norm")
        weight, bias = (*parameters, None, None)[:2]
        if name == "layer":
            return function(x, rest, weight, bias)
        if name == "rms":
            return function(x, rest, weight)
        if name == "group":
            return function(x, groups, weight, bias)
        if name == "instance":
            return function(x, weight=weight, bias=bias)
        known = [t.full((channels,), at, dtype=x.dtype) for at in (0.3, 1.7)]
        if trained:
            return function(x, *known, weight, bias) ** 2
        return function(x, None, None, weight, bias, training=True)

    arrays = [numbers(draw, shape), *(numbers(draw, own, 0.5, 2.0) for _ in range(count))]
    return Case(f"{name}_norm", call, arrays)


# ----- losses -----

OF_PAIRS = {  # the limits of both inputs
    "mse_loss": (-1.5, 1.5), "l1_loss": (-1.5, 1.5), "smooth_l1_loss": (-2.5, 2.5),
    "huber_loss": (-2.5, 2.5), "binary_cross_entropy": (0.1, 0.9),
    "binary_cross_entropy_with_logits": (-2.0, 2.0), "kl_div": (0.1, 2.0),
    "poisson_nll_loss": (-1.0, 1.0), "cosine_similarity": (-1.5, 1.5),
    "pairwise_distance": (-1.5, 1.5),
}  # fmt: skip
REDUCTIONS = st.sampled_from(["none", "sum", "mean"])


@st.composite
def losses(draw: Draw) -> Case:
    name = draw(st.sampled_from([*OF_PAIRS]))
    shape = draw(shapes(low=1, dims=(2, 3)))
    options = {} if name[-4:] in ("rity", "ance") else {"reduction": draw(REDUCTIONS)}
    low, high = OF_PAIRS[name]
    arrays = [numbers(draw, shape, low, high), numbers(draw, shape, low, high) * 0.97]

    def call(t: Any, x: Any, y: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of kl_div's mean
            return getattr(t.nn.functional, name)(x, y, **options)

    return Case(f"{name} {options}", call, arrays)


@st.composite
def class_losses(draw: Draw) -> Case:
    classes, batch = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    places = draw(shapes(low=1, dims=(0, 1)))
    target = indices(draw, (batch, *places), classes)
    target = np.where(draw(st.booleans()) & (target == 0) & (target.cumsum() > 0).reshape(
        target.shape), -100, target)  # fmt: skip
    assume((target >= 0).any())
    weighted, smoothing = draw(st.booleans()), draw(st.sampled_from([0.0, 0.2]))
    options: dict[str, Any] = {"reduction": draw(REDUCTIONS)}
    name = draw(st.sampled_from(["cross_entropy", "nll_loss"]))
    if name == "cross_entropy":
        options["label_smoothing"] = smoothing
    weights = np.linspace(0.5, 2.0, classes)

    def call(t: Any, x: Any, y: Any) -> Any:
        weight = t.as_tensor(weights, dtype=x.dtype) if weighted else None
        return getattr(t.nn.functional, name)(x, y, weight, **options) ** 2

    return Case(f"{name} {options}", call, [numbers(draw, (batch, classes, *places)), target])


# ----- embedding -----


@st.composite
def embedding(draw: Draw) -> Case:
    rows, width = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    mode = draw(st.sampled_from(["rows", "padding", "sum", "mean", "max"]))
    ids = indices(draw, draw(shapes(low=1, dims=(2, 2))), rows)

    def call(t: Any, w: Any, i: Any) -> Any:
        f = t.nn.functional
        if mode == "rows":
            return f.embedding(i, w) ** 2
        if mode == "padding":  # of that row the gradient is 0
            return f.embedding(i, t.cat([w[:1] * 0, w[1:]]), 0) ** 2
        return f.embedding_bag(i, w, mode=mode) ** 2

    return Case(f"embedding {mode}", call, [numbers(draw, (rows, width)), ids])


# ----- recurrence -----

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@st.composite
def recurrence(draw: Draw) -> Case:
    """Layers with all of their options; the sequences' lengths as a packed sequence."""
    kind = draw(st.sampled_from([*GATES]))
    inputs, hidden, batch, steps = (draw(st.integers(1, 3)) for _ in range(4))
    layers, both = draw(st.integers(1, 2)), draw(st.booleans())
    options: dict[str, Any] = {
        "num_layers": layers, "bidirectional": both, "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
    }  # fmt: skip
    if kind == "RNN":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    out = hidden
    if kind == "LSTM" and hidden > 1 and draw(st.booleans()):
        out = options["proj_size"] = hidden - 1
    lengths = draw(st.none() | st.lists(st.integers(1, steps), min_size=batch, max_size=batch))
    if lengths is not None:
        lengths[0] = steps  # one of them is as long as all
    rows, directions = GATES[kind] * hidden, 1 + both
    sizes: list[tuple[int, ...]] = []
    for layer in range(layers):
        wide = inputs if not layer else directions * out
        for _ in range(directions):
            sizes += [(rows, wide), (rows, out)]
            sizes += [(rows,), (rows,)] if options["bias"] else []
            sizes += [(out, hidden)] if out != hidden else []
    parts = layers * directions
    states = [(parts, batch, out)] + [(parts, batch, hidden)] * (kind == "LSTM")
    shape = (batch, steps, inputs) if options["batch_first"] else (steps, batch, inputs)

    def call(t: Any, x: Any, *rest: Any) -> Any:
        layer = getattr(t.nn, kind)(inputs, hidden, **options).to(x.dtype)
        state, weights = rest[: len(states)], rest[len(states) :]
        for name, weight in zip([*layer.state_dict()], weights, strict=True):
            delattr(layer, name)
            setattr(layer, name, weight)
        hx = state if kind == "LSTM" else state[0]
        packing = t.nn.utils.rnn
        first = options["batch_first"]
        if lengths is not None:
            x = packing.pack_padded_sequence(x, lengths, first, enforce_sorted=False)
        y, last = layer(x, hx)
        if lengths is not None:
            y, _ = packing.pad_packed_sequence(y, first)
        return y, *(last if isinstance(last, tuple) else (last,))

    arrays = [numbers(draw, s) for s in (shape, *states, *sizes)]
    return Case(f"{kind} {options} {lengths}", call, arrays)
