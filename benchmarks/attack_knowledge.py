"""What attacks may know: estimates of what is seen in the truth, fitted on train scenes.

Agreement asks for probabilities, not for labels; so does the strongest attack on it. A network is
fitted to agreement itself: what it says of a pixel is what agrees best, on average, with what may
be seen there in the truth, given all inputs and the honest images.

The yardstick of such an attack is the same network, given the same, that is asked to restore.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from attack_methods import Looks, Seen, look
from attack_starts import Told
from scipy.ndimage import uniform_filter
from torch import Tensor, nn

from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.types import Array, Floats

_PIXELS = 800
"""Drawn of each train scene, and a fourth of them of each of its images."""
_EPOCHS, _BATCH, _UNITS = 20, 256, 96


@dataclass(frozen=True, eq=False)
class Estimated:
    """What inputs and honest images tell of the truth."""

    seen: Seen
    """What is expected to be seen in it."""
    restored: Floats
    """The honest images, corrected by who knows as much: (row, band, height, width)."""


Estimate = Callable[[SceneTruth, Floats], Estimated]
"""Scene (of which only inputs are looked at) and honest images of it → what they tell."""


def fitted_estimate(
    looks: Looks, told: Told, train: Sequence[SceneTruth], images: Sequence[Floats]
) -> Estimate:
    """Learn what is seen in the truth from inputs, and from what is seen in honest images.

    Probabilities by perceptrons, from all that is seen of a pixel and of its surroundings;
    features by a linear map, position by position, and what honest images miss, by a perceptron,
    both fitted to squares.

    Args:
        looks: whoever sees.
        told: what inputs tell of a pixel.
        train: scenes with truth.
        images: what an honest method makes of each.
    """
    rng = np.random.default_rng(0)
    drawn: list[tuple[Array, ...]] = []
    products: list[list[tuple[Tensor, Tensor]]] = []
    for number, (scene, honest) in enumerate(zip(train, images, strict=True)):
        ours, true = look(looks, honest, 2 * number), look(looks, scene.target, 2 * number + 1)
        assert true.series is not None  # noqa: S101  # all looks see everything
        assert true.frames is not None  # noqa: S101
        assert true.features is not None  # noqa: S101
        assert ours.features is not None  # noqa: S101
        of_series, of_frames = _described(ours, told(scene))
        missing = (scene.target - honest).reshape(-1, of_series[0].size)
        pixels = rng.choice(of_series[0].size, _PIXELS, replace=False)
        some = pixels[: _PIXELS // 4]
        drawn.append(
            (
                _pixels(of_series, pixels),
                true.series.flatten(2)[..., pixels].permute(2, 0, 1).numpy(),
                np.concatenate([_pixels(of, some) for of in of_frames]),
                true.frames.flatten(2)[..., some].transpose(1, 2).flatten(0, 1)[:, None].numpy(),
                missing[:, pixels].T,
            )
        )
        pairs = zip(ours.features, true.features, strict=True)
        flat = [(_positions(x, bias=True), _positions(y)) for x, y in pairs]
        products.append([(x.T @ x, x.T @ y) for x, y in flat])
    x_series, y_series, x_frames, y_frames, missed = (
        np.concatenate(of) for of in zip(*drawn, strict=True)
    )
    series, frames = _agreeing(x_series, y_series), _agreeing(x_frames, y_frames)
    correction = _correcting(x_series, missed)
    maps = []
    for of_stage in zip(*products, strict=True):
        square, cross = (torch.stack(of).sum(dim=0) for of in zip(*of_stage, strict=True))
        ridge = 1e-4 * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
        maps.append(torch.linalg.solve(square + ridge, cross))

    def estimate(scene: SceneTruth, honest: Floats) -> Estimated:
        ours = look(looks, honest)
        assert ours.features is not None  # noqa: S101
        of_series, of_frames = _described(ours, told(scene))
        size = of_series.shape[1:]
        features = [
            (_positions(of, bias=True) @ linear)
            .unflatten(0, (len(of), *of.shape[2:]))
            .movedim(-1, 1)
            .float()
            for of, linear in zip(ours.features, maps, strict=True)
        ]
        pixels = _pixels(of_series)
        seen = Seen(
            series(pixels).permute(1, 2, 0).unflatten(-1, size),
            torch.cat(
                [frames(_pixels(of)).permute(1, 2, 0).unflatten(-1, size) for of in of_frames]
            ),
            features,
        )
        corrected = honest + correction(pixels).numpy().T.reshape(honest.shape)
        return Estimated(seen, np.clip(corrected, 0, 1).astype(np.float32))

    return estimate


def _described(seen: Seen, told: Floats) -> tuple[Floats, list[Floats]]:
    """Return what is known of a pixel and around it: (feature, …) in all, and in each image."""
    assert seen.series is not None  # noqa: S101
    assert seen.frames is not None  # noqa: S101
    read, frames = seen.series.flatten(0, 1).numpy(), seen.frames.numpy()
    mean = frames.mean(axis=0)
    common = [told, _logs(read), _logs(mean)]
    around = [_logs(uniform_filter(of, (0, s, s))) for of in (read, mean) for s in (9, 25)]
    own = [
        np.concatenate(
            [
                *common,
                _logs(of),
                _logs(uniform_filter(of, (0, 7, 7))),
                # Which date it is.
                np.full((len(frames), *of.shape[1:]), np.eye(len(frames))[number, :, None, None]),
            ]
        ).astype(np.float32)
        for number, of in enumerate(frames)
    ]
    return np.concatenate([*common, *around]), own


def _logs(probabilities: Floats) -> Floats:
    logs: Floats = np.log(np.maximum(probabilities, np.float32(1e-4)))
    return logs


def _pixels(images: Floats, chosen: Array | None = None) -> Floats:
    """Return (pixel, feature) of (feature, height, width), of all pixels or of chosen ones."""
    flat = images.reshape(len(images), -1).T
    return flat if chosen is None else flat[chosen]


def _positions(features: Tensor, bias: bool = False) -> Tensor:
    """Return (position, channel) of (row, channel, …) in float64, with ones beside them."""
    flat = features.movedim(1, -1).flatten(0, 2).double()
    return nn.functional.pad(flat, (0, 1), value=1.0) if bias else flat


def _agreeing(x: Floats, y: Floats) -> Callable[[Floats], Tensor]:
    """Return a perceptron, (pixel, feature) → probabilities (pixel, reader, class).

    Args:
        x: (pixel, feature).
        y: (pixel, reader, class), with which its probabilities are to agree.
    """
    last = (nn.Linear(_UNITS, y.shape[1] * y.shape[2]), nn.Unflatten(1, y.shape[1:]), nn.Softmax(2))
    return _fitted(x, y, last, lambda apart: apart.abs().sum(dim=2).mean() / 2)


def _correcting(x: Floats, y: Floats) -> Callable[[Floats], Tensor]:
    """Return a perceptron, (pixel, feature) → (pixel, channel), by least squares."""
    scale = y.std()
    fitted = _fitted(x, y / scale, (nn.Linear(_UNITS, y.shape[1]),), lambda of: of.square().mean())
    return lambda pixels: fitted(pixels) * scale


def _fitted(
    x: Floats, y: Floats, last: Sequence[nn.Module], lost: Callable[[Tensor], Tensor]
) -> Callable[[Floats], Tensor]:
    """Return a perceptron whose distance from what is wanted is small.

    Args:
        x: (pixel, feature).
        y: (pixel, …), what is wanted.
        last: layers from its hidden units on.
        lost: what a distance, like ``y``, costs.
    """
    centre, spread = x.mean(axis=0), x.std(axis=0) + np.float32(1e-6)
    given, wanted = torch.as_tensor((x - centre) / spread), torch.as_tensor(y)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = nn.Linear(x.shape[1], _UNITS)
        second = nn.Linear(_UNITS, _UNITS)
        network = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.1), second, nn.ReLU(), *last)
        adam = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
        easing = torch.optim.lr_scheduler.LinearLR(adam, 1, 0.02, _EPOCHS)
        for _ in range(_EPOCHS):
            for batch in torch.randperm(len(given)).split(_BATCH):
                loss: Any = lost(network(given[batch]) - wanted[batch])
                adam.zero_grad()
                loss.backward()
                adam.step()
            easing.step()
    network.eval()

    def predict(pixels: Floats) -> Tensor:
        with torch.no_grad():
            found: Tensor = network(torch.as_tensor((pixels - centre) / spread))
        return found

    return predict
