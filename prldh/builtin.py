"""The built-in selectors, validators, engines, checklists and report sections: registered through the hooks like
anyone's."""

from __future__ import annotations

from prldh.hookspecs import hookimpl


@hookimpl
def register_selectors() -> list:
    from prldh.selection.selectors import BUILT_IN
    from prldh.selection.univariate import UnivariateSelector

    return [*BUILT_IN, UnivariateSelector()]


@hookimpl
def register_validators() -> list:
    from prldh.resampling import BUILT_IN

    return list(BUILT_IN)


@hookimpl
def register_engines() -> list:
    from prldh.engines.python import PythonEngine
    from prldh.engines.r import REngine

    return [PythonEngine, REngine]


@hookimpl
def register_checklists() -> list:
    from prldh.checklists.built_in import built_in

    return built_in()


@hookimpl
def register_report_sections() -> list:
    from prldh.external.section import ExternalValidation

    return [ExternalValidation()]
