"""MS-SSIM: structural similarity at several scales, band by band."""

from __future__ import annotations

import numpy as np

from vrs_bench.metrics.definition import Metric, PerRow
from vrs_bench.metrics.pairs import paired_on_unit
from vrs_bench.metrics.scene import JudgedScene
from vrs_bench.metrics.similarity import (
    SSIM_SIGMA,
    SSIM_WINDOW,
    Similarity,
    similarity,
    similarity_of,
)
from vrs_bench.types import Array, Doubles, Floats

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponent of each scale, the finest first (Wang, Simoncelli & Bovik 2003)."""


def ms_ssim_scales(height: int, width: int) -> int:
    """Return the number of scales of :func:`ms_ssim` for images of a size: 5 from 161 pixels on.

    The most, up to five, for which the 11-px window fits into the coarsest: the shorter side must
    exceed 10 · 2^(scales - 1) pixels. So 4 scales from 81 px, 3 from 41, 2 from 21, 1 from 11.
    """
    scales = len(MS_SSIM_WEIGHTS)
    while scales > 1 and min(height, width) <= (SSIM_WINDOW - 1) << (scales - 1):
        scales -= 1
    return scales


def ms_ssim(prediction: Array, truth: Array, finest: Similarity | None = None) -> Doubles:
    """Return the multi-scale structural similarity of every row, mean over bands.

    Source: Wang, Simoncelli & Bovik 2003, *Multiscale structural similarity for image quality
    assessment*, equation 7: Gaussian window of 11 pixels and σ = 1.5, K1 = 0.01, K2 = 0.03, data
    range 1, only windows that lie within the image, halving by means of 2 x 2 pixels, before which
    an image with an odd side has its first row and its first column repeated; a negative term
    counts as 0. Images too small for five scales have the first
    :func:`ms_ssim_scales` of them, their exponents divided by their sum.

    Args:
        prediction: ``(..., band, height, width)``, float32 or float64, in [0, 1].
        truth: the same shape, height and width at least 11.
        finest: what :func:`vrs_bench.metrics.similarity.similarity` gives, where it is known.

    Returns:
        ``(...)`` float64, 0 to 1 (best). Computed in float32.

    Raises:
        BenchError: shapes that differ, images too small, another dtype, or values outside [0, 1].
    """
    x, y, lead = paired_on_unit(prediction, truth, side=SSIM_WINDOW)
    exponents = np.array(MS_SSIM_WEIGHTS[: ms_ssim_scales(*x.shape[2:])])
    exponents /= exponents.sum()
    values = np.ones(x.shape[:2])
    for scale, exponent in enumerate(exponents):
        if scale > 0:
            x, y, finest = _halved(x), _halved(y), None
        similar = finest or similarity(x, y)
        terms = similar.bands if scale == len(exponents) - 1 else similar.structure
        values *= np.maximum(terms, 0) ** exponent
    # Rounding can lift likeness over 1.
    return np.asarray(np.minimum(values.mean(axis=1), 1).reshape(lead))


def _halved(images: Array) -> Floats:
    """Return means of 2 x 2 pixels; where a side is odd, the first row and column stand twice."""
    odd = max(images.shape[2] % 2, images.shape[3] % 2)
    if odd:
        images = np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0)), "edge")
    height, width = (side // 2 * 2 for side in images.shape[2:])
    whole = images[:, :, :height, :width].astype(np.float32, copy=False)
    pairs = whole[:, :, ::2] + whole[:, :, 1::2]
    means: Floats = (pairs[..., ::2] + pairs[..., 1::2]) * np.float32(0.25)
    return means


def _ms_ssim_of(scene: JudgedScene) -> Doubles:
    return ms_ssim(scene.images, scene.truth, scene.once(similarity_of))


METRICS = (
    Metric(
        name="ms_ssim",
        label="MS-SSIM",
        group="perceptual",
        higher_is_better=True,
        computed=PerRow(_ms_ssim_of),
        definition=(
            "Multi-scale structural similarity (Wang, Simoncelli & Bovik 2003), per band: "
            f"Gaussian window of {SSIM_WINDOW} px, σ = {SSIM_SIGMA:g}, K1 = 0.01, K2 = 0.03, "
            "data range 1, borders cropped, five scales with the authors' exponents; images of "
            "160 px or less have the finest four (from 81 px), three (41), two (21) or one, "
            "exponents divided by their sum. Before halving, an image with an odd side has its "
            "first row and its first column repeated. Mean over bands, then over rows. From 0 to "
            "1, 1 is perfect."
        ),
        high=1,
    ),
)
