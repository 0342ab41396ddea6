"""Speed and memory of scoring: metrics, parts, evaluate() as a whole, and its peak memory.

python benchmarks/evaluate.py [--size toy]
python benchmarks/evaluate.py --data vrs-toy    # whole test splits, by one and two workers
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from measure import (
    best_seconds,
    print_table,
    seconds,
)  # before NumPy: it sets the number of threads

# isort: split
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation import evaluate
from vrs_bench.evaluation.truth import Truth
from vrs_bench.metrics.catalogue import GROUPS
from vrs_bench.metrics.distortion import ergas, mae, ndvi_mae, psnr, rmse, sam
from vrs_bench.metrics.sliced import sliced_distortion
from vrs_bench.metrics.structural import ssim, uiqi
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import BoundTask

METRICS = (mae, rmse, psnr, ssim, sam, ergas, uiqi, ndvi_mae)
TASK = "cloud_removal"

CHILD = """
import multiprocessing, os, sys
from pathlib import Path
from vrs_bench.evaluation import evaluate

def peak(pid):
    # Of this program: what getrusage says would start from the peak of who started it.
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if "VmHWM" in line)

workers = [0]
def look(done, total):
    workers.extend(peak(child.pid) for child in multiprocessing.active_children())

evaluate(
    sys.argv[1], "cloud_removal", sys.argv[2], groups=sys.argv[3].split(","), bounds=False,
    workers=int(sys.argv[4]), progress=look,
)
print(peak(os.getpid()), max(workers))
"""

WORKERS = (1, 2)


def main() -> None:
    """Build small datasets of the size's scenes, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="toy", help="packaged recipe (default: toy)")
    parser.add_argument("--data", type=Path, help="dataset folder whose test splits to score")
    arguments = parser.parse_args()
    size = arguments.size
    if arguments.data is not None:
        whole_splits(arguments.data)
        return
    recipe = load_recipe(BenchmarkRecipe, size)
    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        for scenes in (13, 40):  # two and six test scenes
            data = Path(folder) / f"vrs-{scenes}"
            build([TASK], recipe.model_copy(update={"scenes": scenes}), data, workers=2)
            truth = np.concatenate([scene.target for scene in Truth(*opened(data), "test")])
            noise = np.random.default_rng(0).normal(0, 0.01, truth.shape).astype(np.float32)
            prediction = np.clip(truth + noise, 0, 1)
            if scenes == 13:
                one_by_one(prediction[:30], truth[:30], data, size)
                whole(prediction, data, size)
            np.save(data.with_suffix(".npy"), prediction)
            peaks += [
                (name, len(prediction), workers, *peaks_of(data, name, workers))
                for name in ("distortion", ",".join(GROUPS))
                for workers in WORKERS
            ]
        title = f"Peak memory of the processes that evaluate {TASK}, size {size}"
        head = ("groups", "rows", "workers", "main process, GB", "largest worker, GB")
        print_table(title, head, sorted(peaks))


def opened(data: Path) -> tuple[DatasetFolder, BoundTask]:
    """Return a dataset folder and the task on its data."""
    folder = DatasetFolder(data)
    return folder, folder.manifest.bound(TASK)


def one_by_one(prediction: np.ndarray, truth: np.ndarray, data: Path, size: str) -> None:
    """Time every metric on a scene, and the group with its parts against scikit-image."""
    n, pixels = len(truth), truth[0].size / 1e6
    times = {metric.__name__: seconds(partial(metric, prediction, truth), 3) for metric in METRICS}

    def scikit_image() -> None:
        for x, y in zip(prediction, truth, strict=True):
            peak_signal_noise_ratio(y, x, data_range=1)
            for a, b in zip(x, y, strict=True):
                structural_similarity(
                    a, b, data_range=1, gaussian_weights=True, use_sample_covariance=False
                )

    parts = next(iter(Truth(*opened(data), "test"))).parts
    score = partial(sliced_distortion, prediction, truth, parts.masks, ratio=1, red=2, nir=3)
    loop = seconds(scikit_image, 3)
    times["all eight, one after the other"] = sum(times.values())
    times[f"all eight, and over {len(parts.fixed)} parts of land cover and position"] = seconds(
        score, 3
    )
    times[f"the same, and over {len(parts.by_step)} bins of cloud transmittance"] = seconds(
        partial(score, row_parts=parts.step_masks), 3
    )
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
    """Time evaluate(): reading the truth, checks, digests, scores, parts and intervals."""
    n, rows = len(prediction), []
    score = partial(evaluate, prediction, TASK, data, bounds=False)
    for groups in (("distortion",), ("downstream",), ("consistency",), ("perceptual",), GROUPS):
        for workers in WORKERS:
            taken = best_seconds(partial(score, groups=groups, workers=workers))
            rows.append((", ".join(groups), workers, f"{taken:.2f}", f"{n / taken:.1f}"))
    print_table(
        f"evaluate() of {TASK} from an array, size {size}, {n} rows of the test split, best of 3; "
        f"one worker is the process itself, several include their start",
        ("groups", "workers", "s", "rows a second"),
        rows,
    )


def whole_splits(data: Path) -> None:
    """Time distortion alone and all groups over the test split of each task, from a file."""
    folder, rows = DatasetFolder(data), []
    for name in folder.manifest.tasks:
        target, n = folder.manifest.bound(name).target, len(folder.keys(name, "test"))
        with tempfile.TemporaryDirectory() as temporary:
            path, done = Path(temporary) / "predictions.npy", 0
            for scene in folder.scenes(name, "test", [target]):
                truth = scene[target]
                if not done:
                    shape = (n, *truth.shape[1:])
                    stack = np.lib.format.open_memmap(path, "w+", np.uint16, shape)
                stack[done : done + len(truth)] = np.minimum(truth, 9900) + 100
                done += len(truth)
            score = partial(evaluate, path, name, folder, bounds=False)
            for groups in (("distortion",), GROUPS):
                for workers in WORKERS:
                    taken = best_seconds(partial(score, groups=groups, workers=workers), 1)
                    told = (", ".join(groups), workers, f"{taken:.1f}", f"{n / taken:.1f}")
                    rows.append((name, n, *told))
    print_table(
        f"evaluate() of whole test splits, size {folder.manifest.recipe.name}, once each; one "
        f"worker is the process itself, several include their start",
        ("task", "rows", "groups", "workers", "s", "rows a second"),
        rows,
    )


def peaks_of(data: Path, groups: str, workers: int) -> list[str]:
    """Return the peak memory in GB of a process that evaluates predictions from a file.

    And of the largest of its workers; 0 where it works itself.
    """
    words = [sys.executable, "-c", CHILD, str(data.with_suffix(".npy")), str(data), groups]
    words.append(str(workers))
    done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
    return [f"{int(kilobytes) / 1e6:.2f}" for kilobytes in done.stdout.split()[-2:]]


if __name__ == "__main__":
    main()
