"""A warning, and the entry of the catalogue that it is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from prldh.core.texts import legible


@dataclass(frozen=True)
class Warn:
    """One thing the reader of the report has to know: its code, the stage it arose in and a full sentence.

    A function that warns returns its warnings, as the last of what it returns or within the record that it returns;
    nobody is handed a list to add to. Only an engine, whose functions return numbers alone, keeps its own.
    """

    code: str
    stage: str
    message: str

    def about(self, what: str) -> Warn:
        """The same of a tissue or model that the one who warned did not know.

        Examples
        --------
        >>> Warn("PRL-000", "models", "the AUC is 1.").about("model 'A'").message
        "model 'A': the AUC is 1."
        """
        return replace(self, message=f"{what}: {self.message}")


@dataclass(frozen=True)
class WarnKind:
    """An entry of the catalogue; called with the values of its text it gives the warning.

    Attributes
    ----------
    code
        Never given to another kind, and never changed.
    stage
        The stage that the warning arises in, as ``results.json`` and the report name it.
    section
        The section of the report (its ``id``) whose numbers it is about.
    title, meaning, remedy
        What the documentation says: in a line, what it means, what to do.
    text
        The sentence, with its values in braces.

    Examples
    --------
    >>> kind = WarnKind("PRL-000", "models", "models", "…", "{model}: the AUC is {auc:.2f}.", "…", "…")
    >>> kind(model="model 'A'", auc=1).message
    "model 'A': the AUC is 1.00."
    """

    code: str
    stage: str
    section: str
    title: str
    text: str
    meaning: str
    remedy: str

    def __call__(self, **values: object) -> Warn:
        return Warn(self.code, self.stage.format_map(values), legible(self.text.format_map(values)))
