"""Scoring by several processes, or on a Ray cluster: the very same result."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import Result, evaluate
from vrs_bench.evaluation.parcels import pack, parcel_folder, unpack
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.types import Floats

Key = tuple[int, int]

# Matrix products, transforms and the sensor; with bounds, three contestants.
GROUPS = ("distortion", "consistency")
score = partial(evaluate, task="super_res", split="train", groups=GROUPS)


def predictions(tiny: Path) -> Iterator[tuple[Key, Floats]]:
    """Yield the truth with noise, in no order; some values lie outside."""
    rng = np.random.default_rng(5)
    scenes = list(DatasetFolder(tiny).scenes("super_res", "train", ["hr"]))
    for scene in reversed(scenes):
        for step, image in zip(scene["time_step"].tolist(), scene["hr"], strict=True):
            noise = rng.normal(0, 0.02, image.shape).astype(np.float32)
            yield (scene["scene"], step), restore(image) + noise


@pytest.fixture(scope="module")
def rows(tiny: Path) -> dict[Key, Floats]:
    return dict(predictions(tiny))


@pytest.fixture(scope="module")
def alone(tiny: Path, rows: dict[Key, Floats]) -> Result:
    result = score(rows, data=tiny)
    assert (result.n_scenes, result.n_rows) == (4, 12)
    assert result.clipped_values > 0
    assert {"skill_distortion", "skill_consistency"} == set(result.scores) - set(result.bounds)
    return result


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_result_and_progress(
    workers: int, tiny: Path, alone: Result
) -> None:
    seen: list[tuple[int, int]] = []
    together = score(
        predictions(tiny),
        data=tiny,
        workers=workers,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert together == alone
    assert json.dumps(together.to_dict()) == json.dumps(alone.to_dict())  # the order too
    assert seen == [(done, 12) for done in (0, 3, 6, 9, 12)]


def test_networks_give_the_same_result_too(tiny: Path, rows: dict[Key, Floats]) -> None:
    groups = ("perceptual",)
    alone, together = (
        score(rows, data=tiny, groups=groups, workers=workers, bounds=False) for workers in (1, 2)
    )
    assert {"ms_ssim", "feature_distance", "kernel_distance"} <= alone.scores.keys()
    assert together == alone


def test_ray_gives_the_same_result(
    tiny: Path, rows: dict[Key, Floats], alone: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    assert score(rows, data=tiny, engine="ray") == alone


def test_threads_of_linear_algebra_do_not_matter(
    tiny: Path, rows: dict[Key, Floats], alone: Result, tmp_path: Path
) -> None:
    """This process may have been started with one thread; this one has two."""
    np.savez(tmp_path / "p.npz", **{f"{s:06d}_{t:03d}": image for (s, t), image in rows.items()})
    words = ["evaluate", "p.npz", "--data", str(tiny), "--split", "train", "--out", "result.json"]
    subprocess.run(
        [sys.executable, "-m", "vrs_bench", *words, "--groups", ",".join(GROUPS)],
        cwd=tmp_path,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
        capture_output=True,
        check=True,
    )
    assert Result.from_json(tmp_path / "result.json") == alone


def test_an_error_in_a_worker_is_the_same_as_here(
    tiny: Path, rows: dict[Key, Floats], tmp_path: Path
) -> None:
    """The data say that they were made from another seed: their sensor can't be drawn again."""
    shutil.copytree(tiny, tmp_path / "other")
    path = tmp_path / "other" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["recipe"]["world"]["seed"] += 1
    path.write_text(json.dumps(manifest), encoding="utf-8")
    said = []
    for workers in (1, 2):
        with pytest.raises(BenchError) as error:
            score(rows, data=path.parent, bounds=False, workers=workers)
        said.append(str(error.value))
    assert said[0].startswith("scene 0, time step 0: this version draws another")
    assert said[1] == said[0]


def test_a_metric_that_only_this_process_knows_is_told(
    tiny: Path, rows: dict[Key, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "mine", replace(METRICS["mae"], name="mine"))
    with pytest.raises(BenchError, match="unknown metric 'mine'"):
        score(rows, data=tiny, bounds=False, workers=2)


def test_a_script_that_does_not_guard_itself_is_told(
    tiny: Path, rows: dict[Key, Floats], tmp_path: Path
) -> None:
    np.save(tmp_path / "p.npy", np.stack([rows[key] for key in sorted(rows)]))
    (tmp_path / "script.py").write_text(
        "from vrs_bench import evaluate\n"
        f"data, groups = {str(tiny)!r}, ['distortion']\n"
        "evaluate('p.npy', 'super_res', data, 'train', groups=groups, workers=2)\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "evaluate() was called from a script without `if __name__ ==" in done.stderr


@pytest.mark.parametrize(
    ("engine", "workers", "message"),
    [
        ("processes", 0, "workers: expected 1 or more, got 0"),
        ("procesess", 1, "unknown engine 'procesess'; did you mean 'processes'"),
    ],
)
def test_a_crew_that_there_is_not_is_told(
    engine: str, workers: int, message: str, tiny: Path
) -> None:
    with pytest.raises(BenchError, match=message):
        score({}, data=tiny, engine=engine, workers=workers)


# Parcels


def test_a_parcel_gives_what_was_packed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = rng.random((3, 5, 7), np.float32)
    value = {
        "image": image,
        "again": image,
        "fortran": np.asfortranarray(rng.random((4, 6))),
        "part": image[:, ::2],
        "none": np.empty((0, 3), bool),
        "words": ["a", None],
    }
    parcel = pack(value, tmp_path)
    assert len(parcel.body) < 1200  # the large arrays are not in it
    got = unpack(parcel)
    assert got.keys() == value.keys()
    assert got["words"] == ["a", None]
    for name in ("image", "fortran", "part", "none"):
        assert got[name].dtype == value[name].dtype
        np.testing.assert_array_equal(got[name], value[name])
    assert got["again"] is got["image"]
    got["image"][:] = 0  # whoever gets it may write to it, and changes nobody else's
    np.testing.assert_array_equal(unpack(parcel)["image"], image)


def test_a_folder_of_parcels_that_a_killed_process_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a living one stays, and so does whatever else is there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    words = "import sys, numpy; from vrs_bench.evaluation.parcels import pack, parcel_folder\n"
    words += "with parcel_folder() as folder:\n    pack(numpy.zeros(1000), folder)\n"
    words += "    print(folder, flush=True)\n    sys.stdin.read()"
    folders = []
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", words],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for maker in makers:
            assert maker.stdout is not None
            folders.append(Path(maker.stdout.readline().strip()))
        makers[0].kill()
        makers[0].wait()
        other = tmp_path / "vrs-bench-parcels-file"
        other.touch()
        with parcel_folder():  # made only just now: perhaps its maker has no lock yet
            assert [len(list(folder.iterdir())) for folder in folders] == [2, 2]  # and the lock
        for path in (*folders, other):
            os.utime(path, (0, 0))
        with parcel_folder() as folder:
            assert set(tmp_path.iterdir()) == {folders[1], other, folder}
        assert not folder.exists()
    finally:
        for maker in makers:
            maker.kill()
            maker.communicate()


def test_a_folder_without_room_for_parcels_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no room in .* set TMPDIR to a folder with more"):
        pack(np.zeros(3), tmp_path / "gone")
