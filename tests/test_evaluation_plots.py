"""Pictures of a result: they show the scenes, the parts and the counts that it has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import PartScore, Result, evaluate
from vrs_bench.plots import evaluation as plots
from vrs_bench.types import Floats
from vrs_bench.world.landcover import class_names


@pytest.fixture(scope="module")
def images(tiny: Path) -> Floats:
    """Return predictions of the train split (four scenes): the second scene is the worst."""
    scenes = [s["hr"] for s in DatasetFolder(tiny).scenes("super_res", "train", ["hr"])]
    truth = restore(np.stack(scenes))
    for number, error in enumerate((0.01, 0.05, 0.02, 0.03)):
        truth[number] += np.float32(error)
    return np.clip(truth.reshape(-1, *truth.shape[2:]), 0, 1)


@pytest.fixture(scope="module")
def result(tiny: Path, images: Floats) -> Result:
    groups = ["distortion"]
    return evaluate(images, "super_res", tiny, "train", groups=groups, bounds=False)


def titles(figure: Figure) -> list[str]:
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


def test_the_worst_and_the_median_scene_are_drawn(
    tiny: Path, images: Floats, result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, Figure] = {}

    def keep(figure: Figure, path: Path) -> Path:
        drawn[path.name] = figure
        return path

    monkeypatch.setattr(plots, "save", keep)
    paths = plots.evaluation_plots(result, images, tiny, tmp_path)
    assert [path.name for path in paths] == ["errors.png", "parts.png"]
    shown = titles(drawn["errors.png"])
    assert shown[0].startswith("worst scene 1, step ")
    # From best to worst the scenes are 0, 2, 3, 1; of an even number, the better middle one.
    assert shown[5].startswith("median scene 2, step ")
    error = drawn["errors.png"].axes[3].images[0].get_array()
    assert error.mean() == pytest.approx(0.05, abs=0.002)
    assert "PSNR (dB) by land cover" in titles(drawn["parts.png"])
    assert "SAM (°) by time step" in titles(drawn["parts.png"])


def test_pictures_are_files(tiny: Path, images: Floats, result: Result, tmp_path: Path) -> None:
    paths = plots.evaluation_plots(result, images, tiny, tmp_path / "new")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_other_predictions_than_those_that_were_scored_are_refused(
    tiny: Path, images: Floats, result: Result, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match="not those of the result"):
        plots.evaluation_plots(result, images * np.float32(0.5), tiny, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_intervals_are_drawn_where_there_are_any() -> None:
    figure = Figure()
    axis = figure.subplots()
    scores = {"border": PartScore(30.0, 29.0, 32.0, 5), "interior": PartScore(33.0, None, None, 1)}
    plots._part_scores(axis, "position", scores, shares=False)
    with_interval, without = axis.collections[0].get_segments()
    assert with_interval[:, 0].tolist() == [29.0, 32.0]
    assert without[:, 0].tolist() == [33.0, 33.0]


def test_confusion_is_drawn_as_shares_of_the_true_class() -> None:
    counts = np.diag(np.arange(1, len(class_names())))
    counts[0, 1] = 3

    result = SimpleNamespace(confusion={"reader": counts.tolist(), "reader_truth": counts.tolist()})
    figure = plots._confusion(result)  # type: ignore[arg-type]
    assert titles(figure) == ["reader", "reader, on the truth"]
    share = figure.axes[0].images[0].get_array()
    assert share[0, :2].tolist() == [0.25, 0.75]
    np.testing.assert_allclose(np.asarray(share).sum(axis=1), 1)
