"""The reference encoder: a small network that knows land cover, and what it sees in an image.

It was trained to segment latent frames of the virtual Earth into land cover. Metrics use it in
three ways: its features tell how alike two images look to it, its pooled features tell how alike
two sets of images are, and its segmentation tells what a map maker gets out of a single image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from vrs_bench.errors import BenchError
from vrs_bench.metrics.pairs import strips
from vrs_bench.references import HERE
from vrs_bench.references.backbone import CHANNELS, Backbone
from vrs_bench.references.encoder_card import WEIGHTS, Card, read_weights
from vrs_bench.types import Array, Floats
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS

VERSION = "1"
"""Version of the shipped weights; it changes whenever what is seen in an image may."""

SIDE = 32
"""Least height and width of an image: the stride of the last stage."""

_HEAD = 32  # channels of the segmentation head
_BATCH = 4  # images of one pass: more are no faster on one core, and hold more memory


class Network(nn.Module):  # type: ignore[misc]  # torch is not read by the type checker
    """Backbone and a feature-pyramid head (Lin et al. 2017, arXiv:1612.03144), as one module."""

    def __init__(self, backbone: nn.Module) -> None:
        """Build the network with a head of random weights over the stages of a backbone."""
        super().__init__()
        bands = len(OPTICAL_BANDS)
        self.backbone = backbone
        self.laterals = nn.ModuleList(nn.Conv2d(channels, _HEAD, 1) for channels in CHANNELS)
        self.smooth = nn.Conv2d(_HEAD, _HEAD, 3, padding=1)
        self.classify = nn.Conv2d(_HEAD, len(LAND_COVER), 1)
        # With the weights, so that they can't be lost or mixed up with another network's.
        self.register_buffer("centre", torch.zeros(bands, 1, 1))
        self.register_buffer("spread", torch.ones(bands, 1, 1))

    def stages(self, images: Tensor) -> list[Tensor]:
        """Return the features of each stage for (row, 4, H, W) images in [0, 1].

        Rectified, so not negative: (row, channel, H / s, W / s) with s = 2, 4, 8, 16, 32.
        """
        stages: list[Tensor] = self.backbone((images - self.centre) / self.spread)
        return stages

    def logits(self, stages: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Return the scores of the classes from 1 on at each pixel, (row, class, H, W)."""
        merged: Tensor | None = None
        for stage, lateral in zip(reversed(stages), reversed(self.laterals), strict=True):
            own = _at_each_pixel(lateral, stage)
            merged = own if merged is None else own + _resized(merged, own.shape[-2:])
        return _resized(_at_each_pixel(self.classify, self.smooth(merged).relu()), size)


@dataclass(frozen=True)
class Encoder:
    """A trained network and where it comes from."""

    network: Network
    card: Card


@dataclass(frozen=True, eq=False)
class Perceived:
    """What the encoder sees in images."""

    features: tuple[Floats, ...]
    """Of each stage, (row, channel, h, w) float32, from 0; about 46 bytes a pixel of an image. In
    the order in which the network computes: channels are next to each other in memory."""
    pooled: Floats
    """Mean over positions of the features of the last stage, (row, 96) float32."""
    _network: Network
    _size: tuple[int, int]

    @property
    def probabilities(self) -> Floats:
        """Of the classes from 1 on, (row, class, height, width) float32; 32 bytes a pixel.

        The head takes as long as all stages do: it runs when it is asked for, each time.
        """
        probabilities = []
        for rows in strips(len(self.pooled), _BATCH):
            stages = [torch.from_numpy(of[rows]) for of in self.features]
            with torch.inference_mode():
                logits = self._network.logits(stages, self._size)
                probabilities.append(logits.softmax(dim=1).numpy())
        return np.concatenate(probabilities)


def load_encoder(folder: Path = HERE) -> Encoder:
    """Load a network that a training wrote; without a folder, the one that ships.

    Args:
        folder: holds ``encoder.safetensors`` and ``encoder.json``.

    Returns:
        the network, ready to :func:`perceive`.

    Raises:
        BenchError: files that are missing, damaged, not those of the card, or of another network.
    """
    card, data = read_weights(folder)
    with torch.device("meta"):  # no weights but those of the file
        network = Network(Backbone(len(OPTICAL_BANDS)))
    try:
        network.load_state_dict(load(data), assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise BenchError(f"{folder / WEIGHTS}: not the weights of this network: {error}") from error
    network = network.to(memory_format=torch.channels_last)
    return Encoder(network.eval().requires_grad_(False), card)


@cache
def packaged_encoder() -> Encoder:
    """Return the network that ships, loaded once in a process."""
    return load_encoder()


def perceive(encoder: Encoder, images: Array) -> Perceived:
    """Look at images through the encoder.

    Works through the images a few at a time; memory beyond the result does not grow with their
    number. The result does: pass one scene at a time.

    Args:
        encoder: from :func:`load_encoder`.
        images: (row, 4, height, width), float32 or float64 on the scale [0, 1], the bands blue,
            green, red and NIR, at least 32 pixels high and wide.

    Returns:
        features, pooled features and probabilities. The same on one machine every time; between
        machines they differ by rounding.

    Raises:
        BenchError: another dtype or shape, no image, or values that are not finite.
    """
    if images.dtype not in (np.float32, np.float64):
        raise BenchError(
            f"images: expected float32 or float64 on the scale [0, 1], got {images.dtype}"
        )
    bands = len(OPTICAL_BANDS)
    if images.ndim != 4 or images.shape[1] != bands or min(images.shape[2:]) < SIDE:
        raise BenchError(
            f"images: expected shape (row, {bands}, height, width), at least {SIDE} x {SIDE} "
            f"pixels, got {images.shape}"
        )
    if not len(images) or not np.isfinite(images).all():
        raise BenchError("images: expected at least one image, all its values finite")
    seen: list[Floats] = []
    for rows in strips(len(images), _BATCH):
        found = _stages(encoder.network, images[rows])
        # Filled as they lie: copies that are joined at the end would take the memory twice.
        seen = seen or [np.empty_like(of, shape=(len(images), *of.shape[1:])) for of in found]
        for room, of in zip(seen, found, strict=True):
            room[rows] = of
    *features, pooled = seen
    return Perceived(tuple(features), pooled, encoder.network, images.shape[2:])


def _stages(network: Network, images: Array) -> list[Floats]:
    """Return the features of each stage, and the pooled ones of the last."""
    batch = torch.from_numpy(np.ascontiguousarray(images, np.float32))
    with torch.inference_mode():
        stages = network.stages(batch.to(memory_format=torch.channels_last))
        return [of.numpy() for of in (*stages, stages[-1].mean(dim=(2, 3)))]


def _at_each_pixel(layer: nn.Conv2d, maps: Tensor) -> Tensor:
    """Return a convolution with windows of one pixel: a product of matrices.

    torch has a slow way for it where there is one thread.
    """
    channels_last = maps.permute(0, 2, 3, 1)
    found = nn.functional.linear(channels_last, layer.weight[:, :, 0, 0], layer.bias)
    return found.permute(0, 3, 1, 2)


def _resized(maps: Tensor, size: Iterable[int]) -> Tensor:
    return nn.functional.interpolate(maps, tuple(size), mode="bilinear", align_corners=False)
