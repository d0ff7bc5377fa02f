"""Terms of the glossary where a page uses them: a link at the first use in a section, a tooltip in heads of tables.

One pass over the finished page, so that no template needs to know which words are terms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from html import unescape

from markupsafe import escape

from prldh.results import GLOSSARY, Term

#: What a page is made of: drawings and scripts as a whole, tags, and text between them.
_PARTS = re.compile(r"<(svg|script|style|pre)\b.*?</\1>|<!--.*?-->|<[^>]*>|[^<]+", re.DOTALL)
_TAG = re.compile(r"</?([a-z0-9]+)")
#: Within these nothing is marked: names of a study, what is pressed, headings, and text that is copied.
_LEFT = frozenset(
    {"a", "abbr", "button", "code", "dd", "h1", "h2", "h3", "h4", "strong", "summary", "td", "title", "nav"}
)
#: Sections without terms: what a paper takes over, and what others wrote.
_OTHERS = ("text", "checklists", "glossary", "provenance", "warnings")


def _plain(text: str) -> str:
    """As the glossary writes it."""
    return unescape(text).replace("’", "'")


def _pattern(terms: Iterable[Term]) -> tuple[re.Pattern[str], dict[str, Term]]:
    """What is looked for, the longest first and at the start of a sentence as well, and whose it is."""
    whose = {form: term for term in terms for form in (term.name, *term.forms)}
    for form in [form for form in whose if len(form) > 1 and form[0].islower()]:
        whose.setdefault(form[0].upper() + form[1:], whose[form])
    forms = sorted(whose, key=len, reverse=True)
    text = "|".join(re.escape(form).replace("'", "(?:'|’|&#39;)") for form in forms)
    return re.compile(rf"(?<![\w.-])(?<!scanner )(?:{text})(?![\w-])"), whose


_FOUND, _WHOSE = _pattern(GLOSSARY)


def with_terms(page: str) -> tuple[str, list[Term]]:
    """A page with its terms marked, and the terms that it uses, in the glossary's order."""
    used: set[str] = set()
    shown: set[str] = set()
    inside: list[str] = []
    section = ""
    made = []
    for match in _PARTS.finditer(page):
        part = match[0]
        if part.startswith("<"):
            tag = _TAG.match(part)
            if tag and not match[1]:
                section = _section_of(part) if tag[1] == "section" and part[1] != "/" else section
                shown = set() if tag[1] == "section" else shown
                _step(inside, tag[1], part)
        elif section and not section.startswith(("plugin-", *_OTHERS)):
            is_head = "th-col" in inside
            if is_head or not (_LEFT & set(inside) or "th" in inside):
                part = _FOUND.sub(partial(_marked, is_head=is_head, shown=shown, used=used), part)
        made.append(part)
    return "".join(made), [term for term in GLOSSARY if term.name in used]


def _section_of(tag: str) -> str:
    found = re.search(r'id="([^"]*)"', tag)
    return found[1] if found else ""


def _step(inside: list[str], tag: str, part: str) -> None:
    """Into an element that matters, or out of it."""
    name = "th-col" if tag == "th" and 'scope="col"' in part else tag
    if part.startswith("</"):
        if inside and inside[-1].removesuffix("-col") == tag:
            inside.pop()
    elif tag in _LEFT or tag == "th":
        inside.append(name)


def _marked(match: re.Match[str], is_head: bool, shown: set[str], used: set[str]) -> str:
    text = match[0]
    term = _WHOSE[_plain(text)]
    if not is_head and term.name in shown:
        return text
    used.add(term.name)
    if is_head:  # a head may become a button, which holds no link
        return f'<abbr class="term" title="{escape(term.meaning)}">{text}</abbr>'
    shown.add(term.name)
    return f'<a class="term" href="#{term.address}" title="{escape(term.meaning)}">{text}</a>'
