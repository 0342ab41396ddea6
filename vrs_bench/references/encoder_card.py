"""What is known of the file of weights of the reference encoder; read without torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from vrs_bench.errors import BenchError
from vrs_bench.references import HERE
from vrs_bench.settings import Settings

WEIGHTS, CARD = "encoder.safetensors", "encoder.json"


class Card(Settings):
    """What is known of a file of weights; it lies beside the file as JSON."""

    version: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the file of weights."""
    bands: tuple[str, ...]
    """What the network expects, in order, on the scale [0, 1]."""
    centre: tuple[float, ...]
    """Mean of each band that inputs are centred with; the weights hold the same numbers."""
    spread: tuple[float, ...]
    """Standard deviation of each band that inputs are divided by; so do they of these."""
    parameters: int
    training: dict[str, Any]
    """Settings of the training, see :class:`~vrs_bench.references.encoder_training.Training`."""
    validation: dict[str, float]
    """On single latent frames of the validation scenes: ``pixel_accuracy``, ``miou``, and the
    intersection over union of each class, all from 0 to 1."""


def read_weights(folder: Path = HERE) -> tuple[Card, bytes]:
    """Return the card of a file of weights, and its bytes, which are those of the card.

    Raises:
        BenchError: files that are missing or damaged.
    """
    path = folder / WEIGHTS
    try:
        card = Card.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
        data = path.read_bytes()
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise BenchError(
            f"{folder}: holds no reference encoder ({error}); reinstall the package, or train one "
            "with 'vrs-bench fit encoder'"
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.sha256:
        raise BenchError(
            f"{path}: SHA-256 is {digest}, but {CARD} says {card.sha256}: the file was changed or "
            "damaged; reinstall the package, or train the encoder again"
        )
    return card, data
