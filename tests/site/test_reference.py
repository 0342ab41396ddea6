"""The reference: all that is public is in it, as its docstrings and options have it."""

from __future__ import annotations

import re

import pytest
import typer

import vrs_bench
from vrs_bench.cli import app
from vrs_bench.site.reference import PYTHON, command_reference, python_reference


@pytest.fixture(scope="module")
def python() -> str:
    return python_reference()


def section(page: str, heading: str) -> str:
    """Return what stands under a heading, to the next one as high."""
    level = heading.split(" ")[0]
    return re.split(rf"^{level} ", page.split(f"{heading}\n")[1], flags=re.MULTILINE)[0]


def test_all_public_names_are_described(python: str) -> None:
    listed = [name for names in PYTHON.values() for name in names]
    assert {name for name in listed if "." not in name} == set(vrs_bench.__all__)
    assert len(listed) == len(set(listed))
    for name in listed:
        assert section(python, f"### {name.rpartition('.')[2]}").strip()


def test_a_function_has_its_signature_parameters_and_errors(python: str) -> None:
    shown = section(python, "### evaluate")
    assert "`vrs_bench.evaluation.scoring.evaluate`" in shown
    assert "    split: str = 'test',\n    *,\n    groups: Iterable[str] | None = None,\n" in shown
    assert "| `data` | `str \\| Path \\| DatasetFolder` | dataset folder. |" in shown
    assert "- `BenchError`: no such data, task, split, " in shown
    assert "    report: Report = lambda done, total: None,\n" in section(python, "### build")
    # Two that share a line of the docstring.
    assert re.search(r"^\| `first, second` \| `Result` \| ", section(python, "### compare"), re.M)


def test_a_class_has_its_attributes_and_methods(python: str) -> None:
    shown = section(python, "### Result")
    assert "| `recipe` | `Annotated[str, Field(pattern=RECIPE_NAME)]` | Name of the " in shown
    assert "#### from_json\n\n```python\nfrom_json(path: str | Path) -> Result\n```" in shown
    assert "_adapter" not in shown
    assert ":func:" not in python
    assert "``" not in python.replace("```", "")


def test_all_commands_and_options_are_described() -> None:
    program = typer.main.get_group(app)
    page = command_reference(program)
    commands = dict(program.commands)
    commands |= {f"fit {name}": of for name, of in commands.pop("fit").commands.items()}
    assert len(commands) > 20
    for name, command in commands.items():
        shown = section(page, f"## vrs-bench {name}")
        assert "Example: `" in shown
        for option in command.params:
            long = max(option.opts, key=len)
            assert f"`{long}`" in shown or f"`{long.upper()}`" in shown
    assert "| `FIRST` | Result JSON of `evaluate --out`. | required |" in page
    assert "| `--size` | tiny, small, toy, large, or a recipe file. | `tiny` |" in page
