"""From a study to a plan, and from results to a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prldh.core import on_first_use

if TYPE_CHECKING:
    from prldh.run.extraction import Extraction, check, extract
    from prldh.run.folder import check_output, claim_output, place_whole, refuse_inputs_inside, what_is_written
    from prldh.run.frozen import MODEL_SCHEMA
    from prldh.run.image_terminal import summarise_extraction, summarise_findings
    from prldh.run.outputs import write_outputs
    from prldh.run.preparation import prepare
    from prldh.run.preregistration import follow_plan, read_plan, write_plan
    from prldh.run.protocols import resolve_protocols
    from prldh.run.provenance import describe_files
    from prldh.run.start import write_study_from
    from prldh.run.terminal import summarise_run

__all__ = [
    "Extraction",
    "MODEL_SCHEMA",
    "check",
    "check_output",
    "describe_files",
    "claim_output",
    "extract",
    "follow_plan",
    "place_whole",
    "prepare",
    "read_plan",
    "refuse_inputs_inside",
    "resolve_protocols",
    "summarise_extraction",
    "summarise_findings",
    "summarise_run",
    "what_is_written",
    "write_outputs",
    "write_plan",
    "write_study_from",
]

if not TYPE_CHECKING:
    __getattr__ = on_first_use(
        __name__,
        extraction="Extraction check extract",
        folder="check_output claim_output place_whole refuse_inputs_inside what_is_written",
        frozen="MODEL_SCHEMA",
        image_terminal="summarise_extraction summarise_findings",
        outputs="write_outputs",
        preparation="prepare",
        preregistration="follow_plan read_plan write_plan",
        protocols="resolve_protocols",
        provenance="describe_files",
        start="write_study_from",
        terminal="summarise_run",
    )
