"""The reference: what users call, from its docstrings, and the command line, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
from typer.core import TyperArgument, TyperGroup

import vrs_bench
from vrs_bench.markdown import markdown_table

PYTHON = {
    "Data": (
        "build",
        "load_dataset",
        "to_float",
        "DatasetFolder",
        "VRSToy",
        "restore",
        "verify",
        "export",
        "publish",
    ),
    "Scores": (
        "evaluate",
        "compare",
        "Result",
        "Score",
        "expected_input_format",
        "expected_input_schema",
    ),
    "World and tasks": (
        "load_recipe",
        "BenchmarkRecipe",
        "WorldRecipe",
        "make_scene",
        "Scene",
        "TASKS",
        "get_task",
        "bind",
        "BoundTask",
    ),
    "Errors": ("BenchError",),
    "What one writes to add a method or a metric": (
        "baselines.methods.method.Method",
        "baselines.methods.method.Example",
        "baselines.methods.method.Examples",
        "vrs_bench.metrics.definition.Metric",
    ),
}
"""Names of the package, or whole paths, in the order of the page."""


def python_reference() -> str:
    """Return the page of what can be imported. Sources are read; nothing is imported or run."""
    root = Path(vrs_bench.__file__).parents[1]
    modules = griffe.ModulesCollection()
    loader = griffe.GriffeLoader(
        search_paths=[root],
        docstring_parser=griffe.Parser.google,
        docstring_options={
            "warnings": False,  # several parameters may share a line
            "returns_multiple_items": False,
            "returns_named_value": False,
        },
        modules_collection=modules,
        allow_inspection=False,
    )
    for package in ("vrs_bench", "baselines"):
        loader.load(package)
    parts = [
        "# Python reference",
        "Names without a module are imported from `vrs_bench`. Arrays are `(band, height, width)`; "
        "`BenchError` is raised with what was expected and what to do.",
    ]
    for title, names in PYTHON.items():
        parts.append(f"## {title}")
        for name in names:
            found = modules[name if "." in name else f"vrs_bench.{name}"]
            thing = found.final_target if isinstance(found, griffe.Alias) else found
            parts += _described(thing, thing.canonical_path, 3)
    return "\n\n".join(parts) + "\n"


def _described(thing: griffe.Object | griffe.Alias, path: str, level: int) -> Iterator[str]:
    """Yield heading, signature and docstring of a function, a class with its members, a value."""
    yield f"{'#' * level} {thing.name}"
    if level == 3:
        yield f"`{path}`"
    if isinstance(thing, griffe.Function) and "property" not in thing.labels:
        yield f"```python\n{_signature(thing)}\n```"
    if thing.docstring is not None:
        yield from _docstring(thing.docstring, thing)
    if not isinstance(thing, griffe.Class):
        return
    members = [of for name, of in thing.members.items() if not name.startswith("_")]
    fields = [
        [f"`{of.name}`", f"`{of.annotation}`".replace("|", "\\|"), _inline(of.docstring)]
        for of in members
        if isinstance(of, griffe.Attribute)
        and (of.docstring is not None or of.annotation is not None)
    ]
    if fields:
        yield markdown_table(["attribute", "type", "what it is"], fields)
    for of in members:
        if isinstance(of, griffe.Function) and of.docstring is not None:
            yield from _described(of, path, level + 1)


def _signature(function: griffe.Function) -> str:
    """Return a signature, a parameter a line where it is long."""
    stars = {"variadic positional": "*", "variadic keyword": "**"}
    parameters: list[str] = []
    for of in function.parameters:
        kind = "" if of.kind is None else of.kind.value
        if of.name in ("self", "cls"):
            continue
        if kind == "keyword-only" and "*" not in {text[:1] for text in parameters}:
            parameters.append("*")
        typed = "" if of.annotation is None else f": {of.annotation}"
        variadic = kind in stars
        default = "" if of.default is None or variadic else f" = {of.default}"
        parameters.append(f"{stars.get(kind, '')}{of.name}{typed}{default}")
    end = "" if function.returns is None else f" -> {function.returns}"
    short = f"{function.name}({', '.join(parameters)}){end}"
    if len(short) <= 80:
        return short
    return "\n".join([f"{function.name}(", *(f"    {of}," for of in parameters), f"){end}"])


def _docstring(docstring: griffe.Docstring, of: griffe.Object | griffe.Alias) -> Iterator[str]:
    titles = {"returns": "Returns", "raises": "Raises", "yields": "Yields"}
    for section in docstring.parsed:
        kind = section.kind.value
        if kind == "text":
            yield _plain(section.value)
        elif kind == "parameters":
            rows = [
                [f"`{one.name}`", _type_of(one.name, of), _line(one.description)]
                for one in section.value
            ]
            yield markdown_table(["parameter", "type", "what it is"], rows)
        elif kind in titles:
            lines = [
                f"- {f'`{one.annotation}`: ' if kind == 'raises' else ''}{_line(one.description)}"
                for one in section.value
            ]
            yield f"**{titles[kind]}**\n\n" + "\n".join(lines)
        elif kind == "examples":
            yield "\n\n".join(f"```python\n{text}\n```" for _, text in section.value)


def _type_of(name: str, function: griffe.Object | griffe.Alias) -> str:
    """Return the type of a parameter, or of the first of those that share a line."""
    first = name.split(",")[0].strip(" *")
    known = function.parameters if isinstance(function, griffe.Function) else ()
    types = [of.annotation for of in known if of.name.strip("*") == first]
    return f"`{types[0]}`".replace("|", "\\|") if types else ""


def _inline(docstring: griffe.Docstring | None) -> str:
    return "" if docstring is None else _line(docstring.value)


def _line(text: str) -> str:
    """Return text in a line, for a cell of a table."""
    return " ".join(_plain(text).split()).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return the words of a docstring as Markdown: code in single backticks, roles as code."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text).replace("::\n", ":\n")


def command_reference(program: TyperGroup) -> str:
    """Return the page of all commands: what each does, and its options."""
    parts = [
        "# Command line",
        "Progress and messages go to stderr, results to stdout; `--json`, where there is one, is "
        "for programs. Status 2: bad usage, 1: a failed check or a fault that can be mended, 130: "
        "stopped; the same command goes on.",
    ]
    return "\n\n".join([*parts, *_commands(program, "vrs-bench")]) + "\n"


def _commands(group: TyperGroup, path: str) -> Iterator[str]:
    """Yield what there is to say of the commands of a group, and of the groups in it."""
    for name, command in sorted(group.commands.items()):
        yield f"## {path} {name}"
        yield (command.help or "").strip()
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{path} {name}")
            continue
        rows = [
            [
                ", ".join(f"`{of}`" for of in _names(option)),
                _line(getattr(option, "help", "") or ""),
                _default(option),
            ]
            for option in command.params
            if option.name != "help"
        ]
        yield markdown_table(["option", "what it is", "default"], rows)


def _names(option: Any) -> list[str]:
    if isinstance(option, TyperArgument):
        return [option.opts[0].upper()]
    return [*option.opts, *option.secondary_opts]


def _default(option: Any) -> str:
    if option.required:
        return "required"
    value = option.default
    if not value or value is True or callable(value):
        return "on" if value is True else ""
    return f"`{getattr(value, 'value', value)}`"
