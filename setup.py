"""The compiled part of the build: optional, so that an installation without a compiler works too, only slower."""

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = {
    "servicequal._account": "src/servicequal/_account.pyx",
    "servicequal._gather": "src/servicequal/_gather.pyx",
    "servicequal._glance": "src/servicequal/_glance.pyx",
    "servicequal._made": "src/servicequal/_made.pyx",
    "servicequal._words": "src/servicequal/_words.pyx",
    "servicequal._sieve": "src/servicequal/_sieve.pyx",
    "servicequal.rules._said": "src/servicequal/rules/_said.pyx",
    "servicequal.detector._grams": "src/servicequal/detector/_grams.pyx",
}

extensions = cythonize(
    [Extension(name, [source]) for name, source in SOURCES.items()], build_dir="build", language_level=3
)
for extension in extensions:
    extension.optional = True

setup(ext_modules=extensions)
