"""The readers of series: land cover from the optical time series of a pixel.

A reader says what somebody who knows the true images reads in predicted ones. There are two, of
different kinds, so that an image that suits one of them does not thereby suit the other: a
multinomial logistic regression and a small perceptron, on the bands of all time steps. Both were
fitted on latent scenes with the faults of restored ones: noise, blur, shifts, gaps, gains.

Readers look through noise, see :mod:`vrs_bench.references.smoothing`: what they say of a pixel is
the mean over several noisy looks.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from vrs_bench.errors import BenchError
from vrs_bench.paths import whole_file
from vrs_bench.references.smoothing import DRAWS, noise_draw
from vrs_bench.tasks import require_products
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS
from vrs_bench.world.scene import WorldRecipe

HERE = Path(__file__).parent

_MOST_BYTES = 4_000_000  # of a file; the longest horizon needs 3.4 MB
_LAYERS = {"logistic": 1, "perceptron": 2}
_ARRAYS = {
    **{
        f"{name}_{kind}_{layer}": "<f4"
        for name, layers in _LAYERS.items()
        for layer in range(layers)
        for kind in ("weights", "bias")
    },
    "series": "|u1",
}

Layers = tuple[tuple[Floats, Floats], ...]
"""Weights (out, in) and bias (out,) of each layer, float32; rectified between layers."""


@dataclass(frozen=True, eq=False)
class Readers:
    """The coefficients of both readers. With K classes and F features, a feature being a band at
    a time step, in the order (time, band), on the scale [0, 1]."""

    logistic: Layers
    """One layer, (K, F)."""
    perceptron: Layers
    """Two layers, (hidden, F) and (K, hidden)."""
    series: str
    """What they were fitted for, see :func:`series_key`."""
    sha256: str = ""
    """Of the file that they were read from; empty where they were fitted just now."""

    @property
    def steps(self) -> int:
        """Time steps of the series that they read."""
        return int(self.logistic[0][0].shape[1]) // len(OPTICAL_BANDS)

    def fits(self, world: WorldRecipe) -> bool:
        """Say whether the readers were fitted for series as those of a world."""
        return self.series == series_key(world)


def series_key(world: WorldRecipe) -> str:
    """Return what of a world decides on its readers, as canonical JSON.

    That is what the series of a pixel are like: calendar, weather, horizon and bands. Neither the
    seed nor the size of scenes, their cells or the frequency of classes matter.

    Raises:
        BenchError: the world's series come from an archive.
    """
    require_products(world, "optical")
    key = {
        "bands": OPTICAL_BANDS,
        "horizon": world.horizon,
        "series": world.series.model_dump(mode="json"),
    }
    return json.dumps(key, sort_keys=True)


def noise_answers(readers: Readers, key: bytes, shape: tuple[int, ...]) -> Floats:
    """Return what the first layers of both readers make of the noise alone.

    They are linear, so noise need not pass through them once for every image.

    Args:
        readers: the coefficients.
        key: of the noise, see :func:`vrs_bench.references.smoothing.noise_key`.
        shape: of the series, (time, band, height, width).

    Returns:
        (draw, unit, height · width) float32.
    """
    weights = _first_weights(readers)
    answers = np.empty((DRAWS, len(weights), shape[2] * shape[3]), np.float32)
    for draw, answer in enumerate(answers):
        np.matmul(weights, noise_draw(key, draw, shape).reshape(weights.shape[1], -1), out=answer)
    return answers


def read_series(readers: Readers, series: Floats, answers: Floats) -> Floats:
    """Say how likely each land cover is at every pixel of a scene, by each reader.

    Args:
        readers: the coefficients.
        series: (time, band, height, width) float32 in [0, 1], optical, all steps of the horizon.
        answers: to the noise, of :func:`noise_answers` for this shape.

    Returns:
        (reader, class, height, width) float32: probabilities of the classes from 1 on, means over
        the draws; the logistic regression first.

    Raises:
        BenchError: another number of steps or bands, or another dtype.
    """
    steps, bands = readers.steps, len(OPTICAL_BANDS)
    if series.ndim != 4 or series.shape[:2] != (steps, bands) or series.dtype != np.float32:
        raise BenchError(
            f"series: expected float32 ({steps}, {bands}, height, width), the horizon and bands "
            f"that the readers were fitted for; got {series.dtype} {series.shape}"
        )
    clean = _first_weights(readers) @ series.reshape(steps * bands, -1)
    clean += np.concatenate([readers.logistic[0][1], readers.perceptron[0][1]])[:, None]
    classes = len(readers.logistic[0][1])
    read = np.zeros((2, classes, clean.shape[1]), np.float32)
    weights, bias = readers.perceptron[1]
    for answer in answers:
        seen = clean + answer
        read[0] += _softmax(seen[:classes])
        hidden = np.maximum(seen[classes:], 0, out=seen[classes:])
        read[1] += _softmax(weights @ hidden + bias[:, None])
    read /= len(answers)
    return read.reshape(2, classes, *series.shape[2:])


def _first_weights(readers: Readers) -> Floats:
    return np.concatenate([readers.logistic[0][0], readers.perceptron[0][0]])


def _softmax(scores: Floats) -> Floats:
    """Return probabilities (class, pixel) from scores; in place."""
    scores -= scores.max(axis=0)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=0)
    return scores


def load_readers(world: WorldRecipe, path: Path | None = None) -> Readers:
    """Return the readers for series as those of a world.

    Args:
        world: whose series.
        path: file of readers; None for the packaged ones that fit.

    Raises:
        BenchError: none fit, the file holds none, or the world's series come from an archive.
    """
    files = sorted(HERE.glob("readers-*.npz")) if path is None else [path]
    for file in files:
        readers = load(file)
        if readers.fits(world):
            return readers
    raise BenchError(
        f"{', '.join(str(file.name if path is None else file) for file in files)}: not fitted for "
        f"the time series of this data ({world.horizon} steps, {_summary(world)}); fit "
        f"readers with 'vrs-bench fit readers --size RECIPE' and give them as --readers, or "
        f"leave out the downstream group"
    )


def _summary(world: WorldRecipe) -> str:
    days = [world.series.day_of_year(step) for step in range(min(world.horizon, 3))]
    return f"on days {', '.join(map(str, days))} … of the year"


def save(readers: Readers, path: Path) -> None:
    """Write coefficients as ``.npz``, whole or not at all; same coefficients, same bytes."""
    arrays = {
        f"{name}_{kind}_{number}": np.ascontiguousarray(array, np.float32)
        for name in _LAYERS
        for number, layer in enumerate(getattr(readers, name))
        for kind, array in zip(("weights", "bias"), layer, strict=True)
    }
    arrays["series"] = np.frombuffer(readers.series.encode(), np.uint8)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: Path) -> Readers:
    """Read and check coefficients. Nothing of a file is executed, nor memory taken on its word.

    Raises:
        BenchError: can't be read, or isn't what :func:`save` writes: the fault is named.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes, at most {_MOST_BYTES} are expected")
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = sorted(archive.namelist())
            if names != sorted(f"{name}.npy" for name in _ARRAYS):
                raise ValueError(f"expected the arrays {', '.join(_ARRAYS)}, got {names[:10]}")
            arrays: dict[str, Any] = {name: _read(archive, name) for name in _ARRAYS}
        layers = {
            name: tuple(
                (arrays[f"{name}_weights_{number}"], arrays[f"{name}_bias_{number}"])
                for number in range(depth)
            )
            for name, depth in _LAYERS.items()
        }
        series = arrays["series"].tobytes().decode()
        readers = Readers(**layers, series=series, sha256=hashlib.sha256(data).hexdigest())
        _check(readers)
    # Of damaged bytes, the parsers of archives, headers and JSON raise almost anything.
    except Exception as error:
        raise BenchError(f"{path}: not a file of readers ({error})") from error
    return readers


def _read(archive: zipfile.ZipFile, name: str) -> Array:
    """Read one array from the bytes that are there, whatever size its headers claim."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name}: compressed, expected stored bytes")
    file = io.BytesIO(archive.read(info))
    if npy.read_magic(file) != (1, 0):
        raise ValueError(f"{name}: expected version 1.0 of the npy format")
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    if dtype.str != _ARRAYS[name] or fortran:
        raise ValueError(f"{name}: expected {_ARRAYS[name]} in C order, got {dtype.str}")
    return np.frombuffer(file.read(), dtype).reshape(shape)


def _check(readers: Readers) -> None:
    """Refuse coefficients that don't belong together."""
    classes = len(LAND_COVER)
    features = json.loads(readers.series)["horizon"] * len(OPTICAL_BANDS)
    hidden = len(readers.perceptron[0][1])
    for name, sizes in (
        ("logistic", (features, classes)),
        ("perceptron", (features, hidden, classes)),
    ):
        for number, (weights, bias) in enumerate(getattr(readers, name)):
            into, out = sizes[number : number + 2]
            if weights.shape != (out, into) or bias.shape != (out,):
                raise ValueError(
                    f"{name}, layer {number}: expected shapes {(out, into)} and {(out,)}, got "
                    f"{weights.shape} and {bias.shape}"
                )
            if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
                raise ValueError(f"{name}, layer {number}: not finite")
