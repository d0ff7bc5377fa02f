"""The catalogue of what a run can warn of: one entry a code, which is called with the values of its sentence.

>>> from prldh.core import warn
>>> warn.NOT_CONVERGED(model="model 'A'").message
"model 'A': the fit did not converge."
"""

from __future__ import annotations

from prldh.core.warn import applying, choosing, fitting, groups, harmonising, planning, reading, reporting, validating
from prldh.core.warn.applying import *  # noqa: F403
from prldh.core.warn.choosing import *  # noqa: F403
from prldh.core.warn.fitting import *  # noqa: F403
from prldh.core.warn.groups import *  # noqa: F403
from prldh.core.warn.harmonising import *  # noqa: F403
from prldh.core.warn.kinds import WarnKind
from prldh.core.warn.planning import *  # noqa: F403
from prldh.core.warn.reading import *  # noqa: F403
from prldh.core.warn.reporting import *  # noqa: F403
from prldh.core.warn.validating import *  # noqa: F403

#: Every entry, in the order of the codes.
CATALOGUE: tuple[WarnKind, ...] = tuple(
    sorted(
        (
            kind
            for part in (reading, fitting, choosing, validating, groups, harmonising, reporting, planning, applying)
            for kind in vars(part).values()
            if isinstance(kind, WarnKind)
        ),
        key=lambda kind: kind.code,
    )
)
