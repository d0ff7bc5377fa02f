"""What a feature's name and a file's settings mean in IBSI's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prldh.core import on_first_use

if TYPE_CHECKING:
    from prldh.ibsi.extraction import TRIVIAL, Extraction, from_metadata, names_pyradiomics
    from prldh.ibsi.feature_files import read_feature_file
    from prldh.ibsi.feature_names import AGGREGATION, aggregation, count_families, describe_feature, describe_features

__all__ = [
    "AGGREGATION",
    "Extraction",
    "TRIVIAL",
    "aggregation",
    "count_families",
    "describe_feature",
    "describe_features",
    "from_metadata",
    "names_pyradiomics",
    "read_feature_file",
]

if not TYPE_CHECKING:
    __getattr__ = on_first_use(
        __name__,
        extraction="TRIVIAL Extraction from_metadata names_pyradiomics",
        feature_files="read_feature_file",
        feature_names="AGGREGATION aggregation count_families describe_feature describe_features",
    )
