"""JSON schemas of the study file and of ``results.json``, made of the types that are read and written."""

from __future__ import annotations

from typing import Any

from prldh.data.imaging import ImagesEntry
from prldh.results.document import Document
from prldh.results.json_schema import SchemaMaker
from prldh.results.measures import MEASURES
from prldh.study import Study

DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
IMAGES = SchemaMaker(MEASURES).of(ImagesEntry)


def schema_of(which: str) -> dict[str, Any]:
    """The JSON schema of ``study`` or ``results``."""
    if which == "results":
        return {**DIALECT, "title": "prldh results", **SchemaMaker(MEASURES).of(Document)}
    return {**DIALECT, **Study.model_json_schema()}
