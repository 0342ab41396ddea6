"""Private splits: truth that is held back, and fixed in advance for all to check later.

The world's seed of a private split is derived from a secret. What is published holds inputs only,
a commitment (a SHA-256 of the secret, from which the seed can't be had), and digests of every
shard as it is with its truth: of the file, and of the values alone, which hold whatever version of
pyarrow writes them again. Who knows the secret can make the truth again and score with it;
once it is told, everybody can, and check that neither was changed meanwhile.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from vrs_bench.data.build.building import Plan, build_plan
from vrs_bench.data.build.shards import Written, digest_shard, file_digest, private_plan
from vrs_bench.data.build.store import LocalStore, open_store
from vrs_bench.data.manifest import NAME, FileEntry, Manifest, read_manifest
from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.tasks import TASKS, bind
from vrs_bench.types import Report

VARIABLE = "VRS_BENCH_SECRET"
"""Environment variable that may hold the secret."""
SHORTEST = 16
"""Least length of a secret in bytes: shorter ones can be guessed, and the seed with them."""

_SEED, _COMMITMENT = b"vrs-bench private seed 1\n", b"vrs-bench commitment 1\n"


def read_secret(path: str | Path | None) -> bytes:
    """Return the secret from a file, or from the environment variable where no file is named.

    White space at its end is no part of it.

    Raises:
        BenchError: there is none, or it is too short.
    """
    origin = str(path) if path is not None else f"the environment variable {VARIABLE}"
    try:
        secret = Path(path).read_bytes() if path is not None else os.environb[VARIABLE.encode()]
    except (OSError, KeyError) as error:
        raise BenchError(
            f"no secret: {origin} can't be read ({error}); make one with: "
            f"python -c 'import secrets; print(secrets.token_hex(32))' > FILE, and give it as "
            f"--secret-file FILE"
        ) from error
    secret = secret.rstrip()
    if len(secret) < SHORTEST:
        raise BenchError(
            f"{origin}: a secret of {len(secret)} bytes can be guessed; expected {SHORTEST} or more"
        )
    return secret


def commitment(secret: bytes) -> str:
    """Return what commits to a secret: SHA-256 of a fixed prefix and the secret."""
    return hashlib.sha256(_COMMITMENT + secret).hexdigest()


def secret_seed(secret: bytes) -> int:
    """Return the world's seed that a secret stands for: 128 bits, of another prefix's SHA-256."""
    return int.from_bytes(hashlib.sha256(_SEED + secret).digest()[:16])


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
    written as 0. Tasks that the folder already holds stay.

    Raises:
        BenchError: as :func:`vrs_bench.data.build.building.build`.
    """
    with open_store(out).alone():
        held = read_manifest(out).tasks if (Path(out) / NAME).is_file() else ()
        names = list(dict.fromkeys([*held, *(list(tasks) or TASKS)]))
        secret_recipe = _with_seed(recipe, secret_seed(secret))
        made = Plan(
            published=_with_seed(recipe, 0),
            bound={name: bind(name, secret_recipe) for name in names},
            shards=tuple(s for name in names for s in private_plan(name, recipe, inputs_only=True)),
            commitment=commitment(secret),
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
            whose recipe holds the seed.
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
    if published.commitment is None:
        raise BenchError(f"{folder}: holds no private split, so there is nothing to reveal")
    if published.commitment != commitment(secret):
        raise BenchError(
            f"{folder}: this is not the secret that it commits to ({published.commitment[:12]}…)"
        )
    recipe = _with_seed(published.recipe, secret_seed(secret))
    made = Plan(
        published=recipe,
        bound={
            name: replace(published.bound(name), world=recipe.world) for name in published.tasks
        },
        shards=tuple(
            s for name in published.tasks for s in private_plan(name, recipe, inputs_only=False)
        ),
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


def _with_seed(recipe: BenchmarkRecipe, seed: int) -> BenchmarkRecipe:
    return recipe.model_copy(update={"world": recipe.world.model_copy(update={"seed": seed})})
