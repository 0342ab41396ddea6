"""Weights and checkpoints as safetensors: nothing here is pickled, so nothing can run code.

A checkpoint is one file: tensors of the networks and of their optimizers by name, and what else a
training keeps as JSON in the header.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vrs_bench.errors import BenchError
from vrs_bench.paths import whole_file

Tensors = dict[str, Tensor]


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any] | None = None
) -> None:
    """Write tensors, and with them a JSON-able state where there is one, whole or not at all."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"format": "pt"} | ({} if state is None else {"state": json.dumps(state)})
    data = save(plain, metadata)
    with whole_file(path) as temporary:
        temporary.write_bytes(data)  # safetensors itself would make a file for its owner only


def load_tensors(path: Path) -> Tensors:
    """Read the tensors of a file.

    Raises:
        BenchError: no such file, or not safetensors.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


def read_state(path: Path) -> dict[str, Any]:
    """Return the state that :func:`save_tensors` was given; errors as for the tensors."""
    with _opened(path) as file:
        state: dict[str, Any] = json.loads((file.metadata() or {}).get("state", "{}"))
        return state


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise BenchError(f"{path}: can't be read as safetensors ({error})") from error


def load_weights(network: nn.Module, tensors: Tensors, origin: str) -> None:
    """Fill a network with weights; ``origin`` names them in messages.

    Raises:
        BenchError: names or shapes are not those of the network.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise BenchError(f"{origin}: weights of another network: {error}") from error


def save_checkpoint(
    path: Path,
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
    state: Mapping[str, Any],
) -> None:
    """Write where a training stands, in place of what the file held.

    Args:
        path: of the file.
        networks: name → network.
        optimizers: name of a network → what holds its parameters, in order; per-parameter state
            is kept under the parameter's name.
        state: what else to keep, JSON-able.
    """
    tensors = {
        f"{name}/{key}": tensor
        for name, network in networks.items()
        for key, tensor in network.state_dict().items()
    }
    for name, optimizer in optimizers.items():
        moments = optimizer.state_dict()["state"]
        for index, parameter in enumerate(_parameter_names(networks[name])):
            for key, tensor in moments.get(index, {}).items():
                tensors[f"optimizer/{name}/{parameter}/{key}"] = tensor
    save_tensors(path, tensors, state)


def load_checkpoint(
    path: Path,
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> None:
    """Put networks and optimizers back to where :func:`save_checkpoint` found them.

    Raises:
        BenchError: not a checkpoint, or one of other networks.
    """
    tensors = load_tensors(path)
    for name, network in networks.items():
        load_weights(network, _below(tensors, f"{name}/"), str(path))
    for name, optimizer in optimizers.items():
        moments = {
            index: _below(tensors, f"optimizer/{name}/{parameter}/")
            for index, parameter in enumerate(_parameter_names(networks[name]))
        }
        optimizer.load_state_dict(
            {**optimizer.state_dict(), "state": {i: kept for i, kept in moments.items() if kept}}
        )


def _parameter_names(network: nn.Module) -> list[str]:
    return [name for name, _ in network.named_parameters()]


def _below(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors whose names start with a prefix, without it."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
