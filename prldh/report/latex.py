"""A journal's table as LaTeX, for the packages booktabs and graphicx."""

from __future__ import annotations

from prldh.report.journal_tables import JournalTable

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "χ": r"$\chi$", "²": r"$^2$", "≤": r"$\le$", "≥": r"$\ge$",
    "×": r"$\times$", "−": r"$-$", "–": "--", "|": r"\textbar{}", '"': r"\textquotedbl{}",
}


def escape(text: str) -> str:
    """Text as LaTeX sets it, whatever it holds; a leading minus of a number is one."""
    shown = "".join(_SPECIAL.get(c, c if c.isprintable() else " ") for c in text)
    return f"$-${shown[1:]}" if shown.startswith("-") and shown[1:2].isdigit() else shown.replace("(-", "($-$").replace(", -", ", $-$")


def as_latex(table: JournalTable) -> str:
    """The table as a ``table`` environment, its notes in small type beneath."""
    title = table.title.split(". ", 1)[-1]
    rows = [" & ".join(("\\quad " if cell.startswith("  ") else "") + escape(cell.strip()) for cell in row) + r" \\" for row in table.rows]
    head = " & ".join(escape(text) for text in table.head) + r" \\"
    notes = [rf"\par\footnotesize {escape(note)}" for note in table.notes]
    return "\n".join([
        "% Needs \\usepackage{booktabs} and \\usepackage{graphicx}.", r"\begin{table}[htbp]", r"\centering", rf"\caption{{{escape(title)}}}", rf"\label{{tab:{table.name}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%", rf"\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}", r"\toprule", head, r"\midrule",
        *rows, r"\bottomrule", r"\end{tabular}}", *notes, r"\end{table}", "",
    ])
