"""The objects of all metrics: each is whole, and says rightly to which tasks it applies."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from vrs_bench.cli import app
from vrs_bench.evaluation.judge import task_facts
from vrs_bench.metrics import catalogue
from vrs_bench.metrics.catalogue import GROUPS, METRICS, shown_in
from vrs_bench.metrics.definition import Composed, Metric
from vrs_bench.metrics.description import described
from vrs_bench.metrics.scene import TaskFacts
from vrs_bench.metrics.skill import SKILL_GROUPS
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import TASKS, bind
from vrs_bench.world.landcover import LAND_COVER, OPTICAL_BANDS

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)

OPTICAL = TaskFacts(
    bands=OPTICAL_BANDS,
    gsd_ratio=4.0,
    n_classes=len(LAND_COVER),
    readable=True,
    input_is_like_target=True,
    masks=frozenset({"land_cover", "cell"}),
)


@every_metric
def test_every_metric_is_whole(metric: Metric) -> None:
    assert METRICS[metric.name] is metric
    assert metric.group in ("skill", *GROUPS, "original")
    assert (metric.group == "skill") == isinstance(metric.computed, Composed)
    assert metric.low < metric.high
    assert metric.label
    assert metric.definition.endswith(".")
    assert metric.version.isdigit()
    assert metric.applies(OPTICAL)
    assert "torch" in metric.needs or "encoder" not in metric.needs


def test_no_two_metrics_have_one_name() -> None:
    assert sum(len(module.METRICS) for module in catalogue._MODULES) == len(METRICS)
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)


def test_groups_stand_together_and_in_their_order() -> None:
    groups = [metric.group for metric in METRICS.values()]
    order = ["skill", *GROUPS, "original"]
    assert list(dict.fromkeys(groups)) == order
    assert groups == sorted(groups, key=order.index)


def test_skill_is_made_of_members_of_every_group_that_have_values_by_scene() -> None:
    members = [metric for metric in METRICS.values() if metric.in_skill]
    assert [metric.name for metric in members] == [
        *("rmse", "ssim", "sam", "gmsd", "haarpsi", "reader_agreement"),
        *("through_sensor_excess", "net_improvement"),
    ]
    assert {metric.group for metric in members} == set(SKILL_GROUPS) == set(GROUPS)
    assert all(metric.scope != "split" for metric in members)


def test_every_headline_is_a_metric_with_values_by_scene() -> None:
    recipe = load_recipe(BenchmarkRecipe, "tiny")
    for name, task in TASKS.items():
        assert METRICS[task.headline].scope != "split"
        assert METRICS[task.headline].applies(task_facts(bind(name, recipe)))


@every_metric
def test_what_a_metric_needs_decides_where_it_applies(metric: Metric) -> None:
    blind = metric.obstacle(replace(OPTICAL, readable=False))
    assert (blind != "") == bool(metric.needs & {"readers", "encoder"})
    translated = metric.obstacle(replace(OPTICAL, input_is_like_target=False))
    assert (translated != "") == bool(metric.needs & {"input", "operator"})
    for mask in OPTICAL.masks:
        unknown = metric.obstacle(replace(OPTICAL, masks=OPTICAL.masks - {mask}))
        assert unknown == (f"the data have no {mask}" if mask in metric.needs else "")
    radar = metric.obstacle(replace(OPTICAL, bands=("vv", "vh")))
    assert (radar != "") == bool(metric.bands)


def test_what_is_defined_for_some_pixel_sizes_says_why_it_does_not_apply() -> None:
    thrice = replace(OPTICAL, gsd_ratio=3.0)
    for name in ("improvement", "omission", "hallucination"):
        assert METRICS[name].obstacle(thrice) == (
            "the input's pixels are 3 times the target's, not one of 1, 2, 4, 8, 16"
        )
    assert all(METRICS[n].applies(thrice) for n in ("psnr", "ergas", "through_sensor_rmse"))


def test_shown_metrics_are_few() -> None:
    assert [metric.name for metric in shown_in("parts")] == [
        *("skill", *(f"skill_{group}" for group in SKILL_GROUPS)),
        *("psnr", "ssim", "sam"),
        *("reader_agreement", "segmentation_agreement", "jaccard", "segmentation_miou"),
    ]
    assert {metric.name for metric in shown_in("board")} < set(METRICS)


def test_the_command_lists_metrics_for_people_and_for_programs() -> None:
    run = CliRunner().invoke(app, ["metrics"])
    assert run.exit_code == 0
    assert all(f"`{name}`" in run.stdout for name in METRICS)
    run = CliRunner().invoke(app, ["metrics", "--json"])
    listed = json.loads(run.stdout)
    assert [metric["name"] for metric in listed] == list(METRICS)
    assert listed == [described(metric) for metric in METRICS.values()]
    assert {metric["high"] for metric in listed} >= {None, 1}
    assert not any(np.isinf(m[end] or 0) for m in listed for end in ("low", "high"))


def test_the_command_lists_what_applies_to_a_task() -> None:
    run = CliRunner().invoke(app, ["metrics", "--task", "sar_to_optical", "--json"])
    names = {metric["name"] for metric in json.loads(run.stdout)}
    assert set(METRICS) - names == {
        *("through_sensor_rmse", "through_sensor_excess"),
        *("improvement", "omission", "hallucination"),
    }
