"""Functions and classes of the user's that cannot take what they are given, or give what cannot be
used: refused with PyTorch's kind of error, and words that say where."""

import importlib

import numpy as np
import pytest

import tinygrad_rnn as tg

from .both import t as t


def square(x):
    return x * x


def hooked(t, hook):
    module = t.nn.Identity()
    module.register_forward_hook(hook)
    return module(t.ones(2))


def registered(t, hook):
    with t.nn.modules.module.register_module_parameter_registration_hook(hook):
        t.nn.Linear(1, 1)


def scheduled(t, function):
    optimizer = t.optim.SGD([t.ones(1)], lr=0.5)
    t.optim.lr_scheduler.LambdaLR(optimizer, function)


def pruned(t, method, **options):
    prune = importlib.import_module(f"{t.__name__}.nn.utils.prune")
    prune.global_unstructured([(t.nn.Linear(2, 2), "weight")], method, **options)


def averaged(t, batch):
    t.optim.swa_utils.update_bn([batch], t.nn.BatchNorm1d(1), "cpu")


REFUSED = {
    "a hook": (lambda t: hooked(t, len), TypeError, "(Identity, tuple, Tensor), which len cannot"),
    "a hook for all": (lambda t: registered(t, int), TypeError, "which int cannot take"),
    "lr_lambda": (lambda t: scheduled(t, len), TypeError, "lr_lambda was given (int), which len"),
    "a rate's factor": (lambda t: scheduled(t, str), TypeError, "must return a number, not str"),
    "a class that prunes nothing": (lambda t: pruned(t, int, amount=1), TypeError,
                                    "class derived from BasePruningMethod, not class int"),
    "a class that is none": (lambda t: pruned(t, int), (TypeError, AttributeError), "class int"),
    "a tensor of pairs": (lambda t: importlib.import_module(
        f"{t.__name__}.nn.utils.prune").global_unstructured(t.ones(2, 3), int),
        (TypeError, ValueError), "pairs of a module and the name of its parameter"),
    "slices along nothing": (lambda t: importlib.import_module(
        f"{t.__name__}.nn.utils.prune").LnStructured(1, 2, None).prune(t.ones(2, 2)),
        TypeError, "dim of LnStructured must be int, got None"),
    "average": (lambda t: t.optim.swa_utils.get_ema_avg_fn()(t.ones(1), int, t.ones(1)), TypeError,
                "'value' (position 2) must be Tensor, not type"),
    "batches of numbers": (lambda t: averaged(t, 1), AttributeError, "batches of tensors"),
    "an empty batch": (lambda t: averaged(t, []), IndexError, "the input first in a batch, got []"),
    "tangents": (lambda t: t.func.linearize(square, t.ones(2))[1](int),
                 (RuntimeError, AttributeError), "only contain Tensors, got type"),
    "a tangent's dtype": (lambda t: t.func.linearize(square, t.ones(2))[1](t.ones(2).double()),
                          RuntimeError, "dtype torch.float32, as its primal's"),
    "the tangents' form": (lambda t: t.func.jvp(square, (t.ones(2),), ([t.ones(2)],)),
                           RuntimeError, "same python structure"),
    "the cotangents' form": (lambda t: t.func.vjp(square, t.ones(2))[1]((t.ones(2),)),
                             RuntimeError, "pytree structure of cotangents to be the same"),
}  # fmt: skip


@pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated", "ignore:Attempted to insert a get_attr"
)
@pytest.mark.parametrize("name", REFUSED)
def test_refused(t, name):
    program, kind, text = REFUSED[name]
    with pytest.raises(kind) as caught:
        program(t)
    if t is tg:
        assert text in str(caught.value)


def test_arrays_are_no_flags():
    with pytest.raises(TypeError, match=r"MaxPool1d\(\): argument 'return_indices' must be bool"):
        tg.nn.MaxPool1d(2, return_indices=np.ones(3))


def test_no_cell():
    with pytest.raises(TypeError, match=r"Recurrent\(\): argument 'cell' .* cannot be int"):
        tg.nn.Recurrent(int, 3, 4)
