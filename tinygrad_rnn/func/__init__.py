"""Functions of functions: derivatives, batches, and modules as functions of their parameters."""

import sys

from ..autograd.hints import tell
from .batches import vmap as vmap
from .derivatives import (
    grad as grad,
    grad_and_value as grad_and_value,
    hessian as hessian,
    jacfwd as jacfwd,
    jacrev as jacrev,
    jvp as jvp,
    linearize as linearize,
    vjp as vjp,
)
from .modules import (
    functional_call as functional_call,
    replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_,
    stack_module_state as stack_module_state,
)

tell(sys.modules[__name__], at_once=True)
