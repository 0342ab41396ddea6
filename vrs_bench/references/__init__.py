"""The networks and coefficients that some metrics look through, and how each was fitted."""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).parent


def packaged_references() -> frozenset[str]:
    """Return the SHA-256 of the references that ship with this version."""
    files = [*HERE.glob("*.npz"), *HERE.glob("*.safetensors")]
    return frozenset(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
