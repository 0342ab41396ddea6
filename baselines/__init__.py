"""Reference methods: a registry of them, the networks, and how these are trained."""

from __future__ import annotations

from pathlib import Path

CONFIGS = Path(__file__).parent / "configs"
"""Settings of training runs: ``<task>/<name>.yaml``."""
