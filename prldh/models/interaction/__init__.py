"""Two tissues together: products of terms, additive measures, and one within strata of the other."""

from __future__ import annotations

from prldh.models.interaction.describe import (
    Interaction,
    describe_interaction,
    draw_interaction_rows,
    interacting_terms,
)

__all__ = [
    "Interaction",
    "describe_interaction",
    "draw_interaction_rows",
    "interacting_terms",
]
