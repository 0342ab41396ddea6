"""Examples in docstrings give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import vrs_bench.metrics

MODULES = ["vrs_bench.columns"] + [
    f"vrs_bench.metrics.{module.name}" for module in iter_modules(vrs_bench.metrics.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    modules = map(import_module, MODULES)
    assert sum(bool(found.examples) for m in modules for found in finder.find(m)) >= 9
