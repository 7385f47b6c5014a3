"""PyTorch's names for mixed precision: `autocast`, which changes nothing here, and `GradScaler`.

Everything is computed in the dtype that tensors have. For less precision convert them: half().
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import backends
from .autograd.grad_mode import Mode
from .autograd.hints import Telling, tells
from .creation import tensor
from .dtypes import dtype as DType
from .tensor import Tensor
from .warning import warn


@tells
class autocast(Mode):
    """A context manager and a decorator, for PyTorch's name: there is no mixed precision here.

    Everything inside is computed as it is outside. Enabled, it warns that this is so.

    Args:
        device_type: "cpu" or "cuda".
        dtype, cache_enabled: for PyTorch's signature, without an effect.
        enabled: False says that nothing is expected of it.

    >>> with torch.autocast("cpu", enabled=False): (torch.ones(1) * 2).dtype
    torch.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: DType | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = backends.device(device_type).type
        self.fast_dtype = dtype
        if enabled:
            warn(
                f"autocast('{device_type}'): there is no mixed precision here, and everything is "
                "computed in the dtype that tensors have. Disabling autocast."
            )

    def __enter__(self) -> autocast:  # type: ignore[override]
        super().__enter__()
        return self

    def _switch(self) -> None:
        pass

    def _restore(self, before: None) -> None:
        pass


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """False: there is no mixed precision here.

    >>> torch.is_autocast_enabled("cpu")
    False
    """
    return False


def is_autocast_available(device_type: str) -> bool:
    """False: there is no mixed precision here.

    >>> torch.amp.is_autocast_available("cuda")
    False
    """
    return False


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: DType | None = None
) -> Any:
    """A decorator for the `forward` of a `Function`, which it leaves as it is: there is no mixed
    precision here.

    >>> torch.amp.custom_fwd(torch.tanh, device_type="cpu") is torch.tanh
    True
    """
    return (lambda function: function) if fwd is None else fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """A decorator for the `backward` of a `Function`, which it leaves as it is.

    >>> torch.amp.custom_bwd(torch.tanh, device_type="cpu") is torch.tanh
    True
    """
    return (lambda function: function) if bwd is None else bwd


class GradScaler(Telling):
    """Multiplies losses, of any shape, so that gradients of half precision do not vanish, and
    divides gradients by the same before a step, which is left out if they are not finite.

        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    Args:
        device: "cuda" (disabled, with a warning, where there is none) or "cpu".
        init_scale: the scale at the beginning.
        growth_factor: what `update` multiplies it with after growth_interval good steps.
        backoff_factor: what `update` multiplies it with after a step that was left out.
        enabled: if False, nothing is scaled and no step is left out.

    >>> scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    >>> scaler.scale(torch.tensor(1.5))
    tensor(6.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device, self._enabled = device, enabled
        if enabled and device == "cuda" and not backends.cuda_device_count():
            warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
            self._enabled = False
        if self._enabled and not growth_factor > 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if self._enabled and not backoff_factor < 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._scale, self._good_steps = float(init_scale), 0
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        # By the optimizer's identity since the last update: whether its gradients are finite, and
        # whether it stepped
        self._finite: dict[int, bool] = {}
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """The tensor, or tensors in lists and tuples, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            # A tensor of the default dtype, as far as promotion goes
            scale = self._scale if outputs.dim() else tensor(self._scale, device=outputs.device)
            return outputs * scale
        if isinstance(outputs, list | tuple):
            return type(outputs)(self.scale(part) for part in outputs)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, before clipping them for
        example. Raises RuntimeError the second time since `update`."""
        if not self._enabled:
            return
        key = id(optimizer)
        if key in self._stepped:
            raise RuntimeError("unscale_() is being called after step().")
        if key in self._finite:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        finite: dict[Any, Any] = {}  # by device, each of which is asked once
        for group in optimizer.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    param.grad.data.div_(self._scale)
                    own = param.grad.data.isfinite().all()
                    finite[own.device] = own & finite.get(own.device, True)
        self._finite[key] = all(map(bool, finite.values()))

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(*args, **kwargs)`` after `unscale_`, unless a gradient is not finite:
        then None. Raises RuntimeError the second time since `update`."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        key = id(optimizer)
        if key in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if key not in self._finite:
            self.unscale_(optimizer)
        self._stepped.add(key)
        return optimizer.step(*args, **kwargs) if self._finite[key] else None

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Choose the scale for the next steps, or set it."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._finite:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif not all(self._finite.values()):
            self._scale, self._good_steps = self._scale * self._backoff_factor, 0
        else:
            self._good_steps += 1
            if self._good_steps == self._growth_interval:
                self._scale, self._good_steps = self._scale * self._growth_factor, 0
        self._finite, self._stepped = {}, set()

    # ----- what it is set to -----

    def is_enabled(self) -> bool:
        """Whether it scales."""
        return self._enabled

    def get_scale(self) -> float:
        """The scale, 1.0 if it is not enabled."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """What the scale is multiplied with after good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied with after good steps."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied with after a step that was left out."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied with after a step that was left out."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many good steps there are before the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set how many good steps there are before the scale grows."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """The scale and what it depends on; empty if it is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` returned, here or in PyTorch. Raises RuntimeError if that is
        empty."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._scale, self._good_steps = state_dict["scale"], state_dict["_growth_tracker"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
