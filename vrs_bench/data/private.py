"""Private splits: truth that is held back, and fixed in advance for all to check later.

The world's seed of each task is derived from a secret, see :mod:`vrs_bench.data.secret`. What is
published holds inputs only, a commitment to each seed, and digests of every shard as it is with its
truth: of the file, and of the values alone, which hold whatever version of pyarrow writes them
again. Who knows the secret can make the truth again and score with it; once it is told, everybody
can, and check that neither was changed meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from vrs_bench.data.build.building import Plan, build_plan, existing
from vrs_bench.data.build.engines import RECORDS
from vrs_bench.data.build.shards import Written, digest_shard, file_digest, private_plan
from vrs_bench.data.build.store import LocalStore, open_store
from vrs_bench.data.manifest import FileEntry, Manifest, read_manifest
from vrs_bench.data.secret import SALT_BYTES, task_seed
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.tasks import TASKS, bind
from vrs_bench.types import Report

_SALT = f"{RECORDS}/salt"  # while a build is under way, so that it goes on with the same seeds


def build_private(
    tasks: Iterable[str],
    recipe: BenchmarkRecipe,
    out: str | Path,
    secret: bytes,
    workers: int = 1,
    report: Report = lambda done, total: None,
) -> Manifest:
    """Build the folder of a private split that may be published: inputs, and commitments.

    It has as many scenes as the recipe's test split. The seed of the recipe is not used, and
    written as 0. Tasks that the folder already holds stay. The salt is drawn when the folder is
    begun: from the secret and the manifest, the folder can be built again to the byte.

    Raises:
        BenchError: as :func:`vrs_bench.data.build.building.build`.
    """
    store = open_store(out)
    with store.alone():
        before = existing(store, str(out))
        names = list(dict.fromkeys([*(before.tasks if before else ()), *(list(tasks) or TASKS)]))
        bound = {name: bind(name, recipe) for name in names}
        salt = before.salt if before else store.read_text(_SALT)
        if salt is None:
            salt = secrets.token_hex(SALT_BYTES)
            if before is None:
                store.write_text(_SALT, salt)
        derived = {name: task_seed(secret, bytes.fromhex(salt), name) for name in names}
        made = Plan(
            published=recipe.with_seed(0),
            bound={
                name: replace(bound[name], world=recipe.with_seed(seed).world)
                for name, (seed, _) in derived.items()
            },
            shards=tuple(s for name in names for s in private_plan(name, recipe, inputs_only=True)),
            salt=salt,
            commitments={name: commitment for name, (_, commitment) in derived.items()},
        )
        return build_plan(made, out, workers, report)


def reveal(
    folder: str | Path,
    secret: bytes,
    out: str | Path,
    workers: int = 1,
    report: Report = lambda done, total: None,
) -> Manifest:
    """Make the truth of a private split, and check that it is the one that was committed to.

    Args:
        folder: what was published of the split.
        secret: what it was made from.
        out: folder for the data with its truth: a dataset folder with the one split ``private``,
            whose manifest holds the seed of each task.
        workers, report: as of :func:`vrs_bench.data.build.building.build`.

    Raises:
        BenchError: ``out`` is a URL; the folder is not of a private split; the secret, the truth
            or the inputs are not those that were published; or as of building.
    """
    if not isinstance(open_store(out), LocalStore):
        raise BenchError(
            f"{out}: expected a folder of this machine; on its way to a URL, truth would wait in "
            f"the temporary folder. Copy the folder there once the truth may be seen"
        )
    published = read_manifest(folder)
    if published.salt is None:
        raise BenchError(f"{folder}: holds no private split, so there is nothing to reveal")
    recipe, seeds = published.recipe, {}
    for name, task in published.tasks.items():
        seeds[name], commitment = task_seed(secret, bytes.fromhex(published.salt), name)
        if commitment != task.commitment:
            raise BenchError(
                f"{folder}: this is not the secret that it commits to ({name}: {task.commitment})"
            )
    made = Plan(
        published=recipe,
        bound={
            name: replace(published.bound(name), world=recipe.with_seed(seed).world)
            for name, seed in seeds.items()
        },
        shards=tuple(
            s for name in published.tasks for s in private_plan(name, recipe, inputs_only=False)
        ),
        seeds=seeds,
    )
    with open_store(out).alone():
        return build_plan(
            made,
            out,
            workers,
            report,
            check=lambda entries: _check(published, made, entries, Path(folder)),
        )


def _check(published: Manifest, made: Plan, entries: Mapping[str, FileEntry], folder: Path) -> None:
    """Compare truth and inputs with what was published of them."""
    if entries.keys() != published.files.keys():
        raise BenchError(f"{folder}: its shards are not those of its recipe")
    changed = [
        path
        for path, entry in published.files.items()
        if not _is(entries[path], entry.truth_sha256, entry.truth_values_sha256, entry.writer)
    ]
    if not changed:
        for name in published.tasks:
            for shard in private_plan(name, made.published, inputs_only=True):
                again = digest_shard(shard, made.bound[name])
                path, entry = folder / shard.path, published.files[shard.path]
                held = path.is_file() and file_digest(path) == entry.sha256
                if not (held and _is(again, entry.sha256, entry.values_sha256, entry.writer)):
                    changed.append(shard.path)
    if changed:
        raise BenchError(
            f"{folder}: was not made from this secret by these recipes, or by another version "
            f"({published.package}): truth or inputs differ in {', '.join(changed[:5])}"
        )


def _is(
    made: Written | FileEntry, sha256: str | None, values_sha256: str | None, writer: str | None
) -> bool:
    """Say whether a shard is what was committed to, in bytes unless another writer made those."""
    same_bytes = made.sha256 == sha256
    if values_sha256 is None:  # of a version that committed to bytes only
        return same_bytes
    return made.values_sha256 == values_sha256 and (same_bytes or made.writer != writer)
