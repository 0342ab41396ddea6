"""Super-resolution with the known sensor: iterative back-projection, and least squares with edges.

Source of the first: Irani and Peleg 1991, *Improving resolution by image registration*. The second
is the maximum a posteriori estimate under noise of equal variance and a prior of total variation:
least ``½ ‖A x - y‖² + λ Σ √(|∇x|² + ε²)`` over all pixels, where the gradient is that of all
channels together, so that they share their edges (vectorial total variation). It is found by
lagged diffusivity (Vogel and Oman 1996): with the weights of the last images the problem is
quadratic, and a few conjugate gradients lower it; so does then the objective.

Of one date, channels are its bands. Of all dates together they are a few images that are mixed
into all bands of all dates: the principal components of the series, since a place changes with
time in few ways (low rank), while its edges stay. Each date sees them through another shift, so
together they resolve what none does alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from baselines.inputs import Inputs
from baselines.methods.enlarging import BICUBIC
from baselines.methods.forward import Stack, blurred, operators_of
from baselines.methods.method import Example, Examples, Method, Restore
from baselines.methods.tuning import least_error
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats

NEEDS = "a main input that shows what the target does, in larger pixels"

OUTER, INNER = 8, 8
"""Renewals of the weights, and conjugate gradients between them."""

TUNED_ON = 2
"""Validation scenes by which settings are chosen."""

TUNED_DATES = 4
"""Their dates, of methods that restore each by itself."""

STEPS = (1, 2, 4, 8, 16)
WEIGHTS = (1e-4, 3e-4, 1e-3, 3e-3)
EDGES = (0.001, 0.003, 0.01)
RANKS = (3, 4, 6, 8, 12)
"""Values that are tried."""


@dataclass(frozen=True)
class Prior:
    """How images are thought to be."""

    weight: float
    """λ."""
    edge: float
    """ε: gradients that are smaller are smoothed, larger ones are edges and kept; of all channels
    together, the root of the mean square, in reflectance."""


def enlarged(bound: BoundTask, inputs: Inputs) -> Floats:
    """Return the dates by cubic convolution."""
    assert BICUBIC.restore is not None  # noqa: S101  # nothing of it is fitted
    return BICUBIC.restore(bound, inputs)


def back_projected(stack: Stack, seen: Floats, start: Floats, steps: int) -> Floats:
    """Return images nearer to what was seen, by steps along the operator's adjoint.

    The step is the largest that can not overshoot: one over the square of the operator's norm.
    """
    norms = [
        np.linalg.norm(matrix[:, 0], 2, axis=(1, 2)) ** 2 for matrix in (stack.rows, stack.columns)
    ]
    rate = (1 / (norms[0] * norms[1]))[:, None, None, None].astype(np.float32)
    images = start.copy()
    for _ in range(steps):
        images += rate * stack.adjoint(seen - stack.apply(images))
    return images


def gradients(images: Floats) -> tuple[Floats, Floats]:
    """Return forward differences down and across, 0 at the last row and column."""
    down, across = np.zeros_like(images), np.zeros_like(images)
    np.subtract(images[..., 1:, :], images[..., :-1, :], out=down[..., :-1, :])
    np.subtract(images[..., 1:], images[..., :-1], out=across[..., :-1])
    return down, across


def divergence(down: Floats, across: Floats) -> Floats:
    """Return minus the adjoint of :func:`gradients`."""
    total = np.zeros_like(down)
    total[..., :-1, :] += down[..., :-1, :]
    total[..., 1:, :] -= down[..., :-1, :]
    total[..., :-1] += across[..., :-1]
    total[..., 1:] -= across[..., :-1]
    return total


@dataclass(frozen=True, eq=False)
class Problem:
    """Images (channel, H, W) that explain what was seen through a linear map."""

    apply: Callable[[Floats], Floats]
    """Images → what is seen of them."""
    adjoint: Callable[[Floats], Floats]
    seen: Floats
    prior: Prior

    def objective(self, images: Floats) -> float:
        """Return what is to be made small."""
        misfit = np.square(self.apply(images) - self.seen).sum(dtype=np.float64)
        lengths = self._lengths(images)
        return float(misfit / 2 + self.prior.weight * lengths.sum(dtype=np.float64))

    def solve(self, start: Floats, outer: int = OUTER, inner: int = INNER) -> Floats:
        """Return images with a smaller objective than those of the start."""
        images, data = start, self.adjoint(self.seen)
        for _ in range(outer):
            weights = np.float32(self.prior.weight) / self._lengths(images)
            images = _conjugate_gradients(partial(self._normal, weights), data, images, inner)
        return images

    def _lengths(self, images: Floats) -> Floats:
        """Return √(|∇x|² + ε²) at every pixel, over channels."""
        down, across = gradients(images)
        squares = np.einsum("chw,chw->hw", down, down) + np.einsum("chw,chw->hw", across, across)
        return np.asarray(np.sqrt(squares + np.float32(self.prior.edge**2)))

    def _normal(self, weights: Floats, images: Floats) -> Floats:
        down, across = gradients(images)
        down *= weights
        across *= weights
        return self.adjoint(self.apply(images)) - divergence(down, across)


def _conjugate_gradients(
    normal: Callable[[Floats], Floats], wanted: Floats, start: Floats, steps: int
) -> Floats:
    """Lower ½ xᵀ N x - xᵀ b by so many steps (Hestenes and Stiefel 1952)."""
    images = start.copy()
    residual = wanted - normal(images)
    direction = residual.copy()
    square = float(np.vdot(residual, residual))
    for _ in range(steps):
        if square == 0:
            break
        bent = normal(direction)
        rate = np.float32(square / float(np.vdot(direction, bent)))
        images += rate * direction
        residual -= rate * bent
        before, square = square, float(np.vdot(residual, residual))
        direction = residual + np.float32(square / before) * direction
    return images


def map_of_each_date(bound: BoundTask, inputs: Inputs, prior: Prior) -> Floats:
    """Return the estimate of each date by itself."""
    start, operators = enlarged(bound, inputs), operators_of(bound, inputs)
    scale = np.float32(np.sqrt(start.shape[1]))  # ε is of the mean over channels
    scaled = Prior(prior.weight, prior.edge * float(scale))
    images = []
    for date, operator in enumerate(operators):
        stack = Stack.of([operator])
        problem = Problem(
            apply=lambda x, stack=stack: stack.apply(x[None])[0],  # type: ignore[misc]
            adjoint=lambda y, stack=stack: stack.adjoint(y[None])[0],  # type: ignore[misc]
            seen=inputs[bound.main_input][date],
            prior=scaled,
        )
        images.append(problem.solve(start[date]))
    return np.stack(images)


def components(images: Floats, rank: int) -> Floats:
    """Return the principal directions of the series of pixels: (channel, date, band).

    Args:
        images: (date, band, height, width).
        rank: of the mean and all others together at most so many.
    """
    flat = images.reshape(images.shape[0] * images.shape[1], -1)
    _, vectors = np.linalg.eigh(flat @ flat.T)
    chosen = vectors[:, ::-1][:, :rank].T
    return np.ascontiguousarray(chosen, np.float32).reshape(-1, *images.shape[:2])


def map_of_all_dates(bound: BoundTask, inputs: Inputs, prior: Prior, rank: int) -> Floats:
    """Return the estimate of all dates together; what has no place in it, enlarged, is added."""
    start, seen = enlarged(bound, inputs), inputs[bound.main_input]
    stack = Stack.of(operators_of(bound, inputs))
    mix = components(start, rank)

    def mixed(channels: Floats) -> Floats:
        return np.tensordot(mix, channels, axes=(0, 0))

    def unmixed(images: Floats) -> Floats:
        return np.tensordot(mix, images, axes=((1, 2), (0, 1)))

    problem = Problem(
        apply=lambda x: stack.apply(mixed(x)),
        adjoint=lambda y: unmixed(stack.adjoint(y)),
        seen=seen,
        prior=Prior(prior.weight, prior.edge * float(np.sqrt(start.shape[0] * start.shape[1]))),
    )
    images = mixed(problem.solve(unmixed(start)))
    left: Array = seen - stack.apply(images)
    return images + enlarged(bound, {**inputs, bound.main_input: left})


def _clipped(images: Floats) -> Floats:
    return np.clip(images, 0, 1)


def _first_dates(example: Example) -> Example:
    """Return a scene of a few dates, evenly spread."""
    dates = np.linspace(0, len(example.target) - 1, TUNED_DATES).round().astype(int)
    inputs = {name: values[dates] for name, values in example.inputs.items()}
    return Example(inputs, example.target[dates])


def _fit_back_projection(bound: BoundTask, examples: Examples) -> Restore:
    def images(steps: int, task: BoundTask, inputs: Inputs) -> Floats:
        stack = Stack.of(operators_of(task, inputs))
        start = enlarged(task, inputs)
        return _clipped(back_projected(stack, inputs[task.main_input], start, steps))

    chosen = least_error(
        STEPS,
        map(_first_dates, examples.validation(TUNED_ON)),
        lambda steps, example: images(steps, bound, example.inputs),
    )
    return partial(images, chosen)


def _fit_map(bound: BoundTask, examples: Examples) -> Restore:
    chosen = least_error(
        [Prior(weight, edge) for weight in WEIGHTS for edge in EDGES],
        map(_first_dates, examples.validation(TUNED_ON)),
        lambda prior, example: map_of_each_date(bound, example.inputs, prior),
    )
    return lambda task, inputs: _clipped(map_of_each_date(task, inputs, chosen))


def _fit_map_all(bound: BoundTask, examples: Examples) -> Restore:
    scenes = list(examples.validation(TUNED_ON))

    def best(tried: list[tuple[Prior, int]]) -> tuple[Prior, int]:
        return least_error(
            tried, scenes, lambda of, example: map_of_all_dates(bound, example.inputs, *of)
        )

    prior, rank = best([(Prior(weight, EDGES[1]), RANKS[1]) for weight in WEIGHTS])
    prior, rank = best([(Prior(prior.weight, edge), rank) for edge in EDGES])
    prior, rank = best([(prior, count) for count in RANKS])
    return lambda task, inputs: _clipped(map_of_all_dates(task, inputs, prior, rank))


BACK_PROJECTION = Method(
    name="back-projection",
    description="Bicubic, corrected by what the sensor would see differently (Irani, Peleg 1991).",
    needs=NEEDS,
    suits=blurred,
    fit=_fit_back_projection,
)
MAP_ONE_DATE = Method(
    name="map-one-date",
    description="Most likely image of each date by the known sensor and a prior of few edges.",
    needs=NEEDS,
    suits=blurred,
    fit=_fit_map,
)
MAP_ALL_DATES = Method(
    name="map-all-dates",
    description="Most likely images of all dates together: shared edges, series of low rank.",
    needs=NEEDS,
    suits=blurred,
    fit=_fit_map_all,
)
