"""What a step does to parameters: by the formulas, and against PyTorch."""

import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import optim

from ..nn.side_by_side import pytorch
from .cases import CASES, SHAPES, give_gradients, run, start


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_parameters_and_state_are_pytorch_s(case, dtype):
    torch = pytorch()
    name, options = CASES[case]
    ours, theirs = start(tg, dtype), start(torch, dtype)
    our_optimizer = getattr(optim, name)(ours, **options)
    their_optimizer = getattr(torch.optim, name)(theirs, **options)
    assert repr(our_optimizer) == repr(their_optimizer)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for step in range(30 if dtype == "float64" else 5):
        mine = run(tg, our_optimizer, ours, range(step, step + 1))
        yours = run(torch, their_optimizer, theirs, range(step, step + 1))
        for a, b in zip(mine, yours, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    a, b = our_optimizer.state_dict(), their_optimizer.state_dict()
    assert a["param_groups"] == b["param_groups"] and list(a["state"]) == list(b["state"])
    for number, state in b["state"].items():
        assert list(a["state"][number]) == list(state)
        for key, value in state.items():
            mine = a["state"][number][key]
            assert str(mine.dtype) == str(value.dtype) and mine.shape == value.shape
            np.testing.assert_allclose(
                mine.numpy(force=True), value.numpy(force=True), rtol=tolerance, atol=tolerance
            )


# ----- without PyTorch: the formulas of the papers, for numbers -----


def sgd(x, g, t, m, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, sign=1):
    g = sign * g + weight_decay * x
    if momentum:
        m["b"] = g if t == 1 else momentum * m["b"] + (1 - dampening) * g
        g = g + momentum * m["b"] if nesterov else m["b"]
    return x - lr * g


def adam(x, g, t, m, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, sign=1,
         decoupled=False):  # fmt: skip
    g = sign * g
    if decoupled:
        x = x * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * x
    m["m"] = betas[0] * m.get("m", 0) + (1 - betas[0]) * g
    m["v"] = betas[1] * m.get("v", 0) + (1 - betas[1]) * g**2
    m["max"] = max(m.get("max", 0), m["v"]) if amsgrad else m["v"]
    return x - lr * (m["m"] / (1 - betas[0] ** t)) / (
        math.sqrt(m["max"] / (1 - betas[1] ** t)) + eps
    )


def rmsprop(x, g, t, m, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False,
            sign=1):  # fmt: skip
    g = sign * g + weight_decay * x
    m["v"] = alpha * m.get("v", 0) + (1 - alpha) * g**2
    m["g"] = alpha * m.get("g", 0) + (1 - alpha) * g
    step = g / (math.sqrt(m["v"] - (m["g"] ** 2 if centered else 0)) + eps)
    m["b"] = momentum * m.get("b", 0) + step
    return x - lr * m["b"]


def adagrad(x, g, t, m, lr, lr_decay=0.0, weight_decay=0.0, initial=0.0, eps=1e-10, sign=1):
    g = sign * g + weight_decay * x
    m["s"] = m.get("s", initial) + g**2
    return x - lr / (1 + (t - 1) * lr_decay) * g / (math.sqrt(m["s"]) + eps)


def adadelta(x, g, t, m, lr, rho=0.9, eps=1e-6, weight_decay=0.0, sign=1):
    g = sign * g + weight_decay * x
    m["v"] = rho * m.get("v", 0) + (1 - rho) * g**2
    step = g * math.sqrt((m.get("u", 0) + eps) / (m["v"] + eps))
    m["u"] = rho * m.get("u", 0) + (1 - rho) * step**2
    return x - lr * step


def adamax(x, g, t, m, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, sign=1):
    g = sign * g + weight_decay * x
    m["m"] = betas[0] * m.get("m", 0) + (1 - betas[0]) * g
    m["u"] = max(betas[1] * m.get("u", 0), abs(g) + eps)
    return x - lr * m["m"] / (1 - betas[0] ** t) / m["u"]


def nadam(x, g, t, m, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3,
          sign=1, decoupled=False):  # fmt: skip
    def product(last):
        return math.prod(map(mu, range(1, last + 1)))

    def mu(s):
        return betas[0] * (1 - 0.5 * 0.96 ** (s * momentum_decay))

    x, g = decay(x, sign * g, lr * weight_decay, weight_decay, decoupled)
    m["m"] = betas[0] * m.get("m", 0) + (1 - betas[0]) * g
    m["v"] = betas[1] * m.get("v", 0) + (1 - betas[1]) * g**2
    step = mu(t + 1) * m["m"] / (1 - product(t + 1)) + (1 - mu(t)) * g / (1 - product(t))
    return x - lr * step / (math.sqrt(m["v"] / (1 - betas[1] ** t)) + eps)


def radam(x, g, t, m, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, sign=1,
          decoupled=False):  # fmt: skip
    x, g = decay(x, sign * g, lr * weight_decay, weight_decay, decoupled)
    m["m"] = betas[0] * m.get("m", 0) + (1 - betas[0]) * g
    m["v"] = betas[1] * m.get("v", 0) + (1 - betas[1]) * g**2
    step = m["m"] / (1 - betas[0] ** t)
    limit = 2 / (1 - betas[1]) - 1
    rho = limit - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
    if rho <= 5:
        return x - lr * step
    r = math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
    return x - lr * step * r * math.sqrt(1 - betas[1] ** t) / (math.sqrt(m["v"]) + eps)


def decay(x, g, shrink, weight_decay, decoupled):
    return (x * (1 - shrink), g) if decoupled else (x, g + weight_decay * x)


def asgd(x, g, t, m, lr, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0, sign=1):
    eta = lr / (1 + lambd * lr * (t - 1)) ** alpha
    return x - eta * (sign * g + weight_decay * x + lambd * x)


def rprop(x, g, t, m, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50), sign=1):
    g, before = sign * g, m.get("g", 0)
    factor = 1 if g * before == 0 else etas[g * before > 0]
    m["size"] = min(max(m.get("size", lr) * factor, step_sizes[0]), step_sizes[1])
    m["g"] = 0 if g * before < 0 else g
    return x - math.copysign(m["size"], m["g"]) if m["g"] else x


FORMULAS = {"Adadelta": (adadelta, 1.0), "Adamax": (adamax, 2e-3), "NAdam": (nadam, 2e-3),
            "RAdam": (radam, 1e-3), "ASGD": (asgd, 1e-2), "Rprop": (rprop, 1e-2),
            "SGD": (sgd, 1e-3), "Adam": (adam, 1e-3), "AdamW": (adam, 1e-3),
            "RMSprop": (rmsprop, 1e-2), "Adagrad": (adagrad, 1e-2)}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_steps_by_the_formulas(case):
    name, options = CASES[case]
    formula, lr = FORMULAS[name]
    given = {"lr": lr, **options, "sign": -1 if options.get("maximize") else 1}
    given.pop("maximize", None)
    if "initial_accumulator_value" in given:
        given["initial"] = given.pop("initial_accumulator_value")
    if given.pop("decoupled_weight_decay", False) or name == "AdamW":
        given["decoupled"] = True
        given.setdefault("weight_decay", 0.01)
    param = tg.tensor([0.7, -1.3], dtype=tg.float64, requires_grad=True)
    optimizer = getattr(optim, name)([param], **options)
    expected, memories = param.tolist(), [{}, {}]
    for t in range(1, 6):
        grads = [math.sin(t), 0.3 * t - 1]
        param.grad = tg.tensor(grads, dtype=tg.float64)
        optimizer.step()
        expected = [
            formula(x, g, t, m, **given) for x, g, m in zip(expected, grads, memories, strict=True)
        ]
        # the numbers of these two's states are float32
        rtol = 1e-6 if name in ("NAdam", "ASGD") else 1e-12
        np.testing.assert_allclose(param.tolist(), expected, rtol=rtol)


def test_the_average_of_asgd():
    """That of all values after step t0 + 1."""
    params = start(tg)
    optimizer = optim.ASGD(params, lr=0.1, t0=2)
    seen = []
    for step in range(6):
        run(tg, optimizer, params, range(step, step + 1))
        seen.append([p.detach().clone().numpy(force=True) for p in params[:2]])
    for number, param in enumerate(params[:2]):
        mean = np.mean([values[number] for values in seen[3:]], axis=0)
        np.testing.assert_allclose(optimizer.state[param]["ax"].numpy(force=True), mean, rtol=1e-6)


# ----- how a step behaves -----


@pytest.mark.parametrize("case", CASES)
def test_steps_work_in_place_outside_of_autograd(case):
    name, options = CASES[case]
    params = start(tg)
    optimizer = getattr(optim, name)(params, **options)
    pointers = [p.data_ptr() for p in params]
    give_gradients(tg, params, 0)
    before = [p.grad.clone() for p in params]
    loss = (params[0] ** 2).sum()
    assert optimizer.step() is None
    assert [p.data_ptr() for p in params] == pointers
    assert all(p.is_leaf and p.requires_grad and p.dtype is tg.float64 for p in params)
    assert all(tg.equal(p.grad, g) for p, g in zip(params, before, strict=True))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("case", CASES)
def test_on_every_device(case, device):
    name, options = CASES[case]
    results = []
    for where in (device, "cpu"):
        params = start(tg, "float32", where)
        optimizer = getattr(optim, name)(params, **options)
        results.append(run(tg, optimizer, params, range(4)))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_a_gpu_is_not_waited_for(case, no_sync):
    name, options = CASES[case]
    params = start(tg, "float32", "cuda")
    optimizer = getattr(optim, name)(params, **options)
    give_gradients(tg, params, 0)
    with no_sync():
        optimizer.step()
        optimizer.step()


@pytest.mark.parametrize("case", CASES)
def test_float16_parameters_stay_float16(case):
    name, options = CASES[case]
    params = start(tg, "float16")
    optimizer = getattr(optim, name)(
        params, **options if name in ("SGD", "ASGD", "Rprop") else {"eps": 1e-3, **options}
    )
    run(tg, optimizer, params, range(3))
    for p in params:
        assert p.dtype is tg.float16 and p.isfinite().all()
        for key, value in optimizer.state[p].items():
            number = key in ("step", "mu", "eta", "mu_product")
            assert value.dtype is (tg.float32 if number else tg.float16)


@pytest.mark.parametrize("name", FORMULAS)
def test_they_find_a_minimum(name):
    target = tg.tensor([1.0, -2.0, 3.0])
    x = tg.zeros(3, requires_grad=True)
    optimizer = getattr(optim, name)([x], lr={"Adadelta": 30.0, "ASGD": 0.1}.get(name, 0.3))
    for _ in range(200):
        optimizer.zero_grad()
        loss = ((x - target) ** 2).sum()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-2


def test_parameters_without_gradients_are_passed_over():
    params = start(tg)
    optimizer = optim.Adam(params)
    params[1].grad = tg.ones((), dtype=tg.float64)
    before = [p.tolist() for p in params]
    optimizer.step()
    assert [p.tolist() != b for p, b in zip(params, before, strict=True)] == [False, True, False]
    assert len(SHAPES) == 3 and list(optimizer.state_dict()["state"]) == [1]


def test_gradients_that_are_part_of_a_graph():
    x = tg.tensor([2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    optim.SGD([x], lr=0.5).step()
    assert x.tolist() == [-4.0]
    assert x.grad.requires_grad and x.grad.tolist() == [12.0]


def test_closures():
    x = tg.tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        return loss

    with tg.no_grad():  # the closure records all the same
        assert optimizer.step(closure).item() == 4.0
    assert x.tolist() == [0.0]


def test_options_can_change_between_steps():
    x, y = tg.zeros(1, requires_grad=True), tg.zeros(1, requires_grad=True)
    optimizer = optim.SGD([{"params": [x]}, {"params": y, "lr": 2.0}], lr=tg.tensor(0.5))
    x.grad = y.grad = tg.ones(1)
    optimizer.step()
    assert (x.item(), y.item()) == (-0.5, -2.0)
    optimizer.param_groups[1]["lr"] = np.float64(0.25)
    x.grad = None
    optimizer.step()
    assert (x.item(), y.item()) == (-0.5, -2.25)


def test_views_of_one_memory():
    """Parameters that are no contiguous arrays."""
    base = tg.zeros(3, 4)
    part = base.t()[1:3].detach().requires_grad_()
    for name in FORMULAS:
        part.grad = tg.ones(2, 3)
        getattr(optim, name)([part], lr=1.0).step()
    assert not base[:, 0].any() and (base[:, 1:3] < 0).all()
