"""A built folder as its users meet it: through plain `datasets`, with no network."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from vrs_bench.data.read.dataset_folder import DatasetFolder

LOAD = """
import numpy as np
from datasets import load_dataset
for config in ("super_res", "super_res_latent"):
    rows = load_dataset({path!r}, config, split="test")
    print(config, rows.num_rows, ",".join(rows.column_names))
    row = rows.with_format("numpy", dtype="float32")[0]
    print(row["hr"].dtype, row["hr"].shape, int(row["hr"].astype("int64").sum()))
    stream = iter(load_dataset({path!r}, config, split="test", streaming=True))
    first = next(stream)
    for _ in stream:  # a stream that is left early, even closed, can hang or abort at exit
        pass
    print(np.asarray(first["hr"]).sum())
"""


def test_both_configs_load_from_a_clean_cache_offline(tiny, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", LOAD.format(path=str(tiny))],
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    truth = next(DatasetFolder(tiny).scenes("super_res", "test", ["hr"]))["hr"]
    bound = DatasetFolder(tiny).manifest.bound("super_res")
    rows = len(DatasetFolder(tiny).keys("super_res", "test"))
    for line, (config, columns) in zip(lines[::3], bound.configs.items(), strict=True):
        assert line == f"{config} {rows} {','.join(columns)}"
    for stored, streamed in zip(lines[1::3], lines[2::3], strict=True):
        shape = (4, *truth.shape[2:])
        assert stored == f"float32 {shape} {truth[0].sum()}"
        assert int(streamed) == truth[0].sum()


def test_the_card_states_the_features_and_sizes_that_are_there(tiny):
    from datasets import Features, load_dataset_builder

    head = (Path(tiny) / "README.md").read_text().split("---\n")[1]
    metadata = yaml.safe_load(head)
    assert [c["config_name"] for c in metadata["configs"]] == ["super_res", "super_res_latent"]
    for info in metadata["dataset_info"]:
        features = Features._from_yaml_list(info["features"])
        assert load_dataset_builder(str(tiny), info["config_name"]).info.features == features
        for split in info["splits"]:
            keys = DatasetFolder(tiny).keys("super_res", split["name"])
            assert split["num_examples"] == len(keys)


def test_random_rows_equal_the_rows_of_the_folder(tiny, tmp_path):
    from datasets import load_dataset

    rows = load_dataset(str(tiny), "super_res", split="train", cache_dir=str(tmp_path))
    rows = rows.with_format("numpy")
    scenes = list(DatasetFolder(tiny).scenes("super_res", "train", ["lr", "phase"]))
    steps = len(scenes[0]["time_step"])
    for index in (0, 5, len(rows) - 1):
        scene, step = scenes[index // steps], index % steps
        assert (int(rows[index]["scene"]), int(rows[index]["time_step"])) == (scene["scene"], step)
        np.testing.assert_array_equal(rows[index]["lr"], scene["lr"][step])
        np.testing.assert_array_equal(rows[index]["phase"], scene["phase"][step])
