"""A second copy of the package in which every function that may err, errs, at random.

Elementary functions err relative to each value, FFTs and matrix products relative to the largest
value that comes out of the call, as real ones do.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import math
import operator
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import NormalDist
from types import CodeType, ModuleType
from typing import Any

import numpy as np
from scipy import fft, special

PACKAGE = "vrs_bench"

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
