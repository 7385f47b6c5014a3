"""The version of this library, under PyTorch's names."""

__version__ = "0.1.0"
cuda = None  # nothing here is built for a version of CUDA; CuPy is
hip = None
debug = False
git_version = "Unknown"  # what PyTorch says where it was not built from a repository
