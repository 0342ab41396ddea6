"""Predictions seen through the sensor that made the task's main input: do they explain it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vrs_bench.columns import restore
from vrs_bench.errors import BenchError
from vrs_bench.metrics.distortion import rmse
from vrs_bench.sensors.sensor import view
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Doubles, Floats


def through_sensor(
    task: BoundTask,
    scene: Mapping[str, Any],
    prediction: Floats,
) -> Floats | None:
    """Return predictions as the sensor of the task's main input would have recorded them.

    The very code that made the data draws the clouds, calibration and registration of each row
    again and looks at the prediction instead of the truth; only noise is left out.

    Args:
        task: the task, as it is in the folder.
        scene: one scene as
            :meth:`vrs_bench.data.read.dataset_folder.DatasetFolder.scenes` yields it: its number
            ``scene``, and arrays by row, of which ``time_step`` and the published causes are read.
        prediction: (row, band, H, W) float32 in [0, 1].

    Returns:
        (row, band, h, w) float32 in [0, 1] on the grid of the main input; None where that is an
        image of something else than what is predicted: no sensor makes radar of optical images.

    Raises:
        BenchError: clouds, registration or calibration are not those that the rows were made with.
    """
    sensor = task.main_sensor
    if sensor.product != task.task.target_product:
        return None
    place = task.place(int(scene["scene"]))
    seen = []
    for row, (step, image) in enumerate(zip(scene["time_step"].tolist(), prediction, strict=True)):
        looked = view(sensor, place, step)
        for column, value in looked.published.items():
            if not np.array_equal(scene[column][min(row, len(scene[column]) - 1)], value):
                raise BenchError(
                    f"scene {place.scene}, time step {step}: this version draws another "
                    f"`{column}` from seed {place.seed} than the data were made with; build the "
                    f"data again"
                )
        image = looked.apply(image)
        seen.append(np.clip(image, 0, 1))
    return np.stack(seen)


def consistency_rmse(
    task: BoundTask,
    scene: Mapping[str, Any],
    prediction: Floats,
) -> Doubles | None:
    """Return the RMSE between what was observed and the prediction seen through the sensor.

    Args:
        task, prediction: as of :func:`through_sensor`.
        scene: also holds the main input, uint16 as it is stored.

    Returns:
        (row,) float64 on the scale [0, 1], over all bands and pixels of the main input; the truth
        itself reaches the sensor's noise. None where the metric does not apply.
    """
    seen = through_sensor(task, scene, prediction)
    return None if seen is None else rmse(seen, restore(scene[task.main_input]))
