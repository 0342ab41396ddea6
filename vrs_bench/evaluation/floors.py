"""Floors: what the trivial method of a task makes of a scene, from which skill is counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vrs_bench.columns import restore
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.interpolation import cubic_matrix, upsample
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Floats
from vrs_bench.world.scene import make_scene

Method = Callable[[SceneTruth], Floats]
"""Scene → images (row, band, height, width) float32 in [0, 1]."""

CLOUD_BLUE = 0.15
"""Blue reflectance above which a pixel is taken for cloud: more than that of all land but the
brightest roofs. It finds three quarters of what clouds and shadows touch, at a false alarm in 300
pixels. A test for dark shadows costs more than it brings: bare soils and water are as dark."""

AVERAGED_SCENES = 8
"""Train scenes behind the average reflectance of each date."""


def registered_bicubic(task: BoundTask) -> Method:
    """Return the main input on the target's grid by cubic convolution, its known shift undone."""

    def method(scene: SceneTruth) -> Floats:
        images = restore(scene.columns[task.main_input])
        size = (scene.target.shape[-2], scene.target.shape[-1])
        shifts = scene.columns.get("phase", np.zeros((len(images), 2), np.float32))
        enlarged = [
            upsample(image, shift, size, cubic_matrix)
            for image, shift in zip(images, shifts, strict=True)
        ]
        return np.clip(np.stack(enlarged), 0, 1)

    return method


def nearest_clear(task: BoundTask) -> Method:
    """Return, at every pixel, the main input of the nearest date without cloud.

    Cloud is where blue exceeds :data:`CLOUD_BLUE`. Of two dates that are as near, the earlier
    wins; a pixel that no date shows clear stays as it is.
    """
    blue = task.bands.index("blue")

    def method(scene: SceneTruth) -> Floats:
        seen = restore(scene.columns[task.main_input])
        clear = seen[:, blue] <= CLOUD_BLUE
        images = seen.copy()
        for row, image in enumerate(images):
            wanted = ~clear[row]
            for other in np.argsort(np.abs(scene.steps - scene.steps[row]), kind="stable"):
                found = wanted & clear[other]
                image[:, found] = seen[other][:, found]
                wanted &= ~found
        return images

    return method


def mean_of_date(task: BoundTask) -> Method:
    """Return at every pixel the average reflectance of its date over the first train scenes."""
    world, product = task.world, task.task.target_product
    sums = np.zeros((world.horizon, len(task.bands)))
    for number in range(AVERAGED_SCENES):
        scene = make_scene(world, number)
        for step in range(world.horizon):
            sums[step] += scene.frame(product, step).mean(axis=(1, 2))
    averages = (sums / AVERAGED_SCENES).astype(np.float32)[..., None, None]
    return lambda scene: np.broadcast_to(averages[scene.steps], scene.target.shape).copy()


FLOORS: dict[str, Callable[[BoundTask], Method]] = {
    "registered_bicubic": registered_bicubic,
    "nearest_clear": nearest_clear,
    "mean_of_date": mean_of_date,
}
"""Name in :attr:`vrs_bench.tasks.Task.floor` → the method on the data of a task."""


def floor_method(task: BoundTask) -> Method:
    """Return the trivial method of a task."""
    return FLOORS[task.task.floor](task)
