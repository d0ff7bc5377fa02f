"""Frozen models on new patients."""

from __future__ import annotations

from prldh.apply.apply import apply_models
from prldh.apply.calculator import write_calculator
from prldh.apply.section import ExternalValidation
from prldh.apply.terminal import summarise, summarise_applied

__all__ = ["ExternalValidation", "apply_models", "summarise", "summarise_applied", "write_calculator"]
