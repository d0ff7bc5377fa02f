"""The features that Radscores are made of, with what IBSI knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prldh.ibsi import describe_feature, from_metadata


def selected_features(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The table of the selected features of every tissue, from the content of ``results.json``.

    Settings are those of ``images.NAME``, where the run measured the images itself; for tables that were given they are
    not known.
    """

    rows = []
    for name, tissue in data["tissues"].items():
        if tissue["selection"]:
            images = data.get("images", {}).get(name)
            settings = from_metadata(name, "results.json", images).plain_settings() if images else None
            sources = tissue["selection"].get("sources", {})
            rows += [
                {"tissue": name, "source": sources.get(f), **describe_feature(f, settings)}
                for f in tissue["selection"]["features"]
            ]
    return rows
