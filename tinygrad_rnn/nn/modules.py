"""PyTorch's paths to layers: ``from torch.nn.modules.rnn import LSTM`` finds what `nn` has.

Each of PyTorch's files of layers is a module here, with the classes of those files that have the
same layers.
"""

import functools
import sys
import types
from typing import Any

from . import (
    activations,
    adaptive_softmax,
    attention,
    batchnorm,
    cells,
    class_losses,
    containers,
    conv,
    dropout,
    embedding,
    fractional,
    global_hooks,
    layers,
    lazy,
    lazyconv,
    losses,
    margin_losses,
    module,
    normalization,
    padding,
    pooling,
    rectifiers,
    resampling,
    rnn,
    rnn_base,
    transformer,
)
from .conv import as_tuple
from .state_dict import consume_prefix_in_state_dict_if_present
from .transformer import _get_activation_fn, _get_clones
from .utils import weights as _weights

_FILES: dict[str, tuple[types.ModuleType, ...]] = {
    "activation": (activations, rectifiers, attention),
    "adaptive": (adaptive_softmax,),
    "batchnorm": (batchnorm,),
    "channelshuffle": (resampling,),
    "container": (containers,),
    "conv": (conv, lazyconv),
    "distance": (layers,),
    "dropout": (dropout,),
    "flatten": (layers,),
    "fold": (resampling,),
    "instancenorm": (batchnorm,),
    "lazy": (lazy,),
    "linear": (layers,),
    "loss": (losses, class_losses, margin_losses),
    "module": (module,),
    "normalization": (normalization,),
    "padding": (padding,),
    "pixelshuffle": (resampling,),
    "pooling": (pooling, fractional),
    "rnn": (rnn_base, rnn, cells),
    "sparse": (embedding,),
    "transformer": (transformer,),
    "upsampling": (resampling,),
}


def _of(count: int) -> Any:
    return functools.partial(as_tuple, count=count)


# Helpers that programs with layers of their own import: `_pair(3)` is (3, 3)
_UTILS = {
    "_ntuple": _of, "_single": _of(1), "_pair": _of(2), "_triple": _of(3), "_quadruple": _of(4),
    "consume_prefix_in_state_dict_if_present": consume_prefix_in_state_dict_if_present,
}  # fmt: skip


# PyTorch's files beside the layers, whose names functions have taken
_ELSEWHERE: dict[str, tuple[types.ModuleType, str]] = {
    "utils.weight_norm": (_weights, "WeightNorm weight_norm remove_weight_norm"),
    "utils.spectral_norm": (_weights, "SpectralNorm spectral_norm remove_spectral_norm"),
}


def _module(name: str, members: dict[str, Any], parent: str = __name__) -> types.ModuleType:
    """A module whose path Python's import knows from now on."""
    made = types.ModuleType(f"{parent}.{name}", f"PyTorch's file {name}.py.")
    vars(made).update(members)
    sys.modules[made.__name__] = made
    return made


def _classes(home: types.ModuleType) -> dict[str, Any]:
    """The classes that a module defines."""
    return {
        name: value
        for name, value in vars(home).items()
        if isinstance(value, type) and value.__module__ == home.__name__
    }


for _file, _homes in _FILES.items():
    _members = {name: cls for home in _homes for name, cls in _classes(home).items()}
    globals()[_file] = _module(_file, _members)
    globals().update({name: cls for name, cls in _members.items() if not name.startswith("_")})
vars(globals()["transformer"]).update(
    _get_clones=_get_clones, _get_activation_fn=_get_activation_fn
)
vars(globals()["module"]).update(
    (name, value) for name, value in vars(global_hooks).items() if name.startswith("register_")
)
utils = _module("utils", _UTILS)
for _file, (_home, _names) in _ELSEWHERE.items():
    _members = {name: getattr(_home, name) for name in _names.split()}
    _module(_file, _members, __name__.rpartition(".")[0])
