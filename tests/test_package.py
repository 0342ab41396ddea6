"""The package as a whole: what an import costs, which way imports point, what a wheel holds."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

import vrs_bench

PACKAGE = Path(vrs_bench.__file__).parent
ROOT = PACKAGE.parent
HEAVY = {
    "sklearn",
    "ray",
    "piq",
    "torchmetrics",
    "huggingface_hub",
    "torch",
    "datasets",
    "matplotlib",
    "scipy",
    "sktime",
    "pandas",
    "timm",
    "accelerate",
    "rasterio",
}

# Imports point to the left only: to the same layer or one before it.
LAYERS = [
    {"errors", "settings", "types", "paths", "colours", "grids", "interpolation", "markdown"},
    {"columns", "engines"},
    {"metrics"},
    {"world"},
    {"sensors"},
    {"recipes"},
    {"tasks"},
    {"data"},
    {"training"},
    {"references"},
    {"evaluation"},
    {"leaderboard"},
    {"shifts"},
    {"plots"},
    {"site"},
    {"show", "demo", "cli", "__main__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def python(code: str, cwd: Path, path: Path | None = None) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    extra = {} if path is None else {"PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, **extra},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# What an import costs


@pytest.mark.parametrize("module", ["vrs_bench", "vrs_bench.cli"])
def test_an_import_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = set(python(code, tmp_path).split())
    assert "vrs_bench" in loaded
    assert not loaded & (
        HEAVY | {"numpy", "pyarrow", "shapely", "PIL", "h5py", "pydantic_settings"}
    )


@pytest.mark.parametrize(
    "module",
    [
        "world.scene",
        "data.build.building",
        "data.read.dataset_folder",
        "evaluation",
        "leaderboard.ranking",
    ],
)
def test_the_work_itself_needs_no_pictures_and_no_network_library(
    module: str, tmp_path: Path
) -> None:
    code = f"import sys, vrs_bench.{module}; print(*sys.modules)"
    loaded = set(python(code, tmp_path).split())
    assert not loaded & (HEAVY - {"scipy"})


# Public names


def test_every_public_name_resolves_and_is_listed() -> None:
    assert len(set(vrs_bench.__all__)) == len(vrs_bench.__all__)
    for name in vrs_bench.__all__:
        assert getattr(vrs_bench, name) is not None
    assert set(vrs_bench.__all__) <= set(dir(vrs_bench))
    assert re.fullmatch(r"\d+\.\d+\.\d+", vrs_bench.__version__)


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from vrs_bench import *", names)  # noqa: S102
    assert set(vrs_bench.__all__) <= set(names)


def test_what_type_checkers_see_is_what_there_is() -> None:
    """The names under TYPE_CHECKING and those that are imported on first use are the same."""
    [block] = [
        node
        for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.If)
    ]
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(seen) == set(vrs_bench.__all__)
    for name, module in seen.items():
        assert getattr(vrs_bench, name) is getattr(__import__(str(module), fromlist=["_"]), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'vrs_bench' has no attribute 'evalute'"):
        vrs_bench.evalute  # noqa: B018


# Which way imports point


def source_files() -> list[Path]:
    """Return the package's own modules."""
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("baselines", "builders")
    ]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports() -> list[tuple[str, str]]:
    """Return (module, what it imports), inside functions too, of the whole package."""
    found = []
    for path in source_files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [(name_of(path), target) for node in ast.walk(tree) for target in targets(node)]
    return found


def targets(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        for alias in node.names:  # `from vrs_bench import paths` is an import of vrs_bench.paths
            yield f"{node.module}.{alias.name}" if node.module == "vrs_bench" else str(node.module)


def part(module: str) -> str:
    return module.split(".")[1]


def test_every_part_of_the_package_has_a_layer() -> None:
    entries = (p for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file())
    parts = {path.stem for path in entries} - {"__init__"}
    assert parts == set(LEVEL)


def test_imports_point_one_way() -> None:
    inside = [
        (module, target)
        for module, target in imports()
        if target.startswith("vrs_bench.") and module != "vrs_bench"
    ]
    assert len(inside) > 100
    wrong = [
        f"{module} imports {target}"
        for module, target in inside
        if LEVEL[part(target)] > LEVEL[part(module)]
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not by imports inside of functions either; those for type checkers alone don't count."""
    files = {name_of(path): path for path in source_files()}
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        blocks = [node.body for node in ast.walk(tree) if is_for_type_checkers(node)]
        skipped = {inner for block in blocks for node in block for inner in ast.walk(node)}
        used = [modules_of(n, set(files)) for n in ast.walk(tree) if n not in skipped]
        graph[module] = set().union(*used)
    assert sum(map(len, graph.values())) > 100
    assert circles(graph) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def is_for_type_checkers(node: ast.AST) -> TypeGuard[ast.If]:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def modules_of(node: ast.AST, modules: set[str]) -> set[str]:
    """Return which modules of the package an import names; `from a import b` may name a.b."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        # Of a package only what it is asked for: a module of it, or else what it holds itself.
        names = [name if name in modules else str(node.module) for name in inner]
    else:
        names = []
    return set(names) & modules


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the modules that can reach themselves, those that can reach each other together."""
    reached = {}
    for start in graph:
        seen, ahead = set(), list(graph[start])
        while ahead:
            module = ahead.pop()
            if module not in seen:
                seen.add(module)
                ahead += graph.get(module, ())
        reached[start] = seen
    in_circles = {module for module in graph if module in reached[module]}
    found = {
        tuple(sorted(other for other in in_circles & reached[module] if module in reached[other]))
        for module in in_circles
    }
    return [list(circle) for circle in sorted(found)]


def test_metrics_are_pure_functions_on_arrays() -> None:
    used = {
        part(target)
        for module, target in imports()
        if module.startswith("vrs_bench.metrics") and target.startswith("vrs_bench.")
    }
    assert used <= {"errors", "types", "markdown", "metrics"}


def test_only_commands_know_the_reference_methods() -> None:
    """They stand on the library; nothing of it stands on them."""
    found = {module for module, target in imports() if target.partition(".")[0] == "baselines"}
    commands = {f"vrs_bench.cli.{name}" for name in ("entries", "reproduce", "scores", "shifts")}
    assert found <= {*commands, "vrs_bench.demo"}


def test_networks_are_imported_in_few_places() -> None:
    """Whoever scores by distortion, builds or loads data needs no torch."""
    allowed = {
        "vrs_bench.data.read.floats",
        "vrs_bench.metrics.feature_distances",
        "vrs_bench.references.backbone",
        "vrs_bench.references.encoder",
        "vrs_bench.references.encoder_training",
        "vrs_bench.training.checkpoints",
    }
    libraries = ("torch", "torchvision", "torchmetrics", "piq", "timm", "accelerate")
    found = {module for module, target in imports() if target.partition(".")[0] in libraries}
    assert found <= allowed


def test_what_the_package_imports_it_declares() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"]]
    lines += [line for extra in ("evaluation", "geo", "ray", "uea") for line in extras[extra]]
    declared = {re.split(r"[<>=\[; ]", line)[0].lower() for line in lines}
    distribution = {
        "PIL": "pillow",
        "griffe": "griffelib",
        "markdown_it": "markdown-it-py",
        "yaml": "pyyaml",
        "sklearn": "scikit-learn",
    }
    used = {target.partition(".")[0] for _, target in imports()}
    outside = used - set(sys.stdlib_module_names) - {"vrs_bench", "baselines"}
    assert {distribution.get(name, name).lower() for name in outside} <= declared


# The wheel

RECIPE = """
name: little
scenes: 3
scenes_per_shard: 1
world: {seed: 20, height: 32, width: 32, horizon: 2, cells: {n: 4}}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run([sys.executable, *command], capture_output=True, check=True, timeout=120)
    [path] = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """Return a folder that holds what pip makes of the wheel."""
    target = wheel.parent / "installed"
    command = ["-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target"]
    words = [sys.executable, *command, str(target), str(wheel)]
    subprocess.run(words, capture_output=True, check=True, timeout=120)
    return target


def shipped(folder: str) -> set[str]:
    """Return the files of a folder of the checkout that users need."""
    needed = (".py", ".yaml", ".jinja", ".typed", ".json", ".npz", ".safetensors", ".css", ".js")
    paths = [path for path in (ROOT / folder).rglob("*") if path.suffix in needed]
    assert paths
    return {path.relative_to(ROOT).as_posix() for path in paths}


def test_the_wheel_holds_the_package_its_data_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [licence] = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        assert "License-Expression: Apache-2.0" in archive.read(metadata).decode()
    inside = {name for name in names if ".dist-info/" not in name}
    assert {"vrs_bench/py.typed", "vrs_bench/recipes/tiny.yaml"} <= inside
    assert shipped("vrs_bench") | shipped("baselines") <= inside
    assert all(name.startswith(("vrs_bench/", "baselines/")) for name in inside)
    assert not any("__pycache__" in name for name in inside)


def test_an_installed_wheel_works_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "little.yaml").write_text(RECIPE)
    code = (
        "import vrs_bench, baselines.train; "
        "print(vrs_bench.__file__, baselines.train.__file__, baselines.CONFIGS, sep='\\n')"
    )
    found = [Path(line) for line in python(code, tmp_path, installed).splitlines()]
    methods = installed / "baselines"
    assert found == [installed / "vrs_bench/__init__.py", methods / "train.py", methods / "configs"]

    def command(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    built = command("vrs_bench", "build", "super_res", "--size", "little.yaml", "--out", "x")
    assert built.startswith("x: 6 rows in 3 files, ")
    command("vrs_bench", "predict", "--method", "nearest", "--data", "x", "--out", "predictions")
    assert len(list((tmp_path / "predictions").glob("*.npy"))) == 2
    assert (tmp_path / "x" / "README.md").read_text(encoding="utf-8").startswith("---\n")
    assert vrs_bench.verify(tmp_path / "x") == []


def test_the_picture_of_the_floors_shows_these() -> None:
    picture = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    shown = re.findall(r'<text class="n"[^>]*>([^<]+)</text>', picture)
    floors = [set(floor.split(" · ")) for floor in reversed(shown) if floor != "baselines"]
    below = {floor for layer in LAYERS[:2] for floor in layer}
    drawn = [set(layer) - {"__main__"} for layer in (below, *LAYERS[2:])]
    assert floors == drawn
