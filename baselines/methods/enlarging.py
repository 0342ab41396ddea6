"""Enlarging by interpolation, with the known registration shift: the floor of super-resolution."""

from __future__ import annotations

import numpy as np

from baselines.inputs import Inputs, at_step, on_target_grid, shows_target
from baselines.methods.method import Method
from vrs_bench.interpolation import Weights, cubic_matrix, lanczos_matrix, nearest_matrix
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats


def _method(name: str, description: str, weights: Weights) -> Method:
    def enlarge(bound: BoundTask, inputs: Inputs) -> Floats:
        steps = range(len(inputs[bound.main_input]))
        return np.stack(
            [
                on_target_grid(bound, at_step(inputs, step), bound.main_input, weights)
                for step in steps
            ]
        )

    return Method(
        name=name,
        description=description,
        needs="a main input that shows what the target does, in larger pixels",
        suits=lambda bound: shows_target(bound) and bound.gsd_ratio > 1,
        restore=enlarge,
    )


NEAREST = _method("nearest", "Every pixel takes the value of the nearest one.", nearest_matrix)
BICUBIC = _method("bicubic", "Cubic convolution (Keys 1981), registered.", cubic_matrix)
LANCZOS = _method("lanczos", "A sinc of three lobes (Duchon 1979), registered.", lanczos_matrix)
