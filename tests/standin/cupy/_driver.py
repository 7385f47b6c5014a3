"""What there is room for on the imaginary GPUs: `cupy.cuda.driver`, as far as tinygrad_rnn uses
it, and the numbers of `Device.attributes`. Tests that want another GPU change them."""

ATTRIBUTES = {  # an H100's
    "CooperativeLaunch": 1,
    "MaxSharedMemoryPerBlockOptin": 232448,
    "MultiProcessorCount": 132,
}
COMPUTE_CAPABILITY = "90"


def occupancyMaxActiveBlocksPerMultiprocessor(
    func: int, blockSize: int, dynamicSMemSize: int
) -> int:
    """How many blocks a processor runs at once, if each thread takes 128 registers."""
    limit = ATTRIBUTES["MaxSharedMemoryPerBlockOptin"]
    if dynamicSMemSize > limit:
        return 0
    return min(65536 // (128 * blockSize), (limit + 1024) // (dynamicSMemSize + 1024))
