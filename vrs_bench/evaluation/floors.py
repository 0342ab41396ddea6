"""Floors: what the trivial method of a task makes of a scene, from which skill is counted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.interpolation import cubic_matrix, upsample
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Doubles, Floats
from vrs_bench.world.latent import Scene
from vrs_bench.world.scene import make_scene
from vrs_bench.world.series import RasterSettings

Method = Callable[[SceneTruth], Floats]
"""Scene → images (row, band, height, width) float32 in [0, 1]."""

CLOUD_BLUE = 0.15
"""Blue reflectance above which a pixel is taken for cloud: more than that of all land but the
brightest roofs. It finds most of what clouds touch, and no shadows: a test for these costs more
than it brings, since bare soils and water are as dark."""

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


def mean_of_date(task: BoundTask, folder: DatasetFolder | None) -> Method:
    """Return at every pixel the average reflectance of its date over the first train scenes.

    Drawn scenes are drawn for it, so that a folder need not hold the train split; own imagery is
    read from the folder, for the rasters may be elsewhere by now.
    """
    if folder is not None and isinstance(task.world.series, RasterSettings):
        read = islice(folder.scenes(task.name, "train", [task.target]), AVERAGED_SCENES)
        means = [restore(scene[task.target]).mean(axis=(2, 3), dtype=np.float64) for scene in read]
    else:
        scenes = (make_scene(task.world, number) for number in range(AVERAGED_SCENES))
        means = [_means(scene, task) for scene in scenes]
    averages = np.mean(means, axis=0).astype(np.float32)[..., None, None]
    return lambda scene: np.broadcast_to(averages[scene.steps], scene.target.shape).copy()


def _means(scene: Scene, task: BoundTask) -> Doubles:
    """Return the means of a scene's latent frames, (time step, band)."""
    product, steps = task.task.target_product, range(task.world.horizon)
    return np.stack(
        [scene.frame(product, step).mean(axis=(1, 2), dtype=np.float64) for step in steps]
    )


def floor_method(task: BoundTask, folder: DatasetFolder | None = None) -> Method:
    """Return the trivial method of a task.

    Args:
        task: the task on its data.
        folder: the data, of which the train split is averaged if they are own imagery.
    """
    if task.task.floor == "registered_bicubic":
        return registered_bicubic(task)
    if task.task.floor == "nearest_clear":
        return nearest_clear(task)
    return mean_of_date(task, folder)
