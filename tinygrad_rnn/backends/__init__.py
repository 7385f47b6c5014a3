"""Arrays and the devices they live on. Nothing here knows of tensors."""

from . import (
    cpu as cpu,
    cuda as cuda,
    cudnn as cudnn,
    mha as mha,
    mkl as mkl,
    mkldnn as mkldnn,
    mps as mps,
    openmp as openmp,
    opt_einsum as opt_einsum,
)
from .device import (
    CPU as CPU,
    HostScalar as HostScalar,
    as_device as as_device,
    backend_for as backend_for,
    backend_of as backend_of,
    cuda_device_count as cuda_device_count,
    device as device,
    device_of as device_of,
    get_default_device as get_default_device,
    is_host as is_host,
    is_pinned as is_pinned,
    move as move,
    packed as packed,
    pinned as pinned,
    set_default_device as set_default_device,
)
from .fused.steps import Way as Way, Weights as Weights
from .protocol import Array as Array, Backend as Backend
