"""Text and tables as LaTeX that pdfLaTeX, LuaLaTeX and XeLaTeX all take, whatever the names hold.

Needs the packages array, booktabs, graphicx and longtable, which every TeX has.
"""

from __future__ import annotations

import re
import unicodedata

from prldh.pages.journal_table import JournalTable

_GREEK = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi o pi rho varsigma sigma tau upsilon"
    " varphi chi psi omega"
).split()
#: Capitals that look as Latin ones are Latin ones in TeX.
_CAPITALS = "A B Gamma Delta E Z H Theta I K Lambda M N Xi O Pi P ? Sigma T Upsilon Phi X Psi Omega".split()
_MATH = {
    "±": "pm",
    "×": "times",
    "÷": "div",
    "−": "-",
    "≤": "le",
    "≥": "ge",
    "≠": "ne",
    "≈": "approx",
    "≪": "ll",
    "≫": "gg",
    "∞": "infty",
    "√": "surd",
    "→": "rightarrow",
    "←": "leftarrow",
    "↑": "uparrow",
    "↓": "downarrow",
    "↔": "leftrightarrow",
    "·": "cdot",
    "∙": "cdot",
    "⋅": "cdot",
    "∑": "sum",
    "∏": "prod",
    "∂": "partial",
    "∆": "Delta",
    "∈": "in",
    "∩": "cap",
    "∪": "cup",
    "′": "prime",
    "″": "prime\\prime",
    "µ": "mu",
    "Ω": "Omega",
    "¬": "neg",
    "«": "ll",
    "»": "gg",
    "ϕ": "phi",
    "ϵ": "epsilon",
    "ϑ": "vartheta",
    **{chr(0x3B1 + k): name for k, name in enumerate(_GREEK)},
    **{chr(0x391 + k): name for k, name in enumerate(_CAPITALS) if name != "?"},
}
_RAISED = {
    **{c: f"$^{{{n}}}$" for c, n in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True)},
    **{chr(0x2080 + n): f"$_{{{n}}}$" for n in range(10)},
    "°": r"$^\circ$",
}
BREAK, JOIN = "\u200b", "\u2060"  # where a line may break; between characters that TeX would make one
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\u00a0": "~",
    JOIN: "{}",
    BREAK: r"\allowbreak{}",
    "–": "--",
    "—": "---",
    "„": r"\char34{}",
    "‚": ",",
    "‹": r"\textless{}",
    "›": r"\textgreater{}",
    "‰": r"$^0\!/_{00}$",
    **_RAISED,
    **{c: f"${name if len(name) == 1 else chr(92) + name}$" for c, name in _MATH.items()},
}
#: What LaTeX sets by itself in its old encoding, and in every other.
_KNOWN = {chr(c) for c in range(0xA1, 0x180)} - set("«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ") | set("ȘșȚț‐‑‒―‘’“”†‡•…€™")
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0323": "d",
    "\u0327": "c",
    "\u0331": "b",
}
#: Letters of other scripts: themselves where the engine reads Unicode (the font must have them), else their Latin
#: letter or number.
OTHER = r"\providecommand{\otherletter}[2]{\ifdefined\Umathchar#1\else#2\allowbreak\fi}"
#: Tables of more lines than this run over pages.
MOST_LINES = 45
#: More characters a line than this are wrapped; a word longer than this may be broken.
MOST_CHARACTERS, LONG_WORD = 90, 20
#: Numbers that no line may part: what stands in brackets behind an estimate, and a mean with its SD.
ALL_THRESHOLDS = r"\([-−\d.,e<> ]{3,30}\)|[-−\d.e]+ ± [\d.e]+|< \d\S*"
WORD = rf"{ALL_THRESHOLDS}|\S+"


def escape(text: str) -> str:
    """Text as LaTeX sets it; a minus before a number is one.

    >>> escape("p < 0.05 & b = -1.5 µm²")
    'p \\\\textless{} 0.05 \\\\& b = $-$1.5 $\\\\mu$m$^{2}$'
    """
    text = re.sub(r"(?<![\w}-])-(?=\d)", "−", unicodedata.normalize("NFC", text))
    return "".join(map(_character, re.sub("-(?=-)", f"-{JOIN}", text)))


def _character(c: str) -> str:
    if c in _SPECIAL:
        return _SPECIAL[c]
    if c < "\x7f" or c in _KNOWN:
        return c if c.isprintable() else " "
    if not c.isprintable():
        return "" if unicodedata.category(c) == "Cf" else " "
    base, *marks = list(unicodedata.normalize("NFD", c))
    if marks and base.isascii() and all(m in _ACCENTS for m in marks):
        shown = base
        for mark in marks:
            shown = rf"\{_ACCENTS[mark]}{{{shown}}}"
        return shown
    plain = unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode()
    if base.isascii() and base.isprintable():
        plain = base
    substitute = "".join(map(_character, plain)) if plain.isprintable() and plain else f"U+{ord(c):04X}"
    return rf"\otherletter{{{c}}}{{{substitute}}}"


def breakable(text: str, is_whole: bool = True) -> str:
    """Escaped, with places to break in words that no line may hold, such as names of features and addresses.
    ``is_whole``: numbers stay with their SD, and intervals in one piece."""
    whole = re.sub(ALL_THRESHOLDS, lambda m: m[0].replace(" ", "\u00a0"), text) if is_whole else text
    return escape(re.sub(rf"[^\s\u00a0]{{{LONG_WORD},}}", lambda m: _broken(m[0]), whole))


def _broken(word: str) -> str:
    parts = re.sub(r"([-_/.:;,|=+)\]→])(?=\w)", rf"\1{BREAK}", word).split(BREAK)
    return BREAK.join(
        BREAK.join(part[k : k + 10] for k in range(0, len(part), 10)) if len(part) > LONG_WORD else part
        for part in parts
    )


def as_latex(table: JournalTable) -> str:
    """The table as a ``table`` environment that is never wider than the text, or as a ``longtable`` over pages where it
    has many lines; the notes in small type beneath. Long cells wrap."""
    caption = rf"\caption{{{breakable(table.title.split('. ', 1)[-1])}}}"
    notes = [rf"\par\noindent\footnotesize {breakable(note)}" for note in table.notes]
    if _count_lines(table) > MOST_LINES:
        is_whole = sum(_narrowed(table, WORD)) <= MOST_CHARACTERS
        widths = _narrowed(table, WORD if is_whole else r"\S+")
        columns = _wrapped([rf"\dimexpr{width / sum(widths):.4f}\linewidth-2\tabcolsep" for width in widths])
        head, rows = _body(table, is_whole)
        lines = [
            r"\begingroup\scriptsize\setlength{\tabcolsep}{2pt}",
            rf"\begin{{longtable}}{{{columns}}}",
            rf"{caption}\label{{tab:{table.name}}}\\",
            *head,
            r"\endfirsthead",
            *head,
            r"\endhead",
            r"\bottomrule",
            r"\endlastfoot",
            *rows,
            r"\end{longtable}",
            *notes,
            r"\par\endgroup",
        ]
    else:
        is_narrow = sum(_widths(table)) <= MOST_CHARACTERS
        columns = (
            "l" + "r" * (len(table.head) - 1)
            if is_narrow
            else _wrapped([f"{0.5 * width + 0.5:.1f}em" for width in _narrowed(table, WORD)])
        )
        head, rows = _body(table, True)
        lines = [
            r"\begin{table}[htbp]",
            r"\centering",
            caption,
            rf"\label{{tab:{table.name}}}",
            r"\setlength{\tabcolsep}{4pt}\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            *head,
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            *notes,
            r"\end{table}",
        ]
    return "\n".join(["% Needs \\usepackage{array,booktabs,graphicx,longtable}.", OTHER, *lines, ""])


def _body(table: JournalTable, is_whole: bool) -> tuple[list[str], list[str]]:
    """The header between its rules, and the rows."""
    rows = [
        " & ".join(("\\quad " if c.startswith("  ") else "") + breakable(c.strip(), is_whole) for c in row) + r" \\"
        for row in [table.head, *table.rows]
    ]
    return [r"\toprule", rows[0], r"\midrule"], rows[1:]


def _count_lines(table: JournalTable) -> int:
    widths = _widths(table)
    if sum(widths) > MOST_CHARACTERS:
        widths = _narrowed(table, WORD)
    in_rows = sum(
        max(-(-_length(cell) // max(width, 1)) for cell, width in zip(row, widths, strict=True))
        for row in [table.head, *table.rows]
    )
    return in_rows + sum(-(-_length(text) // MOST_CHARACTERS) for text in (table.title, *table.notes))


def _length(text: str) -> int:
    """Characters as they are set: of other scripts perhaps by their numbers."""
    return sum(1 if c < "\u0250" else 6 for c in text)


def _widths(table: JournalTable) -> list[int]:
    return [max(map(len, column)) for column in zip(table.head, *table.rows, strict=True)]


def _narrowed(table: JournalTable, word: str) -> list[int]:
    """Characters that each column needs where it wraps: its longest word, some more of the first column."""
    columns = zip(table.head, *table.rows, strict=True)
    longest = [
        max((len(piece) for cell in column for piece in re.findall(word, cell)), default=1) for column in columns
    ]
    return [
        min(width, max(min(n, LONG_WORD), 18 if k == 0 else 8))
        for k, (width, n) in enumerate(zip(_widths(table), longest, strict=True))
    ]


def _wrapped(sizes: list[str]) -> str:
    """Columns that wrap: the first to the left, numbers to the right."""
    return "".join(
        rf">{{\{'raggedright' if k == 0 else 'raggedleft'}\arraybackslash}}p{{{size}}}" for k, size in enumerate(sizes)
    )
