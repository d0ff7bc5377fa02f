"""Where CI is set, PyRadiomics must be there: its tests are not to be skipped unseen."""

from __future__ import annotations

import os

if os.environ.get("CI"):
    import prldh_pyradiomics  # noqa: F401
    import radiomics  # noqa: F401
