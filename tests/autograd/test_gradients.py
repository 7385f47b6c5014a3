"""Every primitive's gradients, of first and second order, against finite differences in float64;
on other devices against those on the CPU.

A sample is a call and the shapes of its inputs. `test_every_primitive_has_a_sample` walks the
graphs of all samples, and of their gradients, and fails for a primitive that none of them records.
"""

import math
from collections.abc import Sequence
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.autograd.graph import Node
from tinygrad_rnn.autograd.primitive import REGISTERED, primitive

from .samples import SAMPLES, Sample


def _inputs(sample: Sample, device: Any = None) -> list[torch.Tensor]:
    device = device or torch.get_default_device()
    generator = torch.Generator().manual_seed(7)
    inputs = []
    for shape in sample.shapes:
        x = torch.rand(*shape, generator=generator, dtype=torch.float64)
        x = x * (sample.high - sample.low) + sample.low
        inputs.append(x.to(device).requires_grad_())
    return inputs


def _operations(outputs) -> set:
    """The operations in the graph behind some tensors."""
    stack = [out.grad_fn for out in outputs if out.grad_fn is not None]
    seen = set(stack)
    while stack:
        for node, _ in stack.pop().next_functions:
            if isinstance(node, Node) and node not in seen:
                seen.add(node)
                stack.append(node)
    return {node.operation for node in seen}


def _outputs(sample: Sample, inputs):
    result = sample.call(*inputs)
    results = result if isinstance(result, tuple | list) else (result,)
    return [r for r in results if isinstance(r, torch.Tensor) and r.requires_grad]


def _derivatives(sample: Sample, device: str) -> list[torch.Tensor]:
    """The outputs, the gradients of a weighted sum of them, and those of one of the gradients: by
    the inputs, and by the weights of the outputs."""
    inputs = _inputs(sample, device)
    outputs = _outputs(sample, inputs)
    starts = _weights(outputs, 0.0)
    options: dict[str, Any] = {"allow_unused": True, "materialize_grads": True}
    first = torch.autograd.grad(outputs, inputs, starts, create_graph=True, **options)
    again = [g for g in first if g.requires_grad]
    second = torch.autograd.grad(again, [*inputs, *starts], _weights(again, 0.5), **options)
    return [*outputs, *first, *second]


def _weights(tensors: Sequence[torch.Tensor], phase: float) -> list[torch.Tensor]:
    """Numbers without any symmetry, as many as elements."""
    waves = [torch.arange(y.numel(), dtype=torch.float64) * 1.3 + phase + i for i, y in
             enumerate(tensors)]  # fmt: skip
    return [
        (wave.cos() + 0.2).reshape(y.shape).to(y.device, y.dtype).requires_grad_()
        for wave, y in zip(waves, tensors, strict=True)
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_first_order(sample):
    assert torch.autograd.gradcheck(sample.call, _inputs(sample), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_second_order(sample):
    assert torch.autograd.gradgradcheck(sample.call, _inputs(sample), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_with_create_graph_gradients_are_the_same(sample):
    """The second order is that of these, whatever they are."""
    inputs = _inputs(sample)
    outputs = _outputs(sample, inputs)
    options: dict[str, Any] = {
        "retain_graph": True,
        "allow_unused": True,
        "materialize_grads": True,
    }
    plain, recorded = (
        torch.autograd.grad(outputs, inputs, _weights(outputs, 0.0), create_graph=c, **options)
        for c in (False, True)
    )
    torch.testing.assert_close(recorded, plain, rtol=1e-10, atol=1e-10, check_stride=False)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_every_device_has_the_derivatives_of_the_cpu(sample, device):
    found, expected = _derivatives(sample, device), _derivatives(sample, "cpu")
    assert {y.device.type for y in found} <= {torch.device(device).type}
    torch.testing.assert_close([y.cpu() for y in found], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_gradients_keep_the_dtype(sample, dtype):
    if dtype is torch.float16 and not sample.half:
        pytest.skip("not for float16")
    inputs = [x.detach().to(dtype).requires_grad_() for x in _inputs(sample)]
    outputs = _outputs(sample, inputs)
    assert all(out.dtype is dtype for out in outputs)
    grads = torch.autograd.grad(outputs, inputs, [torch.ones_like(o) for o in outputs])
    assert all(g.dtype is dtype for g in grads)


def test_every_primitive_has_a_sample():
    covered = set()
    for sample in SAMPLES:
        inputs = _inputs(sample)
        outputs = _outputs(sample, inputs)
        covered |= _operations(outputs)
        starts = [torch.ones_like(o).requires_grad_() for o in outputs]
        grads = torch.autograd.grad(outputs, inputs, starts, create_graph=True)
        covered |= _operations(grads)
        second = torch.autograd.grad(
            [g for g in grads if g.requires_grad], [*inputs, *starts],
            [torch.ones_like(g).requires_grad_() for g in grads if g.requires_grad],
            create_graph=True, allow_unused=True,
        ) if any(g.requires_grad for g in grads) else ()  # fmt: skip
        covered |= _operations([g for g in second if g is not None])
    missing = {
        f"{op.forward.__module__.removeprefix('tinygrad_rnn.')}.{op.forward.__name__}"
        for op in REGISTERED
        if (op.rules or op.joint) and op not in covered and "test" not in op.forward.__module__
    }
    # Conversions lose digits that finite differences need: the tests below take their place
    missing -= {"ops.conversion._to_copy", "ops.conversion._to_device"}
    assert not missing, f"primitives without a gradient sample in samples.py: {missing}"


def test_conversion_to_another_dtype():
    x = torch.tensor([0.5, -2.0], requires_grad=True)
    (g,) = torch.autograd.grad((x.double() ** 3).sum(), x, create_graph=True)
    assert g.dtype is torch.float32 and g.tolist() == [0.75, 12.0]
    (second,) = torch.autograd.grad(g.sum(), x)
    assert second.dtype is torch.float32 and second.tolist() == [3.0, -12.0]


def test_conversion_to_another_device(device):
    x = torch.tensor([0.5, -2.0], requires_grad=True)
    (g,) = torch.autograd.grad((x.to(device) ** 3).sum(), x, create_graph=True)
    assert g.device == x.device and g.tolist() == [0.75, 12.0]
    (second,) = torch.autograd.grad(g.sum(), x)
    assert second.tolist() == [3.0, -12.0]


def test_a_wrong_rule_is_found():
    """The check can fail: a sign error, a missing factor and a lost term are all noticed."""
    x = torch.tensor([0.3, -1.2], dtype=torch.float64, requires_grad=True)

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]  # the factor 2 is missing

    assert not torch.autograd.gradcheck(Wrong.apply, (x,), raise_exception=False)
    with pytest.raises(RuntimeError, match="mismatch"):
        torch.autograd.gradcheck(Wrong.apply, (x,))


def test_a_gradient_of_another_shape_is_refused():
    @primitive
    def wrong(xp, x):
        return x * 2

    wrong.gradients(lambda g, _y, _x: g[:1])
    y = wrong(torch.ones(3, requires_grad=True))
    with pytest.raises(RuntimeError, match=r"WrongBackward0 .* got \[1\] but expected .* \[3\]"):
        y.sum().backward()


def test_hessian_of_a_fused_loss_by_hand():
    x = torch.tensor([[0.2, -0.4, 0.1]], dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(x, torch.tensor([1]))
    (g,) = torch.autograd.grad(loss, x, create_graph=True)
    rows = [torch.autograd.grad(g[0, i], x, retain_graph=True)[0][0] for i in range(3)]
    p = torch.softmax(x.detach(), 1)[0]
    expected = torch.diag(p) - torch.outer(p, p)
    assert torch.allclose(torch.stack(rows), expected, atol=1e-12)
    assert math.isclose(float(g.sum()), 0, abs_tol=1e-12)
