"""What attacks may know: estimates of what is seen in the truth, fitted on train scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from attack_methods import Looks, Seen, look
from scipy.ndimage import uniform_filter
from sklearn.neural_network import MLPRegressor
from torch import Tensor

from vrs_bench.evaluation.truth import SceneTruth
from vrs_bench.types import Array, Floats

_PIXELS = 700
"""Drawn of each train scene, and a fourth of them of each of its images."""

Estimate = Callable[[Floats], Seen]
"""Honest images of a scene → what is expected to be seen in the truth."""


def fitted_estimate(
    looks: Looks, train: Sequence[SceneTruth], images: Sequence[Floats]
) -> Estimate:
    """Learn what is seen in the truth from what is seen in honest images.

    Probabilities by small perceptrons, from all that is seen of a pixel and of its surroundings;
    features by a linear map, position by position. Both are fitted to squares, so they estimate
    the mean of what may be seen, which no label and no prettier image gives.

    Args:
        looks: whoever sees.
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
        of_series, of_frames = _described(ours)
        pixels = rng.choice(of_series[0].size, _PIXELS, replace=False)
        some = pixels[: _PIXELS // 4]
        drawn.append(
            (
                _pixels(of_series, pixels),
                _pixels(true.series.flatten(0, 1).numpy(), pixels),
                np.concatenate([_pixels(of, some) for of in of_frames]),
                np.concatenate([_pixels(of, some) for of in true.frames.numpy()]),
            )
        )
        pairs = zip(ours.features, true.features, strict=True)
        flat = [(_positions(x, bias=True), _positions(y)) for x, y in pairs]
        products.append([(x.T @ x, x.T @ y) for x, y in flat])
    x_series, y_series, x_frames, y_frames = (np.concatenate(of) for of in zip(*drawn, strict=True))
    series = _perceptron(x_series, y_series)
    frames = _perceptron(x_frames, y_frames)
    maps = []
    for of_stage in zip(*products, strict=True):
        square, cross = (torch.stack(of).sum(dim=0) for of in zip(*of_stage, strict=True))
        ridge = 1e-4 * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
        maps.append(torch.linalg.solve(square + ridge, cross))

    def estimate(honest: Floats) -> Seen:
        ours = look(looks, honest)
        assert ours.features is not None  # noqa: S101
        of_series, of_frames = _described(ours)
        shape = of_series.shape[1:]
        features = [
            (_positions(of, bias=True) @ linear)
            .unflatten(0, (len(of), *of.shape[2:]))
            .movedim(-1, 1)
            .float()
            for of, linear in zip(ours.features, maps, strict=True)
        ]
        return Seen(
            _distributions(series.predict(_pixels(of_series)), (2, -1, *shape)),
            torch.cat(
                [_distributions(frames.predict(_pixels(of)), (1, -1, *shape)) for of in of_frames]
            ),
            features,
        )

    return estimate


def _described(seen: Seen) -> tuple[Floats, list[Floats]]:
    """Return what is seen of a pixel and around it: (feature, …) in all, and in each image."""
    assert seen.series is not None  # noqa: S101
    assert seen.frames is not None  # noqa: S101
    read, frames = seen.series.flatten(0, 1).numpy(), seen.frames.numpy()
    mean = frames.mean(axis=0)
    common = [_logs(read), _logs(mean)]
    around = [_logs(uniform_filter(of, (0, s, s))) for of in (read, mean) for s in (9, 25)]
    own = [
        np.concatenate([*common, _logs(of), _logs(uniform_filter(of, (0, 7, 7)))]) for of in frames
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
    return torch.nn.functional.pad(flat, (0, 1), value=1.0) if bias else flat


def _perceptron(x: Floats, y: Floats) -> MLPRegressor:
    return MLPRegressor(
        hidden_layer_sizes=(64,), max_iter=30, early_stopping=True, random_state=0
    ).fit(x, y)


def _distributions(values: Array, shape: tuple[int, ...]) -> Tensor:
    """Return probabilities from what was estimated of them, (pixel, …) → (…, height, width)."""
    found = torch.as_tensor(np.ascontiguousarray(values.T)).float().reshape(shape).clamp_min(1e-4)
    return found / found.sum(dim=1, keepdim=True)
