"""What can go wrong that a user can mend. Each error carries one message: what, where, found, do."""

from prldh.core.texts import legible


class PrldhError(Exception):
    """Base class: the command line prints the message and exits with status 1. The message is :func:`legible` wherever
    its parts come from.

    What a terminal would obey, and what no terminal can show, is escaped in the message, whoever wrote it.

    ``unnamed``: the message without the names of files, where these may be patients' names and the message is kept, as
    in a log; None where it names none.
    """

    def __init__(self, message: str = "", unnamed: str | None = None) -> None:
        super().__init__(legible(message))
        self.unnamed = None if unnamed is None else legible(unnamed)


class StudyError(PrldhError):
    """The study file asks for something that cannot be done."""


class DataError(PrldhError):
    """A table, image or value is not usable as it stands."""


class PluginError(PrldhError):
    """A plugin is missing, doubled or does not keep its promise."""


class EngineError(PrldhError):
    """A statistics engine is missing, incomplete or refused a computation."""


class OutputError(PrldhError):
    """The output folder cannot be written, or holds results already."""


class ComputeError(PrldhError):
    """Worker processes died, or the cluster that should do the work is not there."""
