"""Frozen models on new patients."""

from __future__ import annotations

from prldh.apply.apply import apply_models, summarise
from prldh.apply.section import ExternalValidation

__all__ = ["ExternalValidation", "apply_models", "summarise"]
