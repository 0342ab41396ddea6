"""The sensor of the main input as an operator, by what of it a method may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from baselines.inputs import Inputs, shows_target
from vrs_bench.sensors.operator import SeparableOperator
from vrs_bench.sensors.stages.aggregation import Aggregation
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats


def blurred(bound: BoundTask) -> bool:
    """Say whether the main input shows the target in larger pixels, by a known operator."""
    return shows_target(bound) and bound.gsd_ratio > 1


def operators_of(bound: BoundTask, inputs: Inputs) -> list[SeparableOperator]:
    """Return what of the sensor moves and mixes pixels, at each time step.

    Registration shifts are those that are published; calibration and noise are left out, since a
    method does not know them.
    """
    return [_operator(bound, shift) for shift in _shifts(bound, inputs)]


def _shifts(bound: BoundTask, inputs: Inputs) -> Array:
    steps = len(inputs[bound.main_input])
    return inputs["phase"] if "phase" in inputs else np.zeros((steps, 2), np.float32)


def _operator(bound: BoundTask, shift: Array) -> SeparableOperator:
    height, width = bound.column(bound.target).shape[1:]
    product = SeparableOperator(np.eye(height), np.eye(width))
    shifted = False
    for stage in bound.main_sensor.stages:
        if not stage.moves:
            continue
        cause = None
        if isinstance(stage, Aggregation):
            # Of several, `phase` is that of the first that is shifted.
            known = bool(stage.max_shift) and not shifted
            cause = (float(shift[0]), float(shift[1])) if known else (0.0, 0.0)
            shifted |= known
        size = (product.rows.shape[0], product.columns.shape[0])
        product = stage.operator(*size, cause).after(product)
    return product


@dataclass(frozen=True, eq=False)
class Stack:
    """The operators of several dates, applied to all their bands at once in float32."""

    rows: Floats
    """(date, 1, h, H)"""
    columns: Floats
    """(date, 1, w, W)"""

    @classmethod
    def of(cls, operators: Sequence[SeparableOperator]) -> Stack:
        """Put operators of equal sizes together."""
        rows = np.stack([of.rows for of in operators])[:, None].astype(np.float32)
        columns = np.stack([of.columns for of in operators])[:, None].astype(np.float32)
        return cls(rows, columns)

    def apply(self, images: Floats) -> Floats:
        """Return what is seen of (date, band, H, W): (date, band, h, w)."""
        return np.asarray(self.rows @ (images @ self.columns.swapaxes(-1, -2)))

    def adjoint(self, seen: Floats) -> Floats:
        """Return the adjoint's images of (date, band, h, w): (date, band, H, W)."""
        return np.asarray((self.rows.swapaxes(-1, -2) @ seen) @ self.columns)
