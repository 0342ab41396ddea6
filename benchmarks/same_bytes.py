"""Whether published bytes survive what differs between machines: the last bit of every function.

python benchmarks/same_bytes.py [--scenes 20] [--size toy] [--ulps 1] [--json]

The package is loaded a second time from the same sources, changed in one way: whatever IEEE 754
does not fix to the bit (exponentials, FFTs, matrix products, sums whose order is free …) comes out
one unit in the last place too large or too small, at random. Elementary functions err relative to
each value, FFTs and matrix products relative to the largest value that comes out of the call, as
real ones do. Then the rows of both are compared value by value. With more ``--ulps``, one sees how
far from the edge it all is.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import math
import operator
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import NormalDist
from types import CodeType, ModuleType
from typing import Any

import numpy as np
from measure import print_table
from scipy import fft, special

PACKAGE = "vrs_bench"
SCENES = {"tiny": 12, "toy": 2, "large": 1, "parts": 8}
"""Scenes of each recipe that are compared where no number is asked for."""
PARTS = {
    "name": "parts",
    "scenes": 3,
    "scenes_per_shard": 1,
    "world": {
        "seed": 5,
        "height": 96,
        "width": 128,
        "horizon": 4,
        "cells": {"n": 12, "lloyd_steps": 2, "class_patch_px": 40.0},
        "series": {"step_days": 90},
        "products": {
            "optical": {
                "texture": {"kernel": {"name": "rational_quadratic", "length_scale": 3.0}},
                "background": [0.075, 0.1, 0.12, 0.2],
            },
            "sar": {
                "texture": {"kernel": {"name": "sin_squared", "periodicity": 6.0}},
                "background": [0.47, 0.22],
            },
        },
    },
    "sensors": {
        "super_res": {
            "lr": {
                "name": "swath",
                "product": "optical",
                "stages": [
                    {"stage": "deformation", "axis": "columns"},
                    {
                        "stage": "aggregation",
                        "target_size": {"height": 40, "width": 50},
                        "sigma_px": 1.5,
                    },
                    {"stage": "noise", "shot_noise": 0.01},
                ],
            }
        }
    },
}
"""What the packaged recipes leave out: relaxed sites, patches of classes, other kernels, and a
swath that is distorted."""

_ELEMENTARY = (
    "exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh "
    "hypot power float_power cbrt sum mean std var"
)
_MATH = "exp expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh hypot pow"
_SPECIAL = "ndtr ndtri erf erfc erfinv gamma gammaln gammainc gammaincinv betaincinv"
_TRANSFORMS = "fft fft2 fftn ifft ifft2 ifftn rfft rfft2 rfftn irfft irfft2 irfftn"
_PRODUCTS = ("matmul", "dot", "einsum", "tensordot", "convolve")
_FACTORS = ("cholesky", "solve", "inv", "pinv", "lstsq", "eigh", "svd", "qr", "det")
_REDUCTIONS = ("sum", "mean", "std", "var", "dot")
"""Methods of arrays that add many values up, in an order that is the processor's."""

Function = Callable[..., Any]


class Perturbation:
    """Finds the functions that IEEE 754 does not fix, and moves what they return."""

    def __init__(self, seed: int, ulps: int) -> None:
        """Seed the directions in which values are moved, and say how far."""
        self._rng, self._ulps = np.random.default_rng(seed), ulps
        self.calls: Counter[str] = Counter()
        """How often each function was called whose results were moved."""
        self._moved: dict[Function, Function] = {}
        of_value = [(np, _ELEMENTARY), (math, _MATH), (special, _SPECIAL)]
        for module, names in of_value:
            self._moved |= {getattr(module, n): self._each for n in names.split()}
        of_largest = [
            *(getattr(fft, name) for name in _TRANSFORMS.split()),
            *(getattr(np.fft, name) for name in _TRANSFORMS.split()),
            *(getattr(np, name) for name in _PRODUCTS),
            *(getattr(np.linalg, name) for name in _FACTORS),
            operator.matmul,
        ]
        self._moved |= dict.fromkeys(of_largest, self._by_largest)
        self._moved[operator.pow] = self._power
        self._moved[NormalDist.inv_cdf] = self._each

    def __call__(self, function: Function) -> Function:
        """Return a function that errs where ``function`` may err, else ``function`` itself."""
        of = getattr(function, "__self__", None)
        if isinstance(of, np.ndarray):
            if of.dtype.kind not in "fc" or function.__name__ not in _REDUCTIONS:
                return function
            move = self._each
        else:
            try:
                move = self._moved[getattr(function, "__func__", function)]
            except (KeyError, TypeError):
                return function

        def moved(*arguments: Any, **keywords: Any) -> Any:
            self.calls[function.__name__] += 1
            result = function(*arguments, **keywords)
            if "out" in keywords and keywords["out"] is not None:
                result[...] = move(result)
                return result
            return move(result, *arguments) if function is operator.pow else move(result)

        return moved

    def _signs(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        return self._ulps * (1.0 - 2 * self._rng.integers(0, 2, shape, np.int8))

    def _each(self, result: Any) -> Any:
        """Move each value but exact zeros by units in its own last place."""
        if type(result) is float:
            return result + float(self._signs(())) * math.ulp(result) if result else result
        if getattr(result, "dtype", np.dtype(int)).kind != "f":
            return result
        with np.errstate(invalid="ignore"):
            step = np.where(np.isfinite(result) & (result != 0), np.spacing(result), 0)
        return (result + self._signs(np.shape(result)) * step).astype(result.dtype)[()]

    def _by_largest(self, result: Any) -> Any:
        """Move each value but exact zeros by units in the last place of the largest."""
        if getattr(result, "dtype", np.dtype(int)).kind not in "fc" or not np.size(result):
            return result
        step = np.spacing(np.abs(result).max())
        if result.dtype.kind == "c":
            moved = result.copy()
            moved.real += step * self._signs(result.shape)
            moved.imag += step * self._signs(result.shape)
        else:
            moved = result + (result != 0) * step * self._signs(result.shape)
        return moved.astype(result.dtype)

    def _power(self, result: Any, base: Any, exponent: Any) -> Any:
        """Move a power, but for squares, which are one product."""
        return result if np.ndim(exponent) == 0 and exponent == 2 else self._each(result)


class _Rewrite(ast.NodeTransformer):
    """Let every call, ``**`` and ``@`` of a module ask first whether it may err."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return node
        node.func = ast.Call(ast.Name("perturbed_", ast.Load()), [node.func], [])
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        name = {ast.Pow: "pow_", ast.MatMult: "matmul_"}.get(type(node.op))
        if name is None:
            return node
        function = ast.Name(name, ast.Load())
        asked = ast.Call(ast.Name("perturbed_", ast.Load()), [function], [])
        return ast.Call(asked, [node.left, node.right], [])


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module of the package rewritten; no byte code is kept."""

    perturbation: Perturbation

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = _Rewrite().visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec")

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(
            perturbed_=self.perturbation, pow_=operator.pow, matmul_=operator.matmul
        )
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of the package, and gives them the loader that rewrites."""

    def __init__(self, perturbation: Perturbation) -> None:
        self._perturbation = perturbation

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.split(".")[0] != PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path)
            spec.loader.perturbation = self._perturbation
        return spec


@contextmanager
def perturbed_package(perturbation: Perturbation) -> Iterator[None]:
    """Let imports of the package inside the block give a fresh, perturbed copy of it."""
    finder = _Finder(perturbation)
    kept = {name: sys.modules.pop(name) for name in [*sys.modules] if _is_ours(name)}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [*sys.modules]:
            if _is_ours(name):
                del sys.modules[name]
        sys.modules.update(kept)


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == PACKAGE


class Rows:
    """Makes published rows by the package as it is imported at the moment."""

    def __init__(self) -> None:
        """Import what makes rows."""
        self._tasks = importlib.import_module(f"{PACKAGE}.tasks")
        self._recipes = importlib.import_module(f"{PACKAGE}.recipes")
        self._scene = importlib.import_module(f"{PACKAGE}.world.scene")

    def of(self, size: str, scene: int) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of all tasks of one scene."""
        if size == PARTS["name"]:
            recipe = self._recipes.check_recipe(self._recipes.BenchmarkRecipe, PARTS, size)
        else:
            recipe = self._recipes.load_recipe(self._recipes.BenchmarkRecipe, size)
        made = self._scene.make_scene(recipe.world, scene)
        for task in self._tasks.TASKS:
            yield from self._tasks.bind(task, recipe).rows(made)


def compare(size: str, scenes: int, perturbation: Perturbation) -> tuple[int, int]:
    """Return how many values were compared, and how many of them differ."""
    plain = Rows()
    with perturbed_package(perturbation):
        perturbed = Rows()
        values = differing = 0
        for number in range(scenes):
            for row, other in zip(plain.of(size, number), perturbed.of(size, number), strict=True):
                for name, value in row.items():
                    values += np.size(value)
                    differing += int(np.count_nonzero(np.asarray(value) != other[name]))
    return values, differing


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; the status is 1 where values differ."""
    parser = argparse.ArgumentParser(description="Look for bytes that hang on the last bit.")
    parser.add_argument("--size", action="append", help=f"default: all of {', '.join(SCENES)}")
    parser.add_argument("--scenes", type=int, help=f"of each size; default: {SCENES}")
    parser.add_argument("--seed", type=int, default=0, help="of the directions of the errors")
    parser.add_argument("--ulps", type=int, default=1, help="size of the errors, last places")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    perturbation = Perturbation(options.seed, options.ulps)
    found = {
        size: compare(size, options.scenes or SCENES.get(size, 2), perturbation)
        for size in options.size or SCENES
    }
    if options.json:
        print(json.dumps({"values": found, "calls": perturbation.calls}))
    else:
        print_table(
            f"Published values that errors of {options.ulps} ulp change",
            ("size", "compared", "differ"),
            [(size, f"{values:,}", f"{changed:,}") for size, (values, changed) in found.items()],
        )
    return int(any(changed for _, changed in found.values()))


if __name__ == "__main__":
    sys.exit(main())
