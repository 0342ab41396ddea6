"""Attacks on the headline: what somebody may do to images who wants a score and not a restoration.

Whoever attacks knows readers, encoder and all definitions, yet neither the truth nor the noise
through which it is looked at, which is drawn from the predictions. Gradients are therefore taken
through noise of their own, drawn anew at every step (Athalye et al. 2018, *Synthesizing robust
adversarial examples*: expectation over transformation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, label, uniform_filter
from torch import Tensor
from torch.nn import functional

from vrs_bench.metrics.agreement import WINDOW
from vrs_bench.references.encoder import Encoder
from vrs_bench.references.readers import Readers
from vrs_bench.references.smoothing import DRAWS, NOISE
from vrs_bench.types import Array, Floats


@dataclass(frozen=True, eq=False)
class Looks:
    """All that looks at images, as functions with gradients."""

    readers: Readers
    encoder: Encoder

    def series(self, images: Tensor) -> Tensor:
        """Return probabilities (reader, class, height, width) of series (time, band, …)."""
        read = []
        for layers in (self.readers.logistic, self.readers.perceptron):
            values = images.flatten(0, 1).flatten(1)
            for number, (weights, bias) in enumerate(layers):
                if number:
                    values = values.relu()
                values = torch.tensor(weights) @ values + torch.tensor(bias)[:, None]
            read.append(values.softmax(dim=0))
        return torch.stack(read).unflatten(2, images.shape[2:])

    def frames(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return features of unit length of each stage, and probabilities (row, class, …)."""
        network = self.encoder.network
        stages = network.stages(images.contiguous(memory_format=torch.channels_last))
        size = (images.shape[2], images.shape[3])
        unit = [functional.normalize(stage, dim=1, eps=1e-10) for stage in stages]
        return unit, network.logits(stages, size).softmax(dim=1)


@dataclass(frozen=True, eq=False)
class Seen:
    """What is seen in images, or is wanted to be; None where an attack does not care."""

    series: Tensor | None = None
    """Probabilities by readers, means over windows, (reader, class, height, width)."""
    frames: Tensor | None = None
    """Probabilities by the segmentation network, (row, class, height, width)."""
    features: Sequence[Tensor] | None = None
    """Of unit length, by stage."""


@dataclass(frozen=True)
class Effort:
    """How hard an attack tries."""

    steps: int = 40
    radius: float = 0.01
    """The most that a value changes, in reflectance."""
    keep: float = 0.0
    """Weight of staying near, against what is seen: of the mean square of the changes over that
    of 0.015, a typical error of a floor."""


def look(looks: Looks, images: Floats, seed: int = 0) -> Seen:
    """Return what is seen in images through noise, means over draws."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.as_tensor(images)
    with torch.no_grad():
        noisy = [clean + _noise(clean, generator) for _ in range(DRAWS)]
        series = torch.stack([_windowed(looks.series(of)) for of in noisy]).mean(dim=0)
        features, frames = looks.frames(noisy[0])
    return Seen(series, frames, features)


def pushed(looks: Looks, start: Floats, wanted: Seen, effort: Effort, seed: int = 0) -> Floats:
    """Return images in which is seen what is wanted, as far as the effort goes: by Adam.

    Args:
        looks: whoever is to be deceived.
        start: (row, band, height, width) float32 in [0, 1].
        wanted: what they are to see; what is None does not count.
        effort: steps and limits.
        seed: of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    clean = torch.as_tensor(start)
    change = torch.zeros_like(clean, requires_grad=True)
    adam = torch.optim.Adam([change], lr=effort.radius / 6)
    easing = torch.optim.lr_scheduler.LinearLR(adam, 1, 0.05, effort.steps)
    for _ in range(effort.steps):
        images = (clean + change).clamp(0, 1)
        lost = _distance(looks, images + _noise(clean, generator), wanted)
        lost = lost + effort.keep * change.square().mean() / 0.015**2
        adam.zero_grad()
        lost.backward()
        adam.step()
        easing.step()
        with torch.no_grad():
            change.clamp_(-effort.radius, effort.radius)
    found: Floats = (clean + change).detach().clamp(0, 1).numpy()
    return found


def wanted_labels(labels: Array, classes: int, rows: int) -> Seen:
    """Return what all would see who were sure of a map, (height, width) from 0."""
    sure = functional.one_hot(torch.as_tensor(labels).long(), classes).permute(2, 0, 1).float()
    return Seen(sure.expand(2, -1, -1, -1), sure.expand(rows, -1, -1, -1))


def own_labels(seen: Seen) -> Array:
    """Return the map that the first reader sees, (height, width) from 0."""
    assert seen.series is not None  # noqa: S101  # all looks see one
    labels: Array = seen.series[0].argmax(dim=0).numpy()
    return labels


def majority(labels: Array, classes: int, side: int = 9) -> Array:
    """Return the most frequent label of a square around each pixel."""
    shares = [uniform_filter((labels == k).astype(np.float32), side) for k in range(classes)]
    frequent: Array = np.argmax(shares, axis=0)
    return frequent


def painted(labels: Array, series: Floats) -> Floats:
    """Return at every pixel the series (class, row, band) of its label, without any texture."""
    return np.ascontiguousarray(series[labels].transpose(2, 3, 0, 1))


def cell_means(images: Floats, labels: Array) -> Floats:
    """Return images without texture: the mean of each connected patch of a label."""
    flat = images.copy()
    for number in np.unique(labels):
        patches, count = label(labels == number)
        for patch in range(1, count + 1):
            inside = patches == patch
            flat[:, :, inside] = images[:, :, inside].mean(axis=-1, keepdims=True)
    return flat


def sharpened(images: Floats, strength: float) -> Floats:
    """Return images with the details of up to a pixel made stronger; below 0 weaker."""
    details = images - gaussian_filter(images, (0, 0, 1, 1))
    sharp: Floats = np.clip(images + strength * details, 0, 1)
    return sharp


def textured(images: Floats, strength: float, seed: int = 0) -> Floats:
    """Return images with a texture that they lack, the same at all dates and bands."""
    grain = np.random.default_rng(seed).standard_normal(images.shape[2:], np.float32)
    grain = gaussian_filter(grain, 0.8)
    rough: Floats = np.clip(images * (1 + strength * grain / grain.std()), 0, 1)
    return rough


def shortened(images: Floats, floor: Floats, share: float) -> Floats:
    """Return images part of the way from the floor: a short step is seldom one too far."""
    return floor + np.float32(share) * (images - floor)


def untouched(images: Floats, floor: Floats, least: float) -> Floats:
    """Return the floor where images hardly differ from it, in reflectance."""
    step = np.sqrt(np.square(images - floor).mean(axis=1, keepdims=True))
    return np.where(step < least, floor, images)


def _distance(looks: Looks, images: Tensor, wanted: Seen) -> Any:
    """Return how far what is seen is from what is wanted, of each in units of 1 - agreement."""
    lost = torch.zeros(())
    if wanted.series is not None:
        seen = _windowed(looks.series(images))
        lost = lost + (seen - wanted.series).abs().sum(dim=1).mean() / 2
    if wanted.frames is not None or wanted.features is not None:
        features, frames = looks.frames(images)
        if wanted.frames is not None:
            lost = lost + (frames - wanted.frames).abs().sum(dim=1).mean() / 2
        if wanted.features is not None:
            pairs = zip(features, wanted.features, strict=True)
            apart = [(x - y).square().sum(dim=1).mean() for x, y in pairs]
            lost = lost + torch.stack(apart).mean()
    return lost


def _windowed(probabilities: Tensor) -> Tensor:
    margin = (WINDOW // 2,) * 4
    padded = functional.pad(probabilities, margin, mode="replicate")
    return functional.avg_pool2d(padded, WINDOW, stride=1)


def _noise(images: Tensor, generator: torch.Generator) -> Tensor:
    return NOISE * torch.randn(images.shape, generator=generator)
