"""Predictions seen through the sensor that made the task's main input: do they explain it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vrs_bench.columns import quantise, restore
from vrs_bench.errors import BenchError
from vrs_bench.metrics.distortion import rmse
from vrs_bench.sensors.noise import NoiseSettings
from vrs_bench.sensors.sensor import View, observe, view
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Doubles, Floats


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
            ``scene``, and arrays by row, of which ``time_step`` is read, ``phase`` and ``cloud``
            where the task has them.
        prediction: (row, band, H, W) float32 in [0, 1].

    Returns:
        (row, band, h, w) float32 in [0, 1] on the grid of the main input; None where that is an
        image of something else than what is predicted: no sensor makes radar of optical images.

    Raises:
        BenchError: clouds or registration are not those that the rows were made with.
    """
    sensor = task.main_sensor
    if sensor.product != task.task.target_product:
        return None
    noiseless = sensor.model_copy(update={"noise": NoiseSettings()})
    place = task.place(int(scene["scene"]))
    seen = []
    for row, (step, image) in enumerate(zip(scene["time_step"].tolist(), prediction, strict=True)):
        looked = view(noiseless, place, step)
        if not _made(looked, scene, row):
            raise BenchError(
                f"scene {place.scene}, time step {step}: this version draws other clouds or "
                f"another registration shift from seed {place.seed} than the data were made with; "
                f"build the data again"
            )
        seen.append(observe(noiseless, place, step, image, looked))
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


def _made(looked: View, scene: Mapping[str, Array], row: int) -> bool:
    """Say whether a row was made under this view."""
    if "phase" in scene and tuple(scene["phase"][row].tolist()) != looked.shift:
        return False
    if "cloud" not in scene:
        return True
    if looked.clouds is None:
        return not scene["cloud"][row].any()
    return np.array_equal(scene["cloud"][row], quantise(looked.clouds.opacity))
