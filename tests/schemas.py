"""Results held to the schema that `prldh schema` prints."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from prldh.results.schemas import schema_of


@cache
def _validator(which: str) -> Draft202012Validator:
    """Made once: to look through the schema itself takes as long as a study's results."""
    Draft202012Validator.check_schema(schema_of(which))
    return Draft202012Validator(schema_of(which))


def check_schema(data: Any, which: str = "results") -> None:
    """Raise ValidationError where the data do not follow the schema."""
    _validator(which).validate(data)
