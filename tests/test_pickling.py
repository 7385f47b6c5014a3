"""Tensors, parameters, modules and what belongs to them, pickled, copied and sent to processes."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn, optim

from .both import t as t

MADE = {
    "tensor": lambda t: t.arange(6.0).reshape(2, 3),
    "transposed": lambda t: t.arange(6.0).reshape(2, 3).t(),
    "part": lambda t: t.arange(6)[2:4],
    "expanded": lambda t: t.ones(1, 3).expand(4, 3),
    "0-d": lambda t: t.tensor(3.0, dtype=t.float64),
    "empty": lambda t: t.zeros(0, 2, dtype=t.float16),
    "bools": lambda t: t.tensor([True, False]),
    "leaf": lambda t: t.ones(2, requires_grad=True),
    "parameter": lambda t: t.nn.Parameter(t.ones(2)),
    "frozen": lambda t: t.nn.Parameter(t.ones(2), requires_grad=False),
}
WAYS = {
    **{f"protocol {n}": lambda x, n=n: pickle.loads(pickle.dumps(x, n)) for n in range(6)},
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
def test_tensors(t, way):
    for name, make in MADE.items():
        x = make(t)
        y = WAYS[way](x)
        assert type(y) is type(x) and t.equal(x, y), name
        assert (y.dtype, y.device, y.requires_grad) == (x.dtype, x.device, x.requires_grad), name
        assert y.is_leaf and (y.data_ptr() != x.data_ptr() or not x.numel()), name


@pytest.mark.parametrize("way", WAYS)
def test_one_tensor_twice_stays_one(t, way):
    x = t.ones(2)
    a, b = WAYS[way]([x, x])
    assert a is b and a is not x


@pytest.mark.parametrize("way", WAYS)
def test_modules(t, way):
    model = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Linear(3, 3))
    model.eval()
    twin = WAYS[way](model)
    x = t.ones(4, 2)
    assert t.equal(model(x), twin(x)) and not twin.training
    assert list(twin.state_dict()) == list(model.state_dict())
    twin(x).sum().backward()
    assert model[0].weight.grad is None and twin[0].weight.grad is not None


def test_a_graph_is_not_copied(t):
    x = t.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x)


def test_recurrent_layers_and_optimizers():
    model = nn.LSTM(2, 3, 2)
    optimizer = optim.Adam(model.parameters())
    x = tg.randn(4, 1, 2)
    model(x)[0].sum().backward()
    optimizer.step()
    twin, other = pickle.loads(pickle.dumps((model, optimizer)))
    assert other.param_groups[0]["params"][0] is twin.weight_ih_l0
    for module, steps in ((model, optimizer), (twin, other)):
        steps.zero_grad()
        module(x)[0].sum().backward()
        steps.step()
    assert tg.equal(model(x)[0], twin(x)[0])


def answer(questions, answers):
    for x in iter(questions.get, None):
        answers.put(x * 2)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_through_queues_of_processes(method):
    context = multiprocessing.get_context(method)
    questions, answers = context.Queue(), context.Queue()
    process = context.Process(target=answer, args=(questions, answers), daemon=True)
    process.start()
    for x in (tg.arange(3.0), tg.zeros(0, 2), tg.ones(300, 300)):
        questions.put(x)
        found = answers.get(timeout=300).numpy(force=True)
        np.testing.assert_array_equal(found, 2 * x.numpy(force=True))
    questions.put(None)
    process.join(300)
    assert process.exitcode == 0
