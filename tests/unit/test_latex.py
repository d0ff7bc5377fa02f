"""LaTeX of tables and checklists: every character is set, no line is too wide, and a real TeX takes it where there is
one."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prldh.checklists.built_in import built_in_checklists
from prldh.checklists.dossier import Dossier
from prldh.checklists.filling import fill
from prldh.checklists.latex import LONGEST
from prldh.checklists.writing import write_checklist
from prldh.pages.journal_table import JournalTable
from prldh.pages.latex import OTHER, as_latex, breakable, escape

NASTY = (
    'Größe_50% & {x}\\ #1 $^~<b> [2] "q" `p` -- ≥ – ² µ αβΩ χ² ą ấ 中文 Прив é | * 100°C \u202e\x07'
    " https://a.b/c_d?e=1&f=%20"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe_50% & {x}", r"Größe\_50\% \& \{x\}"),
        (
            "\\ #1 $^~<b>|",
            r"\textbackslash{} \#1 \$\textasciicircum{}\textasciitilde{}\textless{}b\textgreater{}\textbar{}",
        ),
        ("≥ 1, ≤ 2 – µm² αΩ ± −1", r"$\ge$ 1, $\le$ 2 -- $\mu$m$^{2}$ $\alpha$$\Omega$ $\pm$ $-$1"),
        ("-1.5", "$-$1.5"),
        ("0.1 (-0.2, -0.1)", "0.1 ($-$0.2, $-$0.1)"),
        ("LLH-1 1e-05", "LLH-1 1e-05"),
        ("a--b", "a-{}-b"),
        ("[2] *", "{[}2{]} {*}"),
        ('"q" `b`', r"\char34{}q\char34{} \textasciigrave{}b\textasciigrave{}"),
        ("u\u0308", "ü"),
        ("ấ", r"\'{\^{a}}"),
        ("ą中", r"\otherletter{ą}{a}\otherletter{中}{U+4E2D}"),
        ("a\x00b\n", "a b "),
        ("a\u202eb", "ab"),
    ],
)
def test_escapes(text, shown):
    assert escape(text) == shown


@given(st.text(max_size=60))
def test_whatever_the_text_braces_balance_and_nothing_special_is_left(text):
    for shown in (escape(text), breakable(text)):
        bare = re.sub(r"\\[&%$#_{}]", "", shown)
        depth = 0
        for c in bare:
            depth += {"{": 1, "}": -1}.get(c, 0)
            assert depth >= 0
        assert (
            depth == 0
            and bare.count("$") % 2 == 0
            and not set(re.sub(r"\$[^$]*\$|\\[\"'`^~=.]", "", bare)) & set("&%#_^")
        )
        assert all(c.isprintable() for c in shown)


def test_long_words_break_and_numbers_stay_whole():
    shown = breakable("wavelet-LLH_glszm_SizeZoneNonUniformityNormalized 0.846 (0.789, 0.903) 1.0 ± 0.5")
    assert max(map(len, re.split(r"\\allowbreak\{\}|[ ~]", shown.replace(r"\_", "_")))) <= 12
    assert "(0.789,~0.903)" in shown and r"1.0~$\pm$~0.5" in shown
    assert "(0.789, 0.903)" in breakable("(0.789, 0.903)", is_whole=False)


def _tables() -> list[JournalTable]:
    few = [[NASTY, "0.846 (0.789, 0.903)", "< 0.001"], [f"  {NASTY}", "57.42 ± 13.39", ""]]
    wide = [[name, *["0.846 (0.789, 0.903)"] * 7] for name in ("Disc", "x" * 200)]
    return [
        JournalTable("few", f"Table 1. {NASTY}", ["a", "b", "p"], few, [NASTY]),
        JournalTable("wide", "Table 2. Wide", ["Model", *["Sensitivity"] * 7], wide, []),
        JournalTable("many", f"Table 3. {NASTY * 4}", ["[a]", "AUC", "p"], few * 60, [NASTY]),
    ]


def test_many_lines_run_over_pages_and_few_do_not():
    few, wide, many = map(as_latex, _tables())
    assert r"\begin{longtable}" in many and many.count(r"\toprule") == 2 and r"\endhead" in many
    assert all(r"\begin{table}" in t and r"\resizebox" in t and "longtable}{" not in t for t in (few, wide))
    assert few.count(r"\begin{tabular}{>") == wide.count(r"\begin{tabular}{>") == 1
    assert r"\begin{tabular}{lr}" in as_latex(JournalTable("t", "Table 4. T", ["a", "b"], [["x", "1"]], []))


def _checklist(name: str) -> str:
    checklist = next(c for c in built_in_checklists() if c.name == name)
    number = checklist.standard.items[3].number
    return write_checklist(
        fill(
            checklist,
            Dossier(title=NASTY * 9),
            {name: {number: {"answer": "yes", "comment": f"{NASTY} " * 40 + "y" * 2500}}},
        ),
        "tex",
        None,
    ).decode()


@pytest.mark.parametrize("name", ["ibsi", "clear", "metrics", "tripod-ai"])
def test_a_checklist_holds_every_item_and_no_cell_longer_than_a_page(name):
    text = _checklist(name)
    standard = next(c for c in built_in_checklists() if c.name == name).standard
    rows = [line for line in text.splitlines() if line.endswith(r"\\[2pt]")]
    numbers = [n for row in rows if (n := row.split(" & ")[0])]
    assert numbers == [i.number for i in (*standard.conditions, *standard.items)] and len(rows) > len(numbers)
    assert all(len(re.findall(r"(?<!\\)&", row)) == 4 for row in rows)
    assert max(len(re.sub(r"\\[a-z]+\{\}?", "", row.split(" & ")[3])) for row in rows) < 3 * LONGEST
    assert text.count(r"\begin{") == text.count(r"\end{") == 2


PDFLATEX = shutil.which("pdflatex")


def _set(folder, name: str, text: str) -> list[str]:
    """What pdfLaTeX says of a document: errors, and lines too wide by more than a hair (in points)."""
    (folder / f"{name}.tex").write_text(text, encoding="utf-8")
    run = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", f"{name}.tex"],
        cwd=folder,
        capture_output=True,
        timeout=900,
    )
    said = run.stdout.decode("utf-8", "replace")
    wide = [
        line
        for line in said.splitlines()
        if (m := re.search(r"Overfull \\hbox \((\d+\.?\d*)pt", line)) and float(m[1]) > 4
    ]
    assert (folder / f"{name}.pdf").exists() or run.returncode, said[-500:]
    return (
        [line for line in said.splitlines() if line.startswith("!")]
        + wide
        + ([] if run.returncode == 0 else [f"status {run.returncode}"])
    )


@pytest.mark.skipif(
    PDFLATEX is None,
    reason="pdflatex is not installed (Debian's texlive-latex-recommended); the tests of the text stand without it",
)
def test_pdflatex_takes_it(tmp_path):
    head, end = (
        r"\documentclass{article}\usepackage{array,booktabs,graphicx,longtable}\begin{document}",
        r"\end{document}",
    )
    fragments = "\n".join(map(as_latex, _tables()))
    letters = "\n\n".join(
        breakable("".join(chr(c) for c in range(start, start + 64) if chr(c).isprintable()))
        for start in range(0x20, 0x2300, 64)
    )
    assert _set(tmp_path, "tables", f"{head}{fragments}{end}") == []
    assert _set(tmp_path, "letters", rf"{head}\sloppy {OTHER}{letters}{end}") == []
    assert _set(tmp_path, "checklist", _checklist("metrics")) == []
    assert _set(tmp_path, "wrong", f"{head}_{end}") != []  # it would be told
