"""Which metrics put known degradations in order: rank correlation of each with their level.

python benchmarks/perceptual.py [--size toy] [--scenes 6]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from measure import print_table, seconds  # before NumPy: it sets the threads

# isort: split
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import kendalltau, spearmanr

from vrs_bench.metrics.complex_wavelet import cw_ssim
from vrs_bench.metrics.distortion import psnr, sam
from vrs_bench.metrics.feature_distances import feature_distance, frechet_distance, kernel_distance
from vrs_bench.metrics.gradients import gmsd
from vrs_bench.metrics.haar import haarpsi
from vrs_bench.metrics.multi_scale import ms_ssim
from vrs_bench.metrics.structural import ssim
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.references.encoder import Encoder, load_encoder, perceive
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.stages.clouds import Clouds, draw_clouds
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS
from vrs_bench.world.streams import stream

FRAMES = 4  # of each scene, over its horizon

LEVELS = {
    "blur, σ in px": (0.5, 1, 1.5, 2, 3, 4),
    "noise, σ": (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08),
    "shift, px": (1, 2, 3, 4, 6, 8),
    "cloud, opacity": (0.05, 0.1, 0.2, 0.4, 0.7, 1),
}
HALF = Clouds(cover=Interval(min=0.5, max=0.5))
"""One expected cover for all frames: what differs between levels is the opacity alone."""

PAIRWISE = {"PSNR": psnr, "SSIM": ssim, "SAM": sam, "MS-SSIM": ms_ssim, "GMSD": gmsd}
PAIRWISE |= {"HaarPSI": haarpsi, "CW-SSIM": cw_ssim}
LOWER_IS_BETTER = {"SAM", "GMSD", "feature distance"}


def main() -> None:
    """Degrade frames of test scenes at rising levels, score them, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    parser.add_argument("--scenes", type=int, default=6, help="test scenes (default: 6)")
    arguments = parser.parse_args()
    world = load_recipe(BenchmarkRecipe, arguments.size).world
    frames, opacity, cloud = draw(world, arguments.scenes)
    degrade: dict[str, Callable[[float], np.ndarray]] = {
        "blur, σ in px": lambda level: gaussian_filter(frames, (0, 0, level, level)),
        "noise, σ": lambda level: noisy(frames, level),
        "shift, px": lambda level: shifted(frames, level),
        "cloud, opacity": lambda level: frames + np.float32(level) * opacity * (cloud - frames),
    }
    title = f"size {arguments.size}, {len(frames)} frames of {arguments.scenes} test scenes"
    encoder = load_encoder()
    order(frames, degrade, encoder, title)
    speed(frames[:8], degrade["noise, σ"](0.01)[:8], encoder, title)


def draw(world: WorldRecipe, scenes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row, 4, H, W) frames, (row, 1, H, W) opacities of clouds and their brightness."""
    frames, layers = [], []
    for number in range(SPLITS["test"], SPLITS["test"] + scenes):
        scene = make_scene(world, number)
        for step in np.linspace(0, world.horizon, FRAMES, endpoint=False, dtype=int):
            frames.append(scene.frame("optical", int(step)))
            rng = stream(world.seed, number, "benchmark/clouds", int(step))
            layers.append(draw_clouds(HALF, rng, world.height, world.width))
    opacity, cloud = (
        np.stack([getattr(layer, name)[None] for layer in layers])
        for name in ("opacity", "brightness")
    )
    return np.stack(frames), opacity, cloud


def noisy(frames: np.ndarray, level: float) -> np.ndarray:
    """Add white noise, the same at every level but for its strength."""
    noise = np.random.default_rng(0).standard_normal(frames.shape, np.float32)
    return np.asarray(np.clip(frames + np.float32(level) * noise, 0, 1))


def shifted(frames: np.ndarray, level: float) -> np.ndarray:
    """Move the image to the right by whole pixels; the edge is repeated."""
    width = frames.shape[-1]
    return frames[..., np.clip(np.arange(width) - int(level), 0, width - 1)]


def order(
    frames: np.ndarray,
    degrade: dict[str, Callable[[float], np.ndarray]],
    encoder: Encoder,
    title: str,
) -> None:
    """Print rank correlations with the level, and the encoder's distances at each level."""
    clean = perceive(encoder, frames)
    pooled, within, by_level = [], [], []
    names = ["feature distance", *PAIRWISE]
    for kind, levels in LEVELS.items():
        scores: dict[str, list[np.ndarray]] = {name: [] for name in names}
        sets = []
        for level in levels:
            images = degrade[kind](level)
            seen = perceive(encoder, images)
            scores["feature distance"].append(feature_distance(seen.features, clean.features))
            for name, metric in PAIRWISE.items():
                scores[name].append(metric(images, frames))
            sets.append(
                (
                    frechet_distance(seen.pooled, clean.pooled),
                    kernel_distance(seen.pooled, clean.pooled),
                )
            )
        harm = {n: np.array(s) * (1 if n in LOWER_IS_BETTER else -1) for n, s in scores.items()}
        pooled.append((kind, *(f"{correlation(levels, harm[n]):.3f}" for n in names)))
        within.append((kind, *(f"{agreement(levels, harm[n]):.3f}" for n in names)))
        for level, distance, psnr_, (frechet, kernel) in zip(
            levels, scores["feature distance"], scores["PSNR"], sets, strict=True
        ):
            cells = (f"{distance.mean():.4f}", f"{frechet:.3f}", f"{kernel:.4f}")
            by_level.append((kind, level, f"{psnr_.mean():.1f}", *cells))
    # Levels tie, scores do not: the highest coefficient is not 1.
    ordered = np.arange(len(levels) * len(frames)).reshape(len(levels), -1)
    most = correlation(levels, ordered)
    print_table(
        f"Spearman's ρ of score and level over all frames, {title} ({most:.3f}: any frame at a "
        "higher level is worse than any at a lower)",
        ("degradation", *names),
        pooled,
    )
    print_table(
        f"Kendall's τ of score and level within a frame, mean over frames, {title} (1: every "
        "frame in order)",
        ("degradation", *names),
        within,
    )
    print_table(
        f"What the encoder sees at each level, {title}",
        ("degradation", "level", "PSNR, dB", "feature distance", "Fréchet", "kernel"),
        by_level,
    )


def correlation(levels: Sequence[float], harm: np.ndarray) -> float:
    """Return Spearman's ρ of (level, frame) scores and levels."""
    return float(spearmanr(np.repeat(levels, harm.shape[1]), harm.ravel()).statistic)


def agreement(levels: Sequence[float], harm: np.ndarray) -> float:
    """Return the mean over frames of Kendall's τ of scores and levels."""
    return float(np.mean([kendalltau(levels, frame).statistic for frame in harm.T]))


def speed(frames: np.ndarray, images: np.ndarray, encoder: Encoder, title: str) -> None:
    """Print the time of each metric."""
    clean, seen = perceive(encoder, frames), perceive(encoder, images)
    work: dict[str, Callable[[], object]] = {
        name: partial(metric, images, frames) for name, metric in PAIRWISE.items()
    }
    work["perceive"] = lambda: perceive(encoder, images)
    work["feature distance, of features"] = lambda: feature_distance(seen.features, clean.features)
    taken = {name: seconds(call, 5) / len(frames) for name, call in work.items()}
    print_table(
        f"Speed, {title}",
        ("metric", "ms a row", "rows a second"),
        [(name, f"{t * 1e3:.1f}", f"{1 / t:.0f}") for name, t in taken.items()],
    )


if __name__ == "__main__":
    main()
