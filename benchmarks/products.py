"""Speed of `generate` and `derive`: whole processes, their chain, and the work alone.

python benchmarks/products.py [--repeats 5] [--original "COMMAND"]

``--original`` is a command that makes the original's five products its own way; it runs in turns
with ours, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import print_table  # before NumPy: it sets the threads

# isort: split
from vrs_bench.data.products.commands import derive, generate
from vrs_bench.recipes import load_recipe
from vrs_bench.recipes.original_models import DerivationRecipe, GenerationRecipe

Command = list[str]

# Product → the one that it is derived from; None: latent.
PRODUCTS = {
    "latent_optical": None,
    "latent_sar": None,
    "clean_optical": "latent_optical",
    "clouded_optical": "clean_optical",
    "sar": "latent_sar",
}


def command(names: list[str]) -> Command:
    """Return the command that makes some products, all latent or all derived, in one process."""
    words = ["generate" if PRODUCTS[names[0]] is None else "derive"]
    for name in names:
        source = PRODUCTS[name]
        words += ["--cfg", f"original/{name}", "--o", name]
        words += [] if source is None else ["--product", source]
    return [sys.executable, "-m", "vrs_bench", *words]


def run(commands: list[Command], folder: str) -> tuple[float, float]:
    """Run commands one after the other; return wall and CPU time, s."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    wall, cpu = time.perf_counter(), spent()
    for words in commands:
        subprocess.run(words, cwd=folder, check=True, capture_output=True)  # noqa: S603
    return time.perf_counter() - wall, spent() - cpu


def processes(repeats: int, original: Command | None) -> None:
    """Time the commands as a user runs them, start of Python included."""
    latent = [name for name, source in PRODUCTS.items() if source is None]
    derived = [name for name in PRODUCTS if name not in latent]
    ways: dict[str, list[Command]] = {
        "`generate`, one product": [command(latent[:1])],
        "five products, a process each": [command([name]) for name in PRODUCTS],
        "five products, two processes": [command(latent), command(derived)],
    }
    if original:
        ways["five products, the original"] = [original]
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(repeats):  # in turns: a machine that is busy for a while slows all of them
        for name, commands in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                taken[name].append(run(commands, folder))
    print_table(
        f"Whole processes, the original's cloud-removal recipes, best of {repeats}",
        ("what", "wall, s", "CPU, s"),
        [
            (name, *(f"{min(column):.2f}" for column in zip(*times, strict=True)))
            for name, times in taken.items()
        ],
    )


def make(name: str, folder: Path) -> None:
    """Make a product in this process."""
    source = PRODUCTS[name]
    if source is None:
        generate(load_recipe(GenerationRecipe, f"original/{name}"), folder / name)
    else:
        recipe = load_recipe(DerivationRecipe, f"original/{name}")
        derive(recipe, folder / source, folder / name)


def work(repeats: int) -> None:
    """Time the same products in one process that has begun, files included."""
    spent: dict[str, list[float]] = {name: [] for name in PRODUCTS}
    for _ in range(repeats + 1):
        with tempfile.TemporaryDirectory() as folder:
            for name, times in spent.items():
                start = time.perf_counter()
                make(name, Path(folder))
                times.append(time.perf_counter() - start)
    spent["**all five**"] = [sum(times) for times in zip(*spent.values(), strict=True)]
    print_table(
        "The work alone: 337 × 256 × 3, 30 steps, to HDF5 and flushed to disk",
        ("product", "ms"),
        # The first time loads libraries and fills tables.
        [(name, f"{min(times[1:]) * 1e3:.0f}") for name, times in spent.items()],
    )


def template(horizon: int) -> None:
    """Time the original's 2048-px template to HDF5."""
    recipe = load_recipe(GenerationRecipe, "original/template")
    product = recipe.product.model_copy(update={"horizon": horizon})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        generate(recipe.model_copy(update={"product": product}), Path(folder) / "template")
        taken = time.perf_counter() - start
    gigabytes = horizon * product.size.width * product.size.height * product.nbands * 4 / 1e9
    print_table(
        f"The original's template to HDF5, 2048 × 2048 × 5, {horizon} steps",
        ("s", "GB/s", "peak memory of the process, GB"),
        [
            (
                f"{taken:.1f}",
                f"{gigabytes / taken:.2f}",
                f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f}",
            )
        ],
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="default: 5")
    parser.add_argument("--original", type=shlex.split, help="command to run in turns with ours")
    arguments = parser.parse_args()
    processes(arguments.repeats, arguments.original)
    work(arguments.repeats)
    template(60)


if __name__ == "__main__":
    main()
