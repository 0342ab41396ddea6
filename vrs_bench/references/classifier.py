"""The reference classifier: land cover from the optical time series of a pixel.

A multinomial logistic regression on the bands of all time steps, standardised. It was fitted on
latent scenes, so it says what a map maker who knows the true images makes of predicted ones.
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
from vrs_bench.tasks import require_products
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import OPTICAL_BANDS, class_names
from vrs_bench.world.scene import WorldRecipe

HERE = Path(__file__).parent
_MOST_BYTES = 4_000_000  # of a file; the longest horizon needs 1.7 MB
_DTYPES = {
    "weights": "<f4",
    "intercept": "<f4",
    "mean": "<f4",
    "scale": "<f4",
    "classes": "|u1",
    "series": "|u1",
}


@dataclass(frozen=True, eq=False)
class Classifier:
    """Coefficients. With K classes and F features, a feature being a band at a time step."""

    weights: Floats
    """(K, F): of standardised features, ``(x - mean) / scale``."""
    intercept: Floats
    """(K,)."""
    mean: Floats
    """(F,): of the features, in the order (time, band)."""
    scale: Floats
    """(F,): standard deviations, above 0."""
    classes: Array
    """(K,) uint8: the labels, ascending."""
    series: str
    """What it was fitted for, see :func:`series_key`."""
    sha256: str = ""
    """Of the file that it was read from; empty where it was fitted just now."""

    def fits(self, world: WorldRecipe) -> bool:
        """Say whether the classifier was fitted for series as those of a world."""
        return self.series == series_key(world)


def series_key(world: WorldRecipe) -> str:
    """Return what of a world decides on a classifier, as canonical JSON.

    That is what the series of a pixel are like: calendar, weather, horizon, bands and texture.
    Neither the seed nor the size of scenes, their cells or the frequency of classes matter.

    Raises:
        BenchError: the world's series come from an archive.
    """
    require_products(world, "optical")
    key = {
        "bands": OPTICAL_BANDS,
        "horizon": world.horizon,
        "series": world.series.model_dump(mode="json"),
        "texture": world.product("optical").texture.model_dump(mode="json"),
    }
    return json.dumps(key, sort_keys=True)


def classify(classifier: Classifier, series: Floats) -> Array:
    """Label every pixel of a scene: the class of the highest score, one matrix product.

    Args:
        classifier: the coefficients.
        series: (time, band, height, width) float32 in [0, 1], optical, all steps of the horizon.
            Any values in the range will do: features are the values themselves.

    Returns:
        (height, width) uint8.

    Raises:
        BenchError: another number of steps or bands, or another dtype.
    """
    n_features, bands = len(classifier.mean), len(OPTICAL_BANDS)
    steps = n_features // bands
    if series.ndim != 4 or series.shape[:2] != (steps, bands) or series.dtype != np.float32:
        raise BenchError(
            f"series: expected float32 ({steps}, {bands}, height, width), the horizon and bands "
            f"that the classifier was fitted for; got {series.dtype} {series.shape}"
        )
    # The standardisation goes into the coefficients, which are small, not through the images.
    weights = classifier.weights.astype(np.float64) / classifier.scale
    intercept = classifier.intercept - weights @ classifier.mean
    scores = weights.astype(np.float32) @ series.reshape(n_features, -1)
    scores += intercept.astype(np.float32)[:, None]
    labels: Array = classifier.classes.take(scores.argmax(axis=0))
    return labels.reshape(series.shape[2:])


def load_classifier(world: WorldRecipe, path: Path | None = None) -> Classifier:
    """Return the classifier for series as those of a world.

    Args:
        world: whose series.
        path: file of a classifier; None for the packaged one that fits.

    Raises:
        BenchError: none fits, the file is not one, or the world's series come from an archive.
    """
    files = sorted(HERE.glob("classifier-*.npz")) if path is None else [path]
    for file in files:
        classifier = load(file)
        if classifier.fits(world):
            return classifier
    raise BenchError(
        f"{', '.join(str(file.name if path is None else file) for file in files)}: not fitted for "
        f"the time series of this data ({world.horizon} steps, {_summary(world)}); fit a "
        f"classifier with 'vrs-bench fit classifier --size RECIPE' and give it as --classifier, or "
        f"leave out the downstream group"
    )


def _summary(world: WorldRecipe) -> str:
    days = [world.series.day_of_year(step) for step in range(min(world.horizon, 3))]
    return f"on days {', '.join(map(str, days))} … of the year"


def save(classifier: Classifier, path: Path) -> None:
    """Write coefficients as ``.npz``, whole or not at all; same coefficients, same bytes."""
    text = np.frombuffer(classifier.series.encode(), np.uint8)
    arrays = {name: getattr(classifier, name) for name in _DTYPES} | {"series": text}
    ordered = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **ordered)


def load(path: Path) -> Classifier:
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
            if names != sorted(f"{name}.npy" for name in _DTYPES):
                raise ValueError(f"expected the arrays {', '.join(_DTYPES)}, got {names[:10]}")
            arrays: dict[str, Any] = {name: _read(archive, name) for name in _DTYPES}
        arrays["series"] = arrays["series"].tobytes().decode()
        classifier = Classifier(**arrays, sha256=hashlib.sha256(data).hexdigest())
        _check(classifier)
    # Of damaged bytes, the parsers of archives, headers and JSON raise almost anything.
    except Exception as error:
        raise BenchError(f"{path}: not the file of a classifier ({error})") from error
    return classifier


def _read(archive: zipfile.ZipFile, name: str) -> Array:
    """Read one array from the bytes that are there, whatever size its headers claim."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name}: compressed, expected stored bytes")
    file = io.BytesIO(archive.read(info))
    if npy.read_magic(file) != (1, 0):
        raise ValueError(f"{name}: expected version 1.0 of the npy format")
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    if dtype.str != _DTYPES[name] or fortran:
        raise ValueError(f"{name}: expected {_DTYPES[name]} in C order, got {dtype.str}")
    return np.frombuffer(file.read(), dtype).reshape(shape)


def _check(classifier: Classifier) -> None:
    """Refuse coefficients that don't belong together."""
    n_classes, n_features = len(classifier.classes), classifier.mean.size
    shapes = {
        "weights": (n_classes, n_features),
        "intercept": (n_classes,),
        "mean": (n_features,),
        "scale": (n_features,),
        "classes": (n_classes,),
    }
    for name, shape in shapes.items():
        array = getattr(classifier, name)
        if array.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: not finite")
    labels = classifier.classes.astype(int)
    if not n_classes or (np.diff(labels) <= 0).any() or labels[0] < 1:
        raise ValueError(f"classes: expected ascending labels from 1, got {labels.tolist()}")
    if labels[-1] >= len(class_names()):
        raise ValueError(f"classes: expected labels to {len(class_names()) - 1}, got {labels[-1]}")
    if (classifier.scale <= 0).any():
        raise ValueError("scale: expected values above 0")
    horizon = json.loads(classifier.series)["horizon"]
    if n_features != horizon * len(OPTICAL_BANDS):
        raise ValueError(f"mean: expected {len(OPTICAL_BANDS)} features a step, got {n_features}")
