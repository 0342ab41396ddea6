"""Speed of scoring: each metric, against scikit-image in a loop, and evaluate() as a whole.

python benchmarks/evaluate.py [--size toy]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measure import print_table, seconds
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vrs_bench.data.build import build
from vrs_bench.data.reader import DatasetFolder
from vrs_bench.evaluation import evaluate
from vrs_bench.metrics.distortion import ergas, mae, ndvi_mae, psnr, rmse, sam
from vrs_bench.metrics.structural import ssim, uiqi
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import restore

METRICS = (mae, rmse, psnr, ssim, sam, ergas, uiqi, ndvi_mae)


def main() -> None:
    """Build a small dataset of the size's scenes, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    size = parser.parse_args().size
    recipe = load_recipe(BenchmarkRecipe, size).model_copy(update={"scenes": 13})
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "vrs-toy"
        build(["super_res"], recipe, data, workers=2)
        scenes = [
            restore(scene["hr"])
            for scene in DatasetFolder(data).scenes("super_res", "test", ["hr"])
        ]
        rng = np.random.default_rng(0)
        truth = np.concatenate(scenes)
        noise = rng.normal(0, 0.01, truth.shape).astype(np.float32)
        prediction = np.clip(truth + noise, 0, 1)
        one_by_one(prediction[:30], truth[:30], size)
        whole(prediction, data, size)


def one_by_one(prediction: np.ndarray, truth: np.ndarray, size: str) -> None:
    """Time every metric on a scene, and the group against scikit-image."""
    n, pixels = len(truth), truth[0].size / 1e6
    times = {
        metric.__name__: seconds(lambda m=metric: m(prediction, truth), 3) for metric in METRICS
    }

    def scikit_image() -> None:
        for x, y in zip(prediction, truth, strict=True):
            peak_signal_noise_ratio(y, x, data_range=1)
            for a, b in zip(x, y, strict=True):
                structural_similarity(
                    a, b, data_range=1, gaussian_weights=True, use_sample_covariance=False
                )

    loop = seconds(scikit_image, 3)
    times["all eight"] = sum(times.values())
    times["PSNR and SSIM, here"] = times["psnr"] + times["ssim"]
    times["PSNR and SSIM, scikit-image in a loop"] = loop
    rows = [
        (name, f"{t / n * 1e3:.2f}", f"{n / t:.0f}", f"{pixels * n / t:.0f}")
        for name, t in times.items()
    ]
    ratio = loop / times["PSNR and SSIM, here"]
    print_table(
        f"Distortion metrics, size {size}: PSNR and SSIM {ratio:.1f} × a scikit-image loop",
        ("metric", "ms a row", "rows a second", "megapixels a second (all bands)"),
        rows,
    )


def whole(prediction: np.ndarray, data: Path, size: str) -> None:
    """Time evaluate(): reading the truth, checks, digests, scores and intervals."""
    taken = seconds(lambda: evaluate(prediction, "super_res", data), 3)
    n = len(prediction)
    megapixels = prediction.size / 1e6
    print_table(
        f"evaluate() from an array, size {size}, {n} rows of the test split",
        ("s", "rows a second", "megapixels a second (all bands)"),
        [(f"{taken:.2f}", f"{n / taken:.0f}", f"{megapixels / taken:.0f}")],
    )


if __name__ == "__main__":
    main()
