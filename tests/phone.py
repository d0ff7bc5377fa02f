"""What a phone shows of a report's tables without scrolling them: the number that each is there for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDTH = 390
#: Of each table that column, in every row, where it is not all within the screen and within its cell: the one that is
#: marked as the honest number's, else the first of odds ratios, AUCs, estimates and differences, else the first beside
#: the names. Where two sides stand beside their total, all three.
_CUT = """() => [...document.querySelectorAll('main table')].filter(t => t.rows.length > 1).map(t => {
    const heads = t.tHead ? [...t.tHead.rows[0].cells] : [];
    const honest = heads.findIndex(h => h.matches('.honest'));
    const told = heads.findIndex((h, k) => k && /^(Unadjusted |Apparent |Held-out )?(OR|AUC|Estimate|Difference) ?(\\(|$)/.test(h.textContent));
    const columns = t.matches('.sides') ? [1, 2, 3] : [Math.max(1, honest >= 0 ? honest : told)];
    const edge = Math.min(innerWidth, (t.closest('.scroll') ?? t).getBoundingClientRect().right + 1);
    const cut = [];
    for (const row of t.rows) {
        if ([...row.cells].some(c => c.colSpan > 1)) continue;
        const spanned = Math.max(0, heads.length - row.cells.length);
        for (const cell of columns.map(k => row.cells[k - spanned]).filter(Boolean)) {
            const text = document.createRange();
            text.selectNodeContents(cell);
            const [shown, own] = [text.getBoundingClientRect(), cell.getBoundingClientRect()];
            if (shown.width && (shown.left < 0 || shown.right > edge || shown.right > own.right + 1)) cut.push(cell.textContent);
        }
    }
    return [t.caption?.textContent ?? '', cut];
})"""  # noqa: E501


def cut_on_a_phone(browser: Any, folder: Path) -> tuple[int, list[tuple[str, list[str]]]]:
    """How many tables the report in ``folder`` has, and, by caption, what of their numbers a phone does not show; also
    whether all of the page has to be scrolled sideways."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 800})
    try:
        page = context.new_page()
        page.goto((folder / "report.html").as_uri())
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => { d.removeAttribute('name'); d.open = true; })"
        )
        tables = page.evaluate(_CUT)
        width = page.evaluate("document.documentElement.scrollWidth")
    finally:
        context.close()
    wide = [("the page is wider than the screen", [f"{width} px"])] if width > WIDTH else []
    return len(tables), wide + [(caption, cut) for caption, cut in tables if cut]
