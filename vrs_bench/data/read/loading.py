"""Loading published data: from a folder, from the Hub, or built here where there is neither."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from vrs_bench.data.build.building import build
from vrs_bench.data.manifest import NAME, read_manifest
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import named, shown
from vrs_bench.recipes import BenchmarkRecipe, digest, load_recipe
from vrs_bench.tasks import TASKS, Task, bind

TOY = "vrs-toy"
"""The dataset that is built where no folder of that name is."""

_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def published_configs(recipe: BenchmarkRecipe) -> dict[str, Task]:
    """Return the task of every published config."""
    return {config: task for name, task in TASKS.items() for config in bind(name, recipe).configs}


def load_dataset(
    name: str | Path = TOY,
    config: str = "super_res",
    split: str | None = None,
    *,
    streaming: bool = False,
    verify: bool = False,
    size: str | Path = "tiny",
    workers: int = 1,
    cache_dir: str | Path | None = None,
    **options: Any,
) -> Any:
    """Load a config of the benchmark with `datasets`; build it first where it is nowhere yet.

    ``name`` is looked for as a local folder, then as a Hub id ``<org>/<name>``. The plain name
    ``vrs-toy`` where there is no such folder is built, once, into the cache of `datasets`.

    A stream may be left at any row: unlike with plain `datasets`, the process still ends, see
    :mod:`vrs_bench.data.read.streaming`.

    Args:
        name: folder, Hub id, or ``vrs-toy``.
        config: ``super_res``, ``super_res_latent``, ``cloud_removal``, ….
        split: ``train``, ``validation`` or ``test``; all of them if None.
        streaming: read rows when they are asked for instead of preparing them all first.
        verify: compare the SHA-256 of the files that are about to be read with the manifest's
            first, and load nothing if one is missing, changed or unknown. Every byte of them is
            read once more for it, before the first row: one to three seconds a gigabyte, if the
            disk is as quick. They are those of all splits, but of a stream those of ``split``.
            What is on the Hub is downloaded whole for it, streams too. A table that `datasets`
            has prepared of the same files before is taken as it is.
        size: ``tiny``, ``toy``, ``large`` or a recipe file; of what is built here.
        workers: processes that build.
        cache_dir: in place of the cache folder of `datasets`.
        options: handed on to `datasets.load_dataset` (streaming: `load_dataset_builder`).

    Returns:
        Dataset or, streaming, IterableDataset; a dictionary of them if ``split`` is None. Images
        are uint16, see :func:`to_float`.

    Raises:
        BenchError: unknown config, ``name`` is nothing of the above, or ``verify`` finds a fault.
    """
    import datasets

    recipe = load_recipe(BenchmarkRecipe, size)
    configs = published_configs(recipe)
    if config not in configs:
        raise BenchError(f"unknown config '{config}'{did_you_mean(config, configs)}")
    if named(name).is_dir() or _HUB_ID.fullmatch(str(name)):
        source = str(name)
    elif str(name) == TOY:
        cache = Path(cache_dir or datasets.config.HF_DATASETS_CACHE).expanduser()
        source = str(_built(configs[config], recipe, cache / "vrs-bench", workers))
    else:
        raise BenchError(
            f"{shown(name)}: no such folder, and no Hub id (<org>/<name>); build the folder with: "
            f"vrs-bench build {configs[config].name} --out {name}, or load '{TOY}', which is "
            "built when it is first asked for"
        )
    cache_dir, task = None if cache_dir is None else str(cache_dir), configs[config].name
    if verify and not Path(source).is_dir():
        from vrs_bench.data.read.verified import downloaded

        source = str(downloaded(source, task, options.pop("revision", None), options.get("token")))
    if streaming or verify:
        describe = datasets.load_dataset_builder
        later = signature(datasets.load_dataset).parameters.keys() - signature(describe).parameters
        known = {key: value for key, value in options.items() if streaming or key not in later}
        builder = describe(source, config, cache_dir=cache_dir, **known)
    if verify:
        from vrs_bench.data.read.verified import require_published

        require_published(builder, source, task, split if streaming else None)
    if streaming:
        from vrs_bench.data.read.streaming import stream

        return stream(builder, split)
    return datasets.load_dataset(source, config, split=split, cache_dir=cache_dir, **options)


def _built(task: Task, recipe: BenchmarkRecipe, cache: Path, workers: int) -> Path:
    """Return the folder of a recipe in the cache, in which the task is complete."""
    from datasets.utils import tqdm
    from filelock import FileLock

    sensors = [sensor for name in TASKS for sensor in bind(name, recipe).sensors.values()]
    folder = cache / f"{recipe.name}-{digest(recipe, *sensors)[:16]}"
    if _complete(folder, task):
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not _complete(folder, task):  # another process may have built it meanwhile
            print(f"vrs-bench: building {task.name}, {recipe.name}: {folder}", file=sys.stderr)
            with tqdm(desc=f"build {task.name}", unit=" rows") as bar:

                def report(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                build([task.name], recipe, folder, workers, report)
    return folder


def _complete(folder: Path, task: Task) -> bool:
    """Say whether a folder holds a task whole, as far as sizes tell; digests take `verify`."""
    if not (folder / NAME).is_file():
        return False
    manifest = read_manifest(folder)
    return task.name in manifest.tasks and all(
        (folder / path).is_file() and (folder / path).stat().st_size == entry.bytes
        for path, entry in manifest.files.items()
        if entry.task == task.name
    )


def to_float(rows: Any, arrays: Literal["torch", "numpy"] = "torch") -> Any:
    """Return a dataset whose rows are read as float32 images in [0, 1].

    Images, cloud and shadow are stored value ÷ 10000 as float32. Land cover (uint8), cell (int16)
    and every other column keep the type they are stored in; nothing becomes int64::

        rows = to_float(load_dataset("vrs-toy", "super_res", split="train"))
        rows[0]["lr"]  # float32 (band, height, width)
        rows[:8]["hr"]  # float32 (8, band, height, width)
        DataLoader(rows, batch_size=8, shuffle=True, num_workers=2)

        stream = to_float(load_dataset("vrs-toy", "super_res", split="train", streaming=True))
        DataLoader(stream.shuffle(seed=0, buffer_size=100), batch_size=8, num_workers=2)

    It goes before ``map`` and ``filter`` of a stream. `Dataset.with_transform` is no way to it:
    that hands a transform nested Python lists, which have no types and take twenty times as long.

    Args:
        rows: Dataset or IterableDataset, or a dictionary of them, however it was loaded.
        arrays: ``"torch"`` tensors or ``"numpy"`` arrays; both own their memory.

    Raises:
        BenchError: torch is asked for and not installed.
    """
    if arrays not in ("torch", "numpy"):
        raise BenchError(f"arrays: expected 'torch' or 'numpy', got {arrays!r}")
    if arrays == "torch" and find_spec("torch") is None:
        raise BenchError(
            "to_float: torch is not installed; install the extra 'baselines', or ask for "
            "to_float(rows, 'numpy')"
        )
    from vrs_bench.data.read.floats import FORMATS

    return rows.with_format(FORMATS[arrays])
