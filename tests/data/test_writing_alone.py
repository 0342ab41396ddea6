"""Two processes that write into one folder: the second is told, and does no harm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sktime

from vrs_bench.data.build.building import build
from vrs_bench.data.export.exporting import export
from vrs_bench.data.private import build_private, reveal
from vrs_bench.data.products.commands import derive, generate
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError
from vrs_bench.paths import LOCK, writing_alone
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe
from vrs_bench.recipes.original_models import DerivationRecipe, GenerationRecipe

MOTIONS = Path(sktime.__file__).parent / "datasets" / "data" / "BasicMotions"
HELD = r"another process is writing here \(process \d+ on .*, since \d{4}-"
SECRET = b"a secret that is long enough"

Run = Callable[..., object]


@pytest.fixture(scope="module")
def recipe() -> BenchmarkRecipe:
    tiny = load_recipe(BenchmarkRecipe, "tiny")
    cells = tiny.world.cells.model_copy(update={"n": 4})
    world = tiny.world.model_copy(update={"height": 64, "width": 64, "horizon": 2, "cells": cells})
    return tiny.model_copy(update={"scenes": 4, "scenes_per_shard": 1, "world": world})


def generation() -> GenerationRecipe:
    data = {
        "ts": {"path": f"{MOTIONS}/BasicMotions_TRAIN.ts", "ndim": 3, "nclass": 2},
        "product": {
            "size": {"width": 24, "height": 16},
            "nbands": 3,
            "horizon": 3,
            "n_polygons": 3,
        },
        "random_sampler": {"name": "gaussian"},
        "seed": 0,
    }
    return check_recipe(GenerationRecipe, data, "g.yaml")


def derivation() -> DerivationRecipe:
    data = {"target_size": {"width": 24, "height": 16}, "seed": 0}
    return check_recipe(DerivationRecipe, data, "d.yaml")


def twice(run: Callable[[Callable[[int, int], None]], object]) -> None:
    """Run something, and again while the first run is under way."""
    refused = []

    def again(done: int, total: int) -> None:
        if not refused:
            with pytest.raises(BenchError, match=HELD) as error:
                run(lambda *_: None)
            refused.append(error)

    run(again)
    assert refused


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_a_second_build_is_refused_and_the_first_ends_well(
    recipe: BenchmarkRecipe, tmp_path: Path
) -> None:
    out = tmp_path / "not" / "there"
    for workers in (1, 2):
        twice(lambda report, n=workers: build(["super_res"], recipe, out, n, report))
        assert verify(out) == []
        assert LOCK not in names(tmp_path)
        shutil.rmtree(out)


def test_a_second_private_build_and_a_second_reveal_are_refused(
    recipe: BenchmarkRecipe, tmp_path: Path
) -> None:
    twice(
        lambda report: build_private(["super_res"], recipe, tmp_path / "p", SECRET, report=report)
    )
    twice(lambda report: reveal(tmp_path / "p", SECRET, tmp_path / "r", report=report))
    assert LOCK not in names(tmp_path)


@pytest.mark.parametrize("form", ["webdataset", "hdf5"])
def test_a_second_export_is_refused(form: str, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    twice(lambda report: export(tiny, form, out, report=report))  # type: ignore[arg-type]
    assert LOCK not in names(tmp_path)


def test_a_second_generate_and_a_second_derive_are_refused(tmp_path: Path) -> None:
    twice(lambda report: generate(generation(), tmp_path / "latent", report))
    twice(lambda report: derive(derivation(), tmp_path / "latent", tmp_path / "out", report))
    assert {path.name for path in tmp_path.iterdir()} == {"latent", "out"}


def test_a_lock_goes_with_its_process(recipe: BenchmarkRecipe, tmp_path: Path) -> None:
    out = tmp_path / "out"
    held = (
        "import sys; from pathlib import Path; from vrs_bench.paths import writing_alone\n"
        f"with writing_alone(Path({str(out)!r})): print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with pytest.raises(BenchError, match=rf"process {child.pid} on "):
        build(["super_res"], recipe, out)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=60)
    assert (out / LOCK).is_file()  # left by the killed process; it means nothing
    build(["super_res"], recipe, out)
    assert verify(out) == []
    assert not (out / LOCK).exists()


def test_what_was_made_for_a_lock_is_removed_with_it(tmp_path: Path) -> None:
    with writing_alone(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / LOCK).is_file()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BenchError, match="file: is a file; name a folder"),
        writing_alone(tmp_path / "file"),
    ):
        pass


def test_a_product_that_the_disk_has_no_room_for_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latent = generate(generation(), tmp_path / "latent").path
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(BenchError, match=r"3 frames need about .* are free there"):
        generate(generation(), tmp_path / "out")
    with pytest.raises(BenchError, match=r"3 frames need about .* are free there"):
        derive(derivation(), latent, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [latent]
