"""What pyproject.toml can't say: the compiled kernels, left out where they can't be built."""

import glob
import sys
from concurrent.futures import ThreadPoolExecutor

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = "tinygrad_rnn/backends/compiled/source"

kernels = Extension(
    "tinygrad_rnn.backends._kernels",
    sorted(glob.glob(f"{SOURCE}/*.c")),
    depends=sorted(glob.glob(f"{SOURCE}/*.h")),
    extra_compile_args=["-O3", "-g0", "-std=gnu11", "-pthread", "-fno-math-errno"],
    extra_link_args=["-pthread", "-lm"],
    py_limited_api=True,  # one build for Python 3.11 and all that follow
    optional=True,  # without a C compiler the package is installed too, and runs on NumPy
)


class BuildBesideEachOther(build_ext):
    """Compiles all sources of an extension at once: each of the larger ones takes half a minute."""

    def build_extensions(self):
        compile = self.compiler.compile

        def compile_all(sources, **options):
            with ThreadPoolExecutor() as threads:
                made = threads.map(lambda source: compile([source], **options), sources)
                return [one for objects in made for one in objects]

        self.compiler.compile = compile_all
        super().build_extensions()


setup(
    cmdclass={"build_ext": BuildBesideEachOther},
    # The kernels are written in GCC's and Clang's vectors, which Microsoft's compiler does not know
    ext_modules=[] if sys.platform == "win32" else [kernels],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
