"""Sweeps: the same scores as of a dataset, whoever does them and however often they are stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from baselines.predict import predict
from baselines.shifted import prepare, suited
from vrs_bench.data.build.building import build
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.evaluation import evaluate
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.plots import shifts
from vrs_bench.plots.shifts import sweep_plots
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.shifts.findings import SweepReport, validities
from vrs_bench.shifts.knobs import parse_knob
from vrs_bench.shifts.plan import OTHER_DATES, Plan, defaults, plan_sweep
from vrs_bench.shifts.report import make_report
from vrs_bench.shifts.scenes import FLOOR, TRUTH, Contestant, Record
from vrs_bench.shifts.sweep import RECORDS, SETTINGS, run_sweep
from vrs_bench.shifts.tables import report_text, validity_table
from vrs_bench.shifts.turning import dosed, shifted_dataset
from vrs_bench.tasks import bind


def recipe(**settings: object) -> BenchmarkRecipe:
    plain = load_recipe(BenchmarkRecipe, "tiny").model_dump(mode="json")
    plain |= {"scenes": 8, "scenes_per_shard": 2}
    plain["world"] |= {"height": 64, "width": 64, **settings}
    return check_recipe(BenchmarkRecipe, plain, "test")


def plan(task: str, knobs: list[str], methods: list[str], scenes: int = 2, **more: object) -> Plan:
    turned = [parse_knob(text, task) for text in knobs]
    return plan_sweep(task, recipe(), turned, methods, scenes, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def noise() -> Plan:
    return plan("super_res", ["read_noise=0,0.02"], ["bicubic", "nearest"], scenes=3)


@pytest.fixture(scope="module")
def noise_values(noise: Plan) -> list[Record]:
    return run_sweep(noise, prepare)


@pytest.fixture(scope="module")
def noise_report(noise: Plan, noise_values: list[Record]) -> SweepReport:
    return make_report(noise, noise_values)


def value(records: list[Record], method: str, scene: int, metric: str, **doses: float) -> float:
    [found] = [
        record.values[metric]
        for record in records
        if (record.doses, record.contestant.method) == (dosed(doses), method)
        and record.scene == scene
    ]
    return found


# What is measured


def test_the_scores_are_those_of_a_dataset(tmp_path: Path) -> None:
    """Build the shifted data, predict and evaluate them by the other way through the package."""
    shifted = shifted_dataset(recipe(), "super_res", ["read_noise=0.02"])
    assert shifted.name == "tiny-read-noise-0p02"
    folder = tmp_path / "data"
    build(["super_res"], shifted, folder)
    predict("nearest", "super_res", folder, "test", tmp_path / "out")
    result = evaluate(tmp_path / "out", "super_res", folder, groups=["distortion", "consistency"])
    scenes = len(result.scores["rmse"].per_scene)
    swept = plan("super_res", ["read_noise=0.02"], ["nearest"], scenes)
    records = run_sweep(swept, prepare)
    report = make_report(swept, records)
    for name in ("rmse", "ssim", "sam", "psnr", "net_improvement", "through_sensor_rmse"):
        for scene, expected in result.scores[name].per_scene.items():
            found = value(records, "nearest", scene, name, read_noise=0.02)
            assert found == pytest.approx(expected, rel=1e-9), name
    [cell] = [c for c in report.cells if (c.method, c.doses) == ("nearest", {"read_noise": 0.02})]
    for name in ("skill_distortion", "skill_consistency"):
        assert cell.scores[name].mean == pytest.approx(result.scores[name].mean, abs=1e-9)
        assert cell.scores[name].low == pytest.approx(result.scores[name].ci_low, abs=1e-9)


def test_floor_and_truth_are_measured_at_every_dose(noise: Plan, noise_report: SweepReport) -> None:
    cells = {(c.method, c.doses["read_noise"]): c for c in noise_report.cells}
    assert {dose for _, dose in cells} == {0, 0.004, 0.02}
    for dose in (0, 0.004, 0.02):
        assert cells[FLOOR, dose].scores["skill"].mean == pytest.approx(0, abs=1e-9)
        assert cells[TRUTH, dose].scores["skill"].mean == pytest.approx(1, abs=1e-3)  # cut at 1
        assert cells[TRUTH, dose].scores["rmse"].mean == 0
        # The floor is the method of that name, but for the rounding of predictions.
        assert cells["bicubic", dose].scores["skill"].mean == pytest.approx(0, abs=2e-3)
    assert cells[FLOOR, 0.02].scores["rmse"].mean > cells[FLOOR, 0].scores["rmse"].mean


def test_changes_are_paired_by_scene(noise_values: list[Record], noise_report: SweepReport) -> None:
    [cell] = [
        c for c in noise_report.cells if (c.method, c.doses) == ("nearest", {"read_noise": 0.02})
    ]
    differences = [
        value(noise_values, "nearest", scene, "rmse", read_noise=0.02)
        - value(noise_values, "nearest", scene, "rmse", read_noise=0.004)
        for scene in (900_000, 900_001, 900_002)
    ]
    assert cell.change["rmse"].mean == pytest.approx(np.mean(differences), abs=1e-12)
    low, high = cell.change["rmse"].low, cell.change["rmse"].high
    assert low is not None
    assert high is not None
    score = cell.scores["rmse"]
    assert score.high is not None
    assert score.low is not None
    assert high - low < (score.high - score.low) / 2  # scenes differ more than their answers


def test_rmse_rises_with_noise_and_its_validity_says_so(noise_report: SweepReport) -> None:
    [rmse] = [of for of in noise_report.validity if of.metric == "rmse"]
    assert (rmse.falls, rmse.tau.mean) == (1, 1)
    [of_truth] = [of for of in noise_report.validity if of.metric == "jaccard_truth"]
    assert (of_truth.falls, of_truth.tau.mean) == (0, 0)  # of the truth, which noise leaves alone
    [curve] = [c for c in noise_report.curves if (c.method, c.metric) == ("nearest", "rmse")]
    assert curve.worst["dose"] == 0.02
    assert curve.half is None
    assert curve.steepest is not None
    assert curve.default.mean < curve.robust.mean < curve.worst["mean"]


def test_the_report_says_all_of_it(noise: Plan, noise_report: SweepReport, tmp_path: Path) -> None:
    text = report_text(noise_report)
    for part in ("# super_res, tiny: read_noise", "## Curves", "### floor", "### nearest", "τ"):
        assert part in text
    assert "- Fréchet distance, kernel distance: is one number for a whole split" in text
    assert not re.search(r"-0\.0+\b", text)
    noise_report.to_json(tmp_path / "report-a.json")
    assert json.loads((tmp_path / "report-a.json").read_text()) == asdict(noise_report)
    assert validities([tmp_path / "report-a.json"]) == noise_report.validity
    assert "| RMSE | 1.000" in validity_table(noise_report.validity)
    assert defaults(noise) == (("read_noise", 0.004),)
    [path] = sweep_plots(noise_report, tmp_path)
    assert path.name == "curves-read_noise.png"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_dates_that_differ_leave_the_readers_out() -> None:
    made = plan("cloud_removal", ["revisit=24"], ["cloudy"])
    downstream = {name for name, of in METRICS.items() if of.group == "downstream"}
    assert {n for n, why in made.judge.left_out.items() if why == OTHER_DATES} == downstream
    report = make_report(made, run_sweep(made, prepare))
    assert {c.metric for c in report.curves} == {
        "skill_distortion", "skill_perceptual", "skill_consistency", "skill", "rmse",
    }  # fmt: skip
    season = plan("cloud_removal", ["season_shift=30"], ["cloudy"])
    assert not downstream & set(season.judge.left_out)


def test_methods_are_fitted_at_every_dose_for_a_matrix(tmp_path: Path) -> None:
    methods = ["bicubic", "back-projection"]
    made = plan("super_res", ["mtf=0.1"], methods, refitted=methods[1:])
    report = make_report(made, run_sweep(made, prepare))
    fitted = [(c.method, c.fitted, c.doses) for c in report.cells if c.method == "back-projection"]
    assert [at for _, at, _ in fitted] == [{}, {"mtf": 0.1}] * 2
    text = report_text(report)
    assert "| fitted at mtf | met 0.1 | met 0.25 |" in text
    assert [path.name for path in sweep_plots(report, tmp_path)] == [
        "curves-mtf.png",
        "matrix-mtf.png",
    ]
    lines = shifts._curves(report).axes[0].get_lines()[:-1]  # the last is the default dose
    assert {tuple(line.get_xdata()) for line in lines} == {(0.1, 0.25)}
    assert len(report.curves) == 12
    with pytest.raises(BenchError, match="matrix of train and test doses is of one knob"):
        plan("super_res", ["mtf", "bias"], ["back-projection"], refitted=["back-projection"])


def test_what_methods_are_fitted_on_can_be_turned_alone() -> None:
    made = plan("sar_to_optical", ["unseen_class=0"], ["ridge"])
    records = run_sweep(made, prepare)
    names = {(r.contestant.method, r.contestant.fitted, r.doses) for r in records}
    gone = (("unseen_class", 0.0),)
    assert ("ridge", gone, gone) in names
    assert ("ridge", (), (("unseen_class", 1.0),)) in names
    for scene in made.scenes:
        floor = [value(records, FLOOR, scene, "rmse", unseen_class=dose) for dose in (0, 1)]
        ridge = [value(records, "ridge", scene, "rmse", unseen_class=dose) for dose in (0, 1)]
        assert floor[0] == floor[1]
        assert ridge[0] != ridge[1]
    assert "fitted at" not in report_text(make_report(made, records))


def test_two_knobs_make_a_grid_and_their_interaction(tmp_path: Path) -> None:
    made = plan("super_res", ["mtf=0.1", "read_noise=0.02"], ["nearest"])
    assert len(made.cells) == 4
    records = run_sweep(made, prepare)
    report = make_report(made, records)
    [effect] = [of for of in report.interactions if of.metric == "rmse"]
    assert effect.doses == {"mtf": 0.1, "read_noise": 0.02}
    expected = np.mean(
        [
            sum(
                sign * value(records, "nearest", scene, "rmse", mtf=mtf, read_noise=noise)
                for sign, mtf, noise in (
                    (1, 0.1, 0.02), (-1, 0.1, 0.004), (-1, 0.25, 0.02), (1, 0.25, 0.004),
                )
            )
            for scene in made.scenes
        ]
    )  # fmt: skip
    assert effect.effect.mean == pytest.approx(expected, abs=1e-12)
    assert "## Two doses together" in report_text(report)
    assert [path.name for path in sweep_plots(report, tmp_path)] == ["grid-mtf-read_noise.png"]


# Who does it, and how often


def test_the_number_of_workers_changes_no_value(noise: Plan, noise_values: list[Record]) -> None:
    assert run_sweep(noise, prepare, workers=2) == noise_values


def test_a_sweep_goes_on_where_it_was(
    noise: Plan, noise_values: list[Record], tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    assert run_sweep(noise, prepare, out=tmp_path) == noise_values
    lines = (tmp_path / RECORDS).read_text().splitlines(keepends=True)
    assert len(lines) == len(noise_values) == 36
    (tmp_path / RECORDS).write_text("".join(lines[:20]) + lines[20][:30])  # killed in a line
    again = run_sweep(
        noise, prepare, out=tmp_path, progress=lambda done, total: told.append((done, total))
    )
    assert again == noise_values
    assert (told[0], told[-1]) == ((20, 36), (36, 36))
    assert sorted((tmp_path / RECORDS).read_text().splitlines(keepends=True)) == sorted(lines)
    told.clear()
    fewer = plan("super_res", ["read_noise=0.02"], ["nearest"], scenes=2)
    run_sweep(fewer, prepare, out=tmp_path, progress=lambda d, t: told.append((d, t)))
    assert told == [(12, 12)]


def test_a_killed_sweep_goes_on(tmp_path: Path) -> None:
    words = ["sweep", "super_res", "--knob", "read_noise=0,0.02", "--method", "nearest"]
    words += ["--size", "tiny", "--scenes", "2", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "vrs_bench", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = tmp_path / "out" / RECORDS
    until = time.monotonic() + 120
    while time.monotonic() < until and not (path.is_file() and path.stat().st_size):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = path.read_text()
    assert before
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert path.read_text().startswith(before[: before.rfind("\n") + 1])
    assert len(path.read_text().splitlines()) == 18
    report = json.loads(done.stdout)
    assert (report["task"], report["scenes"], len(report["cells"])) == ("super_res", 2, 9)
    made = {of.name for of in (tmp_path / "out").iterdir()}
    stem = "read_noise"
    assert {f"report-{stem}.json", f"report-{stem}.md", f"curves-{stem}.png", "validity.md"} <= made


def test_values_of_something_else_are_not_mixed(noise: Plan, tmp_path: Path) -> None:
    one = plan("super_res", ["read_noise=0.02"], ["nearest"], scenes=1)
    run_sweep(one, prepare, out=tmp_path, identities={"nearest": "a"})
    with pytest.raises(BenchError, match="its values are of another nearest; choose another --out"):
        run_sweep(one, prepare, out=tmp_path, identities={"nearest": "b"})
    turned = [parse_knob("read_noise=0.02", "super_res")]
    other = plan_sweep("super_res", recipe(seed=7), turned, ["nearest"], 1)
    with pytest.raises(BenchError, match="its values are of another recipe"):
        run_sweep(other, prepare, out=tmp_path)
    with (tmp_path / RECORDS).open("a") as file:
        file.write("{}\n")
    with pytest.raises(BenchError, match=r"values\.jsonl, line 7: not a value of a sweep"):
        run_sweep(one, prepare, out=tmp_path, identities={"nearest": "a"})
    (tmp_path / SETTINGS).write_text("{")
    with pytest.raises(BenchError, match=r"sweep\.json: not the settings of a sweep .*; remove it"):
        run_sweep(one, prepare, out=tmp_path)


def test_what_can_not_be_swept_is_refused() -> None:
    for knobs, methods, message in (
        (["mtf", "bias", "gain"], ["bicubic"], "one knob or two different ones, got mtf, bias"),
        (["mtf", "mtf=0.1"], ["bicubic"], "one knob or two different ones, got mtf, mtf"),
        (["mtf"], [], "expected 1 or more scenes and methods, got 2 and 0"),
        (["mtf"], ["floor"], "floor: is always scored"),
    ):
        with pytest.raises(BenchError, match=message):
            plan("super_res", knobs, methods)
    with pytest.raises(BenchError, match="workers: expected 1 or more, got 0"):
        run_sweep(plan("super_res", ["mtf"], ["bicubic"]), prepare, workers=0)
    with pytest.raises(BenchError, match="bicubic: needs a main input that shows what the target"):
        suited("bicubic", bind("sar_to_optical", recipe()))


# Shifted data as a dataset


def test_a_shifted_dataset_is_read_by_what_made_it(tmp_path: Path) -> None:
    shifted = shifted_dataset(recipe(), "super_res", ["mtf=0.1", "bias=0.01"])
    assert shifted.name == "tiny-mtf-0p1-bias-0p01"
    build(["super_res"], shifted, tmp_path / "data")
    bound = DatasetFolder(tmp_path / "data").manifest.bound("super_res")
    _, brightness, aggregation, _ = bound.main_sensor.stages
    assert aggregation.mtf_nyquist == 0.1  # type: ignore[attr-defined]
    assert brightness.add.max == 0.01  # type: ignore[attr-defined]
    for turned, message in (
        (["mtf"], "mtf: expected one dose, such as mtf=0.05"),
        (["mtf=0.1,0.2"], "expected one dose"),
        (["mtf_untold=0.1"], "methods are told by it; turn this knob in a sweep"),
    ):
        with pytest.raises(BenchError, match=message):
            shifted_dataset(recipe(), "super_res", turned)


def test_contestants_are_told_apart_by_what_they_were_fitted_at() -> None:
    assert Contestant("a") != Contestant("a", (("mtf", 0.1),))
