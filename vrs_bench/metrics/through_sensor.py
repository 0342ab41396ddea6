"""Whether a prediction explains what was observed: the main input's sensor looks at it."""

from __future__ import annotations

import numpy as np

from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.types import Doubles


def _rmse(scene: JudgedScene) -> Doubles:
    return scene.through_sensor_rmse(scene.images)


def _excess(scene: JudgedScene) -> Doubles:
    return np.maximum(scene.once(_rmse) - scene.through_sensor_rmse(scene.truth), 0)


METRICS = (
    Metric(
        name="through_sensor_rmse",
        label="through-sensor RMSE",
        group="consistency",
        higher_is_better=False,
        computed=PerRow(lambda scene: scene.once(_rmse)),
        definition=(
            "RMSE between what the main input's sensor recorded and the prediction seen through "
            "that very sensor, with the clouds, calibration and registration of the row and "
            "without noise, over all bands and pixels of the input, on the scale [0, 1]. Mean "
            "over rows. The truth itself reaches the sensor's noise; less than that means that "
            "noise was fitted. Only where the main input is an image of the target's product: no "
            "sensor makes radar of optical images."
        ),
        high=1,
        needs=frozenset({"input", "operator"}),
        shown=frozenset({"board"}),
    ),
    Metric(
        name="through_sensor_excess",
        label="through-sensor excess",
        group="consistency",
        higher_is_better=False,
        computed=PerRow(_excess),
        in_skill=True,
        definition=(
            "Through-sensor RMSE, as far as it exceeds that of the truth itself, which is the "
            "noise of the row: row by row, 0 where it does not. Mean over rows."
        ),
        high=1,
        needs=frozenset({"input", "operator"}),
    ),
)
