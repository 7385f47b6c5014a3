"""The parameters of RNN, GRU and LSTM in the layouts of Keras and ONNX, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..autograd.hints import told
from ..creation import as_tensor, zeros_like
from ..nn import RNNBase
from ..ops.joining import cat, stack
from ..tensor import Tensor

# Our gates (LSTM i f g o, GRU r z n) in the order of the others
_KERAS = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2)}  # i f c o; z r h
_ONNX = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}  # i o f c; z r h
_KERAS_NAMES = ("kernel", "recurrent_kernel", "bias")


@told
def to_keras(layer: RNNBase) -> list[list[Any]]:
    """The parameters of a layer for the `set_weights` of Keras layers.

    Args:
        layer: an RNN, GRU or LSTM; without layer_norm, zoneout and proj_size, which Keras has not.

    Returns for each of its num_layers the list of NumPy arrays of a Keras SimpleRNN, GRU or LSTM:
    kernel (input, gates * hidden), recurrent_kernel (hidden, gates * hidden) and, with bias=True,
    bias (gates * hidden), or (2, gates * hidden) for a GRU with reset_after; if it is
    bidirectional, those of a Bidirectional: forward, then backward. Gates are in Keras's order:
    i, f, c, o of an LSTM, z, r, h of a GRU. Keras's one bias is the sum of the two here.

    Raises TypeError for another module, ValueError for an option that Keras does not have.

    >>> [w.shape for w in torch.utils.interchange.to_keras(nn.GRU(2, 3))[0]]
    [(2, 9), (3, 9), (2, 9)]
    """
    _check(layer, "Keras")
    result = []
    for weights in _layers(layer):
        arrays: list[Tensor] = []
        for direction in weights:
            w_ih, w_hh, *biases = (_reordered(w, layer, _KERAS) for w in direction)
            arrays += w_ih.T, w_hh.T
            if biases:
                arrays.append(stack(biases) if _two_biases(layer) else biases[0] + biases[1])
        result.append([_numpy(array) for array in arrays])
    return result


@told
def from_keras(layer: RNNBase, weights: Sequence[Sequence[Any]]) -> None:
    """Copy the parameters of Keras layers into a layer of the same sizes and options.

    Args:
        layer: as for `to_keras`.
        weights: for each of its num_layers what `get_weights` of the Keras layer returns, as
            `to_keras` describes it: NumPy arrays or tensors. Where Keras has one bias, it becomes
            bias_ih, and bias_hh becomes 0.

    Raises TypeError for another module, ValueError for options, numbers and shapes of arrays that
    do not fit; the layer is unchanged then.

    >>> one, two = nn.LSTM(2, 3), nn.LSTM(2, 3)
    >>> torch.utils.interchange.from_keras(two, torch.utils.interchange.to_keras(one))
    >>> torch.equal(one.weight_ih_l0, two.weight_ih_l0)
    True
    """
    _check(layer, "Keras")
    names = _KERAS_NAMES if layer.bias else _KERAS_NAMES[:2]
    expected = to_keras(layer)
    _check_count(weights, len(expected), "layers")
    found: list[Tensor] = []
    for number, (arrays, wanted) in enumerate(zip(weights, expected, strict=True)):
        _check_count(arrays, len(wanted), f"arrays of layer {number} ({', '.join(names)})")
        tensors = []
        for place, (array, like) in enumerate(zip(arrays, wanted, strict=True)):
            name = names[place % len(names)]
            tensors.append(_fitting(array, like.shape, f"{name} of layer {number}"))
        for i in range(0, len(tensors), len(names)):
            w_ih, w_hh, *bias = tensors[i : i + len(names)]
            found += w_ih.T, w_hh.T
            if bias:
                found += bias[0].unbind(0) if _two_biases(layer) else (bias[0], zeros_like(bias[0]))
    _load(layer, found, _KERAS)


@told
def to_onnx(layer: RNNBase) -> list[dict[str, Any]]:
    """The parameters of a layer as inputs of ONNX's RNN, GRU and LSTM operators.

    Args:
        layer: an RNN, GRU or LSTM; without layer_norm, zoneout and proj_size, which ONNX has not.

    Returns for each of its num_layers a dict of NumPy arrays with a first dimension of
    directions: W (directions, gates * hidden, input), R (directions, gates * hidden, hidden) and,
    with bias=True, B (directions, 2 * gates * hidden), bias_ih before bias_hh. Gates are in
    ONNX's order: i, o, f, c of an LSTM, z, r, h of a GRU. The node's linear_before_reset is 1 for
    a GRU with reset_after, else 0.

    Raises TypeError for another module, ValueError for an option that ONNX does not have.

    >>> {name: w.shape for name, w in torch.utils.interchange.to_onnx(nn.GRU(2, 3))[0].items()}
    {'W': (1, 9, 2), 'R': (1, 9, 3), 'B': (1, 18)}
    """
    _check(layer, "ONNX")
    result = []
    for weights in _layers(layer):
        directions = [[_reordered(w, layer, _ONNX) for w in direction] for direction in weights]
        w_ih, w_hh, *biases = (stack(part) for part in zip(*directions, strict=True))
        arrays = {"W": w_ih, "R": w_hh}
        if biases:
            arrays["B"] = cat(biases, 1)
        result.append({name: _numpy(array) for name, array in arrays.items()})
    return result


@told
def from_onnx(layer: RNNBase, weights: Sequence[Mapping[str, Any]]) -> None:
    """Copy the inputs of ONNX's operators into a layer of the same sizes and options.

    Args:
        layer: as for `to_onnx`.
        weights: for each of its num_layers a mapping with W, R and, with bias=True, B, as
            `to_onnx` describes them: NumPy arrays or tensors.

    Raises TypeError for another module, ValueError for options, names and shapes of arrays that do
    not fit; the layer is unchanged then.

    >>> one, two = nn.LSTM(2, 3), nn.LSTM(2, 3)
    >>> torch.utils.interchange.from_onnx(two, torch.utils.interchange.to_onnx(one))
    >>> torch.equal(one.weight_ih_l0, two.weight_ih_l0)
    True
    """
    _check(layer, "ONNX")
    expected = to_onnx(layer)
    _check_count(weights, len(expected), "layers")
    found: list[Tensor] = []
    for number, (arrays, wanted) in enumerate(zip(weights, expected, strict=True)):
        if set(arrays) != set(wanted):
            raise ValueError(
                f"weights: expected the names {', '.join(wanted)} for layer {number}, got "
                f"{', '.join(map(str, arrays)) or 'none'}"
            )
        tensors = [
            _fitting(arrays[name], like.shape, f"{name} of layer {number}")
            for name, like in wanted.items()
        ]
        for w_ih, w_hh, *bias in zip(*(w.unbind(0) for w in tensors), strict=True):
            found += w_ih, w_hh, *(bias[0].chunk(2) if bias else ())
    _load(layer, found, _ONNX)


# ----- what the four share -----


def _check(layer: Any, other: str) -> None:
    if not isinstance(layer, RNNBase):
        raise TypeError(f"layer: expected nn.RNN, nn.GRU or nn.LSTM, got {type(layer).__name__}")
    options = {
        "proj_size": bool(layer.proj_size),
        "layer_norm": layer.options.layer_norm,
        "zoneout": any(layer.options.kept(1)),
    }
    for name, given in options.items():
        if given:
            raise ValueError(f"layer: {other} has no counterpart of {name}")


def _check_count(values: Sequence[Any], count: int, what: str) -> None:
    if len(values) != count:
        raise ValueError(f"weights: expected {count} {what}, got {len(values)}")


def _fitting(array: Any, shape: tuple[int, ...], name: str) -> Tensor:
    tensor = as_tensor(array)
    if tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"weights: expected {name} of shape {tuple(shape)}, got {tensor.shape}")
    return tensor


def _two_biases(layer: RNNBase) -> bool:
    return layer.mode == "GRU" and layer.options.reset_after


def _layers(layer: RNNBase) -> Iterator[list[list[Tensor]]]:
    """For each layer, and in it for each direction: weight_ih, weight_hh and the biases."""
    step = 1 + layer.bidirectional
    weights = [[w.detach().cpu() for w in direction] for direction in layer.all_weights]
    return (weights[i : i + step] for i in range(0, len(weights), step))


def _reordered(w: Tensor, layer: RNNBase, orders: Mapping[str, Sequence[int]]) -> Tensor:
    """The gates, which lie along the first dimension, in another order."""
    order = orders.get(layer.mode)
    if order is None:
        return w
    gates = w.chunk(len(order))
    return cat([gates[gate] for gate in order])


def _load(layer: RNNBase, found: Sequence[Tensor], orders: Mapping[str, Sequence[int]]) -> None:
    """Copy tensors with the other's order of gates into the layer's parameters."""
    back = {
        mode: [order.index(gate) for gate in range(len(order))] for mode, order in orders.items()
    }
    names = [name for name, _ in layer.named_parameters(recurse=False)]
    values = (_reordered(w, layer, back) for w in found)
    layer.load_state_dict(dict(zip(names, values, strict=True)), strict=False)


def _numpy(tensor: Tensor) -> Any:
    return tensor.contiguous().numpy()
