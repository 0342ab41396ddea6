"""Commands that make data and look after it."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vrs_bench.cli.app import Address, Engine, Json, Workers, app, progress_bar


class BuiltSplit(StrEnum):
    """What `build` makes."""

    public = "public"
    private = "private"


SecretFile = Annotated[
    Path | None,
    typer.Option(help="File of the secret; default: the variable VRS_BENCH_SECRET."),
]


@app.command()
def build(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(help="Tasks, for example super_res; default: all."),
    ] = None,
    size: Annotated[str, typer.Option(help="tiny, small, toy, large, or a recipe file.")] = "tiny",
    out: Annotated[
        str, typer.Option(help="Dataset folder to write, or a URL such as s3://bucket/vrs-toy.")
    ] = "vrs-toy",
    workers: Workers = 1,
    scenes: Annotated[int | None, typer.Option(min=3, help="Scenes over all splits.")] = None,
    split: Annotated[
        BuiltSplit,
        typer.Option(
            help="public: train, validation and test. private: inputs of a split whose truth is "
            "held back, drawn from a secret seed."
        ),
    ] = BuiltSplit.public,
    secret_file: SecretFile = None,
    shift: Annotated[
        list[str] | None,
        typer.Option(help="NAME=DOSE: a knob of `vrs-bench knobs`, turned in data of one task."),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="ray: on a cluster, one task a shard.")
    ] = Engine.processes,
    address: Address = None,
) -> None:
    """Build a dataset folder, or what is missing of it; stop and start it as you like.

    Example: `vrs-bench build super_res --size tiny --out vrs-toy --workers 2`

    Example: `vrs-bench build super_res --size small --shift read_noise=0.016 --out vrs-noisy`

    Example: `vrs-bench build super_res --split private --secret-file a.secret --out vrs-private`
    """
    from vrs_bench.data.build.building import build as build_folder
    from vrs_bench.data.private import build_private
    from vrs_bench.data.secret import read_secret
    from vrs_bench.recipes import BenchmarkRecipe, check_recipe, load_recipe

    recipe, names = load_recipe(BenchmarkRecipe, size), tasks or []
    if scenes is not None:
        changed = {**recipe.model_dump(mode="json"), "scenes": scenes}
        recipe = check_recipe(BenchmarkRecipe, changed, size)
    if shift:
        from vrs_bench.shifts.turning import shifted_dataset

        if len(names) != 1:
            raise typer.BadParameter("--shift is of one task; name it")
        recipe = shifted_dataset(recipe, names[0], shift)
    secret = None
    if split is BuiltSplit.private:
        if engine is Engine.ray:
            raise typer.BadParameter("a private split is built by processes: it leaves no secret")
        secret = read_secret(secret_file)
    elif secret_file is not None:
        raise typer.BadParameter("--secret-file is for --split private")
    with progress_bar(f"build {', '.join(names) or 'all tasks'}") as report:
        if secret is None:
            manifest = build_folder(
                names, recipe, out, workers, report, engine=engine.value, address=address
            )
        else:
            manifest = build_private(names, recipe, out, secret, workers, report)
    rows = sum(file.rows for file in manifest.files.values())
    size_mb = sum(file.bytes for file in manifest.files.values()) / 1e6
    print(f"{out}: {rows} rows in {len(manifest.files)} files, {size_mb:.1f} MB")
    for name, task in manifest.tasks.items():
        if task.commitment is not None:
            print(f"commitment of {name}: {task.commitment}")


@app.command()
def secret(
    file: Annotated[Path, typer.Argument(help="File to write; never one that is there.")],
) -> None:
    """Write a new secret of 256 bits for private splits, in a file that only you can read.

    Example: `vrs-bench secret a.secret`
    """
    from vrs_bench.data.secret import write_secret

    write_secret(file)
    print(f"{file}: 256 bits; who loses it can't reveal, who shows it has revealed")


@app.command()
def reveal(
    folder: Annotated[Path, typer.Argument(help="What was published of a private split.")],
    out: Annotated[Path, typer.Option(help="Folder for the data with its truth.")],
    secret_file: SecretFile = None,
    workers: Workers = 1,
) -> None:
    """Make the truth of a private split, and prove that it was fixed in advance.

    Example: `vrs-bench reveal vrs-private --secret-file a.secret --out vrs-private-truth`
    """
    from vrs_bench.data.private import reveal as reveal_folder
    from vrs_bench.data.secret import read_secret

    secret = read_secret(secret_file)
    with progress_bar(f"reveal {folder}") as report:
        manifest = reveal_folder(folder, secret, out, workers, report)
    print(f"{out}: {len(manifest.files)} files; secret, inputs and truth are as {folder} committed")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Dataset folder.")],
    as_json: Json = False,
) -> None:
    """Compare every file of a dataset folder with the manifest's SHA-256.

    Of own imagery, it also says which rasters are missing here or have changed: the folder is whole
    without them, but can't be made again.

    Example: `vrs-bench verify vrs-toy`
    """
    from vrs_bench.data.verify import changed_rasters
    from vrs_bench.data.verify import verify as verify_folder

    faults, rasters = verify_folder(folder), changed_rasters(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "faults": faults, "rasters": rasters}))
    else:
        for line in rasters:
            print(f"note: {line}", file=sys.stderr)
        print("\n".join(faults) or f"{folder}: every file is as the manifest says")
    if faults:
        raise typer.Exit(1)


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="Dataset folder.")],
    repo: Annotated[str, typer.Option(help="ORG/NAME on the Hub.")],
    private: Annotated[
        bool, typer.Option("--private", help="Make the repository private.")
    ] = False,
    create_pr: Annotated[
        bool, typer.Option("--create-pr", help="Open a pull request instead of committing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would go; needs no network.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Upload a dataset folder to the Hugging Face Hub; stop and start it as you like.

    It is checked first, and appears in one commit at the end. What the manifest does not list
    stays here. Log in with `hf auth login`.

    Example: `vrs-bench publish vrs-toy --repo my-org/vrs-toy --dry-run`
    """
    from vrs_bench.data.publish import plan_upload
    from vrs_bench.data.publish import publish as publish_folder

    if dry_run:
        upload = plan_upload(folder, repo)
        if as_json:
            said = {"repo": repo, "bytes": upload.bytes, "files": upload.files}
            print(json.dumps({**said, "left_out": upload.left_out}))
            return
        lines = [f"{size:>13,}  {name}" for name, size in upload.files.items()]
        total = f"{upload.bytes:>13,}  bytes in {len(upload.files)} files would go to {repo}"
        left = [f"{name}: left out, as it is not in the manifest" for name in upload.left_out]
        print("\n".join([*lines, *left, total]))
        return
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # the client's own: one bar is enough
    with progress_bar(f"publish {folder}") as report:
        url = publish_folder(folder, repo, private, create_pr, report)
    print(json.dumps({"repo": repo, "url": url}) if as_json else url)


class Form(StrEnum):
    """What `export` writes."""

    webdataset = "webdataset"
    hdf5 = "hdf5"
    geotiff = "geotiff"


_MADE = {Form.webdataset: "tar files", Form.hdf5: "products", Form.geotiff: "scenes"}


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Dataset folder.")],
    to: Annotated[
        Form,
        typer.Option(
            help="webdataset: tar shards, to stream. hdf5: a product folder for each scene and "
            "image column, in the original's layout. geotiff: a folder a scene for a GIS."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the export.")],
    task: Annotated[list[str] | None, typer.Option(help="Only this task; repeatable.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split; repeatable.")] = None,
) -> None:
    """Write a dataset in another form, or what is missing of it; stop and start it as you like.

    Example: `vrs-bench export vrs-toy --to webdataset --out vrs-toy-tar --split train`
    """
    from vrs_bench.data.export.exporting import export as export_folder

    with progress_bar(f"export to {to}") as report:
        made = export_folder(folder, to.value, out, task or (), split or (), report)
    print(f"{out}: {len(made)} {_MADE[to]}")
