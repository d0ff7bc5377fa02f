"""Another name of :mod:`prldh.api`."""

from prldh.api import *  # noqa: F403
from prldh.api import __all__  # noqa: F401
