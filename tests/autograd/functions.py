"""User-written operations that the tests of `Function` share."""


def leaf(t):
    return t.tensor([1.5, 2.0], requires_grad=True)


def make(t, forward, backward, **others):
    """A Function class of these functions."""
    methods = {"forward": forward, "backward": backward, **others}
    named = {name: staticmethod(method) for name, method in methods.items()}
    return type("Made", (t.autograd.Function,), named)


def squared(t):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x

    return make(t, forward, backward)


def exponential(t):
    """Saves its output."""

    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    return make(t, forward, lambda ctx, g: g * ctx.saved_tensors[0])


def doubled(t, backward):
    """Twice the first argument, with a backward of the test's."""
    return make(t, lambda ctx, x, *others: x * 2, backward)
