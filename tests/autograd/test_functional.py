"""autograd.functional: Jacobians, Hessians and products with vectors, as PyTorch's."""

import pytest

from ..ops.compare import agree, numbers

pytestmark = pytest.mark.usefixtures("default_device")

# Functions of x (2, 3) and y (3), and what is asked of them
TO_TENSORS = {
    "one of two": lambda x, y: (x * y).sin(),
    "two of two": lambda x, y: (x.sum(), (x * y * y).exp()),
    "unused input": lambda x, y: x * x,
}
TO_NUMBERS = {
    "cubes": lambda x, y: (x**3 * y).sum(),
    "unused input": lambda x, y: (x**4).sum(),
    "linear": lambda x, y: (x * 2).sum() + y.sum(),
    "no graph": lambda x, y: x.new_ones(()),
}
X, Y = numbers(2, 3), numbers(3, seed=1)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("func", TO_TENSORS.values(), ids=TO_TENSORS.keys())
def test_first_derivatives(func, create_graph):
    def jacobian(torch, x, y):
        return torch.autograd.functional.jacobian(func, (x, y), create_graph=create_graph)

    def products(torch, x, y):
        v = func(x.detach() + 1, y.detach())
        return (
            torch.autograd.functional.vjp(func, (x, y), v, create_graph=create_graph),
            torch.autograd.functional.jvp(func, (x, y), (x + 1, y * 2), create_graph=create_graph),
        )

    agree(jacobian, X, Y)
    agree(products, X, Y)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("func", TO_NUMBERS.values(), ids=TO_NUMBERS.keys())
def test_second_derivatives(func, create_graph):
    def derivatives(torch, x, y):
        f = torch.autograd.functional
        v = (x.detach() + 1, y.detach())
        return (
            f.hessian(func, (x, y), create_graph=create_graph),
            f.hvp(func, (x, y), v, create_graph=create_graph),
            f.vhp(func, (x, y), v, create_graph=create_graph),
        )

    agree(derivatives, X, Y)


def test_one_tensor_instead_of_a_tuple():
    agree(lambda torch, y: torch.autograd.functional.jacobian(lambda a: a.sum() * a, y), Y)
    agree(lambda torch, y: torch.autograd.functional.hessian(lambda a: (a**3).sum(), y), Y)
    agree(lambda torch, y: torch.autograd.functional.vjp(lambda a: a.sum(), y), Y)
    agree(lambda torch, y: torch.autograd.functional.jvp(lambda a: a * a, y[:1]), Y)
    agree(lambda torch, y: torch.autograd.functional.hvp(lambda a: a.prod(), y, y.detach()), Y)


def test_the_mode_outside_and_the_input_s_own_gradient_do_not_matter():
    def inside(torch, y):
        with torch.no_grad():
            return torch.autograd.functional.hessian(lambda a: (a**3).sum(), y.detach()), y.grad

    agree(inside, Y)


ERRORS = {
    "no vector": lambda f, y: f.vjp(lambda a: a * 2, y),
    "no vector for the inputs": lambda f, y: f.jvp(lambda a: a * 2, y),
    "another shape": lambda f, y: f.vjp(lambda a: a * 2, y, y[:2]),
    "too many": lambda f, y: f.vjp(lambda a: a * 2, y, (y, y)),
    "no tensor in": lambda f, y: f.jacobian(lambda a: a, 3),
    "no tensor out": lambda f, y: f.jacobian(lambda a: 3, y),
    "no number": lambda f, y: f.hessian(lambda a: a * 2, y),
    "no gradient": lambda f, y: f.jacobian(lambda a: a.new_ones(2), y, strict=True),
    "independent": lambda f, y: f.vjp(lambda a, b: a.sum(), (y, y), strict=True),
    "linear": lambda f, y: f.hessian(lambda a: a.sum(), y, strict=True),
}


@pytest.mark.parametrize("call", ERRORS.values(), ids=ERRORS.keys())
def test_errors(call):
    agree(lambda torch, y: call(torch.autograd.functional, y), Y)
