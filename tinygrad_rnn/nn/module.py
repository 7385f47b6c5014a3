"""`Module`: the base of all layers and models, a tree of parameters, buffers and other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from ..autograd import no_grad
from ..autograd.hints import tells, wrong_argument
from ..creation import empty_like
from ..dtypes import dtype as DType
from ..tensor import Tensor, parse_to
from .hooks import EVERYWHERE, call_with_hooks, registered
from .parameter import Buffer, Parameter
from .printing import block, kind_of
from .state_dict import Saved


@tells
class Module(Saved):
    """Derive from it, call ``super().__init__()``, assign parameters and modules as attributes,
    and write `forward`.

    Attributes:
        training: whether the module trains (dropout drops) or evaluates; see `train`, `eval`.

    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = nn.Linear(4, 2)
    ...     def forward(self, x):
    ...         return torch.relu(self.fc(x))
    >>> Net()(torch.ones(3, 4)).shape
    torch.Size([3, 2])
    """

    training: bool

    def __init__(self) -> None:
        # Straight into the dict: __setattr__ relies on these
        self.__dict__.update(training=True, _parameters={}, _buffers={}, _modules={})
        self.__dict__.update(_non_persistent_buffers_set=set(), _module_hooks={})

    # ----- calling it -----

    def _missing_forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    # A variable, not a method, for type checkers: the forward of a subclass takes what it likes
    forward: Callable[..., Any] = _missing_forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._module_hooks or EVERYWHERE:
                return call_with_hooks(self, args, kwargs)
            return self.forward(*args, **kwargs) if kwargs else self.forward(*args)
        except Exception as error:
            wrong = self._own and wrong_argument(self.forward, args, kwargs, error)
            if wrong:
                raise wrong from error
            raise

    # ----- attributes -----

    def __getattr__(self, name: str) -> Any:
        """Parameters, buffers and modules; Python looks for ordinary attributes first."""
        own = self.__dict__
        for store in _STORES:
            members = own.get(store)
            if members is not None and name in members:
                return members[name]
        hint = "" if "_modules" in own else "; call super().__init__() before anything else"
        raise AttributeError(
            f"'{type(self).__name__}' object has no attribute '{name}'{hint}", name=name, obj=self
        )

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        for store, (kind, label, noun, expected) in _STORES.items():
            if isinstance(value, kind):
                if store not in own:
                    raise AttributeError(f"cannot assign {label} before Module.__init__() call")
                self._drop_member(name, other_than=store)
                if store != "_modules":  # in PyTorch, too, a module may have the name of a method
                    self._check_member_name(store, label, name)
                if isinstance(value, Buffer) and not value.persistent:
                    self._non_persistent_buffers_set.add(name)
                own[store][name] = registered(store, self, name, value)
                return
            if name in own.get(store, ()):
                if not (value is None or (store == "_buffers" and isinstance(value, Tensor))):
                    raise TypeError(
                        f"cannot assign '{kind_of(value)}' as {noun} '{name}' ({expected} expected)"
                    )
                own[store][name] = registered(store, self, name, value)
                return
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if any(name in self.__dict__.get(store, ()) for store in _STORES):
            self._drop_member(name)
        else:
            super().__delattr__(name)

    def _drop_member(self, name: str, other_than: str = "") -> None:
        for store in _STORES:
            if store != other_than:  # where the name is to keep its place in the order
                self.__dict__[store].pop(name, None)
        self.__dict__.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[:1].isdigit())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or with None the name of one that the module does without. Raises
        KeyError for a name that is empty, taken, or has a dot, TypeError for other objects."""
        self._check_member_name("_parameters", "parameter", name)
        if not isinstance(param, Parameter | None):
            raise TypeError(
                f"cannot assign '{kind_of(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'")
        self._parameters[name] = registered("_parameters", self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is no parameter but moves with the module, and is part of its state
        dict if it is persistent. Raises as `register_parameter` does."""
        self._check_member_name("_buffers", "buffer", name)
        if not isinstance(tensor, Tensor | None):
            raise TypeError(
                f"cannot assign '{kind_of(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = registered("_buffers", self, name, tensor)
        self._non_persistent_buffers_set.discard(name)
        if not persistent:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module under a name. Raises as `register_parameter` does."""
        if not isinstance(module, Module | None):
            raise TypeError(f"{kind_of(module)} is not a Module subclass")
        self._check_member_name("_modules", "module", name)
        self._modules[name] = registered("_modules", self, name, module)

    register_module = add_module

    def _check_member_name(self, store: str, label: str, name: str) -> None:
        if store not in self.__dict__:
            raise AttributeError(f"cannot assign {label} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{label} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{label} name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError(f'{label} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[store]:
            raise KeyError(f"attribute '{name}' already exists")

    # ----- the tree -----

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with dotted names, parents first, each once (or, without
        remove_duplicate, as often as it occurs)."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it, as `named_modules` has them."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one with their names, each once."""
        seen: set[Module] = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly below this one, each once."""
        return (child for _, child in self.named_children())

    def _named_members(
        self, store: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        seen = set()
        for path, module in modules if recurse else [(prefix, self)]:
            for name, member in module.__dict__[store].items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters of this module and, with recurse, of all below it, with dotted names."""
        yield from self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and, with recurse, of all below it, each once."""
        return (param for _, param in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers of this module and, with recurse, of all below it, with dotted names."""
        yield from self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and, with recurse, of all below it, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module with a dotted name, "" being this one. Raises AttributeError without one."""
        module = self
        for name in target.split(".") if target else ():
            module = module._get_member(name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with a dotted name. Raises AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        param = self.get_submodule(path)._get_member(name)
        if not isinstance(param, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return param

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with a dotted name. Raises AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = module._get_member(name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of the one with a dotted name, or, unless strict, where there
        is none yet. Raises ValueError for an empty name and for what is no module, AttributeError
        if what is above it, or is to be replaced, is missing or is no module."""
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {kind_of(module)}")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            parent.get_submodule(name)
        setattr(parent, name, module)

    def _get_member(self, name: str) -> Any:
        if not hasattr(self, name):
            raise AttributeError(f"{type(self).__name__} has no attribute `{name}`")
        return getattr(self, name)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing, as `torch.compile`: there is no compiler here."""

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call fn on all modules below this one, children first, then on this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ----- modes and gradients -----

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and below. Raises ValueError if mode is no bool."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say whether all parameters collect gradients."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters; with set_to_none=False make them zeros."""
        for param in self.parameters():
            if set_to_none:
                param.grad = None
            elif param.grad is not None:
                param.grad.detach_().zero_()

    # ----- dtypes and devices -----

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Put what fn returns in the place of every parameter's values, gradient, and buffer."""
        for child in self.children() if recurse else ():
            child._apply(fn)
        with no_grad():
            for param in self._parameters.values():
                if param is not None:
                    param.data = fn(param.data)
                    if param.grad is not None:
                        param.grad.data = fn(param.grad.data)
            for name, buffer in self._buffers.items():
                self._buffers[name] = None if buffer is None else fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """``to(device)``, ``to(dtype)``, ``to(device, dtype)``, ``to(tensor)``: move everything,
        and cast what is floating. Parameters stay the same objects. Raises TypeError for a dtype
        that is not floating."""
        dtype, device, *_ = parse_to(args, kwargs)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}"
            )
        return self._apply(
            lambda t: t.to(device=device, dtype=dtype if t.is_floating_point() else None)
        )

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give parameters and buffers new memory on a device, whose values are undefined."""
        return self._apply(lambda t: empty_like(t, device=device), recurse)

    def cpu(self) -> Self:
        """Move everything to the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move everything to a GPU."""
        return self.to("cuda" if device is None else device)

    def float(self) -> Self:
        """Cast what is floating to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Cast what is floating to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Cast what is floating to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def type(self, dst_type: DType) -> Self:
        """Cast everything, integers too."""
        return self._apply(lambda t: t.type(dst_type))

    # ----- as text -----

    def extra_repr(self) -> str:
        """What `repr` shows of the module itself; override it."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}" for name, child in self._modules.items()]
        return block(self, children)


# Where attributes of a kind live, and what messages call them; earlier ones have precedence
_STORES: dict[str, tuple[type, str, str, str]] = {
    "_parameters": (Parameter, "parameters", "parameter", "torch.nn.Parameter or None"),
    "_modules": (Module, "module", "child module", "torch.nn.Module or None"),
    "_buffers": (Buffer, "buffer", "buffer", "torch.nn.Buffer, torch.Tensor or None"),
}
