"""Image strips of an entry: input, prediction, truth and error of three scenes, on one scale."""

from __future__ import annotations

import io
from dataclasses import dataclass

import matplotlib
import numpy as np
from PIL import Image

from vrs_bench.colours import composite
from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.grids import on_grid
from vrs_bench.leaderboard.submission import Submission
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.metrics.distortion import absolute_error_map
from vrs_bench.plots.telling import scenes_of, telling_scenes, telling_score
from vrs_bench.site.pages import Files
from vrs_bench.types import Array

ERROR_SCALE = 0.1
"""Mean absolute error over bands that is drawn white, of all entries alike: in reflectance, a tenth
is what tells a bare field from a green one in the near infrared."""


@dataclass(frozen=True)
class Strip:
    """The pictures of one scene at one date."""

    kind: str
    """worst, median or best."""
    scene: int
    step: int
    metric: str
    """Label of the score by which the scene was chosen."""
    value: float
    """Of the scene."""
    error: float
    """Mean absolute error of the image."""
    size: int
    """Height of the pictures, pixels."""
    images: dict[str, str]
    """What it is → path inside of the site."""


def strips(
    entry: Submission, predictions: object, folder: DatasetFolder
) -> tuple[list[Strip], Files]:
    """Return the strips of an entry's worst, median and best scene, and their pictures.

    Args:
        entry: whose predictions.
        predictions: as of :func:`vrs_bench.evaluate`; their digest is compared.
        folder: the data that the entry is of.

    Raises:
        BenchError: the predictions are not those of the entry, or it has no scores by scene.
    """
    result, files = entry.result, Files()
    chosen, score = telling_scenes(result), telling_score(result)
    bound = folder.manifest.bound(result.task)
    scenes = scenes_of(result, predictions, folder, chosen.values())
    made = []
    for kind, number in chosen.items():
        scene, images = scenes[number]
        errors = absolute_error_map(images, scene.target)
        row = int(errors.mean(axis=(1, 2)).argmax())
        height, width = errors.shape[1:]
        seen = restore(scene.columns[bound.main_input][row])
        shown = {
            "input": on_grid(composite(seen, bound.main_sensor.product), height, width, (0, 1)),
            "prediction": composite(images[row], bound.task.target_product),
            "truth": composite(scene.target[row], bound.task.target_product),
            "error": matplotlib.colormaps["magma"](np.clip(errors[row] / ERROR_SCALE, 0, 1)),
        }
        paths = {label: f"entries/{entry.key}/{kind}-{label}.png" for label in shown}
        files |= {paths[label]: _png(image) for label, image in shown.items()}
        made.append(
            Strip(
                kind=kind,
                scene=number,
                step=int(scene.steps[row]),
                metric=METRICS[score.metric].label,
                value=score.per_scene[number],
                error=float(errors[row].mean(dtype=np.float64)),
                size=height,
                images=paths,
            )
        )
    return made, files


def _png(image: Array) -> bytes:
    """Return (H, W, 3 or 4) in [0, 1] as an RGB PNG."""
    pixels = np.rint(np.clip(image[..., :3], 0, 1) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
