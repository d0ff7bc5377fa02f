"""Write the pages that are made of the code, after it has changed: `python tools/reference_pages.py`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints, is_typeddict

import click
import yaml
from definitions import OF_MEASURES, OTHERS
from pydantic import BaseModel

import prldh
import prldh.api
from prldh.apply.cohort_file import NewCohort
from prldh.cli import cli
from prldh.core import (
    CALIBRATION,
    CLASSIFICATION,
    DISCRIMINATION,
    USEFULNESS,
    Among,
    Measure,
    at,
    bare,
    keys_by_field,
)
from prldh.data.imaging.perturb import Perturbation
from prldh.plugins import Registry
from prldh.results import GLOSSARY
from prldh.results.document import Document
from prldh.results.glossary import TERMS_BY_MEASURE
from prldh.results.json_schema import SchemaMaker, about, is_later
from prldh.results.measures import MEASURES
from prldh.study import Study
from prldh.study.tissues import SHIPPED_SOURCES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE = "This page is written from the code by `tools/reference_pages.py`."
#: Keys whose field has no `since` of its own came with the first version.
FIRST = "0.1.0"
#: Numbers as large as this are no bound that anyone meets (`prldh.core.bounds.NUMBER`).
ENDLESS = 1e15
#: What a mapping of any keys to any values is called within another.
SETTINGS = "… by name"


class Section(NamedTuple):
    """A settings model and where it stands: its heading, what introduces it."""

    title: str
    model: type[BaseModel]
    about: str = ""


def rows(head: tuple[str, ...], body: list[tuple[str, ...]]) -> str:
    """A table."""
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def slug(heading: str) -> str:
    """The address of a heading, in the site and in the repository's own view."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def plain(text: str | None) -> str:
    """The first paragraph of a docstring as Markdown."""
    first = re.sub(r"\s+", " ", (text or "").strip().partition("\n\n")[0])
    return re.sub(r":(?:mod|class|func|meth|data):`~?([^`]+)`", r"`\1`", first).replace("``", "`")


# -- settings ---------------------------------------------------------------------------------------------------------


def models_within(annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """Settings models within a type, and what stands between: `.NAME` in a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "", annotation
        return
    parts = get_args(annotation)
    is_mapping = getattr(annotation, "__origin__", None) is dict
    for part in parts[1:] if is_mapping else parts:
        yield from ((f".NAME{path}" if is_mapping else path, model) for path, model in models_within(part))


def sections_of(model: type[BaseModel], title: str, about_it: str) -> list[Section]:
    """A model and those within it, each once, at the first place where it stands."""
    found, left = [Section(title, model, about_it)], [("", model)]
    seen = {model}
    while left:
        path, outer = left.pop(0)
        for name, field in outer.model_fields.items():
            for between, inner in models_within(field.annotation):
                if inner not in seen:
                    seen.add(inner)
                    place = f"{path}{name}{between}"
                    found.append(Section(f"`{place}`", inner, plain(inner.__doc__)))
                    left.append((f"{place}.", inner))
    keys = list(model.model_fields)
    # in the order of the keys at the top, what is within a key after it
    return sorted(found, key=lambda s: keys.index(top_of(s)) if top_of(s) in keys else -1)


def top_of(section: Section) -> str:
    """The key at the top that a section is of."""
    return section.title.strip("`").split(".")[0]


def takes(schema: Mapping[str, Any], addresses: Mapping[str, str]) -> str:
    """What a key takes, in words, with its bounds and how much of it."""
    what = "Items" if schema.get("type") == "array" else "Properties"
    is_pair = "prefixItems" in schema
    return each_of(schema, addresses) + ("" if is_pair else sizes(schema, what))


def each_of(schema: Mapping[str, Any], addresses: Mapping[str, str]) -> str:
    """What a key takes, with the bounds of its values."""
    if "$ref" in schema:
        return addresses[schema["$ref"].rpartition("/")[2]]
    choices = [c for c in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if c.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(each_of(choice, addresses) for choice in choices))
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("whole number" if kind == "integer" else "number") + limits(schema)
    if kind == "array":
        parts = schema.get("prefixItems")
        if parts:
            return f"list of {len(parts)} ({each_of(parts[0], addresses)})"
        return f"list of {each_of(schema.get('items', {}), addresses)}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        what = each_of(inner, addresses) if isinstance(inner, dict) and inner else "…"
        return "settings by name" if what == SETTINGS else f"{what} by name"
    return {"string": "text", "boolean": "`true` or `false`"}.get(str(kind), "a value")


def limits(schema: Mapping[str, Any]) -> str:
    """The bounds of a number."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    parts = [
        f"≥ {low:,g}" if low is not None and low > -ENDLESS else "",
        f"> {above:,g}" if above is not None else "",
        f"≤ {full(high)}" if high is not None and high < ENDLESS else "",
        f"< {below:,g}" if below is not None else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f" {told}" if told else ""


def full(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:g}"


def sizes(schema: Mapping[str, Any], what: str) -> str:
    """How many a list or mapping holds."""
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if least is not None and least == most:
        return f", {least} of them"
    parts = [f"at least {least:,}" if least else "", f"at most {most:,}" if most else ""]
    told = " and ".join(part for part in parts if part)
    return f" ({told})" if told else ""


def default_of(model: type[BaseModel], name: str) -> str:
    """The default of a key as the file would have it."""
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, BaseModel):
        return "–"
    if isinstance(value, (list, tuple)) and len(value) > 12:
        value = [value[0], value[1], "…", value[-1]]
    text = yaml.safe_dump(
        list(value) if isinstance(value, tuple) else value, default_flow_style=True, width=10**6, allow_unicode=True
    )
    return f"`{text.strip().removesuffix('...').strip()}`"


def table_of(model: type[BaseModel], addresses: Mapping[str, str], prefix: str = "") -> str:
    """The keys of a model."""
    if not model.model_fields:
        return "It takes no settings."
    schemas = model.model_json_schema()["properties"]
    body = []
    for name, field in model.model_fields.items():
        schema = schemas[name]
        unit = f"; {schema['unit']}" if "unit" in schema else ""
        anchor = f'<a id="{prefix}{name}"></a>' if prefix else ""
        body.append(
            (
                f"{anchor}`{name}`",
                sentence(field.description or ""),
                takes(schema, addresses) + unit,
                default_of(model, name),
                schema.get("since", FIRST),
            )
        )
    return rows(("key", "meaning", "takes", "default", "since"), body)


def sentence(text: str) -> str:
    """A description as a sentence: prose begins with a capital, what names a key does not."""
    return text if re.match(r"[a-z_-]+\d*:|[a-z]+[-_\d]", text) else text[:1].upper() + text[1:]


def address_of(title: str) -> str:
    return f"[{title}](#{slug(title)})"


def registered(hook: str) -> Iterator[tuple[str, Any]]:
    """What prldh and the sources that it ships register, where it has settings."""
    for name, (item, plugin) in Registry().registered(hook).items():
        if plugin in ("prldh", *SHIPPED_SOURCES) and hasattr(item, "Settings"):
            yield name, item


#: Kinds of steps: the heading, the hook, and where they stand in the file.
KINDS = (
    ("Transforms", "register_transforms", "In the list `transforms`, as `- NAME` or `- NAME: {key: value}`."),
    ("Selection steps", "register_selectors", "In the list `selection`."),
    ("Learners", "register_learners", "Under `learner`, as `learner: NAME` or `learner: {NAME: {key: value}}`."),
    ("Schemes of validation", "register_validators", "Under `validation`, beside its own keys."),
    ("Image steps", "register_image_steps", "In the list `image_steps`, of the study or of a tissue."),
    ("Feature sources", "register_feature_sources", "Under `extraction`, of the study or of a tissue."),
)


def study_page() -> str:
    """Every key of the study file and of the cohort file."""
    study = sections_of(Study, "Keys at the top", "")
    cohort = sections_of(NewCohort, "The cohort file", "For `prldh apply`: new patients for frozen models.")
    known = {section.model for section in study}
    cohort = [cohort[0], *(s._replace(title=f"Cohort: {s.title}") for s in cohort[1:] if s.model not in known)]
    addresses = {s.model.__name__: address_of(s.title) for s in (*study, *cohort)}
    parts = [STUDY_HEAD]
    told = ""
    for section in study:
        prefix = "" if section.model is Study else f"{section.title.strip('`')}."
        level, told = "###" if top_of(section) == told else "##", top_of(section)
        parts.append(f"{level} {section.title}\n\n{section.about}".rstrip())
        parts.append(table_of(section.model, addresses, prefix or "study."))
    for title, hook, where in KINDS:
        parts.append(f"## {title}\n\n{where}")
        for name, item in registered(hook):
            inner = sections_of(item.Settings, name, "")
            inside = {s.model.__name__: address_of(f"{name}: {s.title}") for s in inner[1:]}
            label = getattr(item, "label", "") or plain(item.__doc__)
            parts.append(f"### {title_of(title)}: {name}\n\n{sentence(label).removesuffix('.')}.")
            parts.append(table_of(item.Settings, addresses | inside))
            for s in inner[1:]:
                parts.append(f"#### {name}: {s.title}\n\n{s.about}\n\n{table_of(s.model, addresses | inside)}")
    parts.append(f"### Feature source: perturb\n\n{PERTURB}\n\n{table_of(Perturbation, addresses)}")
    for section in cohort:
        level = "##" if section.model is NewCohort else "###"
        parts.append(f"{level} {section.title}\n\n{section.about}\n\n{table_of(section.model, addresses)}")
    return "\n\n".join(parts) + "\n"


def title_of(kind: str) -> str:
    """One of a kind."""
    return {"Schemes of validation": "Scheme"}.get(kind, kind.removesuffix("s"))


PERTURB = "Under `extraction`, beside the sources: masks are perturbed where there is one reader."
STUDY_HEAD = f"""# The study file

Every key, with its meaning, what it takes, its default and the version it came with. `prldh init DIR` writes a
commented file to start from, and `prldh init DIR --from TABLE` one for your tables. A key that is not known is an
error that names the nearest known one.

An editor that reads JSON schemas completes keys and shows these meanings: write the schema once, and name it in the
first line of the study file.

```console
$ prldh schema study > study.schema.json
```

```yaml
# yaml-language-server: $schema=study.schema.json
```

{MADE}"""

# -- results.json -----------------------------------------------------------------------------------------------------


def records_within(kind: Any) -> Iterator[type]:
    """Records within a type."""
    if (is_dataclass(kind) and isinstance(kind, type)) or is_typeddict(kind):
        yield kind
    for part in get_args(kind):
        yield from records_within(part)


def form_of(schema: Mapping[str, Any], kind: Any) -> str:
    """What a key of `results.json` holds, in words."""
    inner = list(dict.fromkeys(records_within(kind)))
    named = " or ".join(f"[{each.__name__}](#{slug(each.__name__)})" for each in inner)
    types = schema.get("type")
    if "enum" in schema:
        return " or ".join("null" if each is None else f"`{each}`" for each in schema["enum"])
    if "anyOf" in schema:
        is_null = any(each.get("type") == "null" for each in schema["anyOf"])
        others = [form_of(each, None) for each in schema["anyOf"] if each.get("type") != "null"]
        return (named or " or ".join(others)) + (", or null" if is_null else "")
    if types == "array":
        return f"list of {named}" if named else "list"
    if types == "object" and "additionalProperties" in schema:
        return f"by name: {named}" if named else "by name"
    if named:
        return named
    words = {"string": "text", "boolean": "true or false", "integer": "whole number", "null": "null"}
    return " or ".join(words.get(each, str(each)) for each in (types if isinstance(types, list) else [types or "any"]))


def results_page() -> str:
    """Every key of `results.json`, record by record."""
    maker = SchemaMaker(MEASURES)
    left, seen, parts = [Document], {Document}, [RESULTS_HEAD]
    while left:
        record = left.pop(0)
        body = []
        for key, kind, meaning, is_always in keys_of(record):
            body.append((f"`{key}`", form_of(maker.of(bare_of(kind)), kind), meaning, "yes" if is_always else "no"))
            for inner in records_within(kind):
                if inner not in seen:
                    seen.add(inner)
                    left.append(inner)
        meanings = any(row[2] for row in body)
        head = ("key", "holds", "meaning", "always") if meanings else ("key", "holds", "always")
        body = body if meanings else [(row[0], row[1], row[3]) for row in body]
        title = "The file" if record is Document else record.__name__
        parts.append(f"## {title}\n\n{whole(record.__doc__)}\n\n{rows(head, body)}")
    return "\n\n".join(parts) + "\n"


def whole(text: str | None) -> str:
    """A docstring as Markdown, without the sections on parameters and examples."""
    text = re.split(r"\n\s*(?:Parameters|Examples|Returns|Raises)\n\s*-+\n", text or "")[0]
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(plain(paragraph) for paragraph in paragraphs)


def bare_of(kind: Any) -> Any:
    """A type without the marks that are about the key."""
    return bare(kind) if is_later(kind) else kind


def keys_of(record: type) -> Iterator[tuple[str, Any, str, bool]]:
    """Key, type, meaning and whether it is always there, of a record."""
    if is_typeddict(record):
        yield from ((key, kind, "", key in record.__required_keys__) for key, kind in get_type_hints(record).items())
        return
    hints, keys = get_type_hints(record, include_extras=True), keys_by_field(record)
    schema = SchemaMaker(MEASURES).of(record)
    for each in fields(record):  # type: ignore[arg-type]
        hint = hints[each.name]
        if keys[each.name]:
            inner = next(records_within(hint), None)
            meaning = plain(inner.__doc__).partition(". ")[0].removesuffix(".") if inner else ""
            yield keys[each.name], hint, meaning, keys[each.name] in schema["required"]
            continue
        place = next(mark.place for mark in get_args(hint) if isinstance(mark, Among))
        if not place:
            yield from keys_of(get_args(hint)[0])
            continue
        for measure in at(place, MEASURES):
            term = TERMS_BY_MEASURE.get(measure.key)
            said = term.meaning.removesuffix(".") if term else measure.label
            meaning = "; ".join(part for part in (said, about(measure)) if part)
            yield measure.key, measure.places[place], meaning, measure.key in schema["required"]


RESULTS_HEAD = f"""# results.json

Everything that a run computed, in one file; report, tables, figures and checklists are made of it alone. `prldh schema
results` prints its JSON schema. A number that does not exist is null, with its reason beside it or in `warnings`. A
key that is not always there came after the first version of this schema, or is of a part that the study did not ask
for.

{MADE}"""

# -- the command line -------------------------------------------------------------------------------------------------


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command under its whole name."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def all_commands() -> dict[str, click.Command]:
    """prldh's own commands and those of the plugins that it ships."""
    of_plugins = click.Group()
    Registry(load_built_ins=False).manager.hook.register_commands(cli=of_plugins)
    return dict(chain(commands(cli, "prldh"), commands(of_plugins, "prldh")))


def cli_page() -> str:
    """Every command with its arguments and options."""
    parts = [CLI_HEAD]
    for name, command in sorted(all_commands().items()):
        context = click.Context(command, info_name=name)
        usage = f"{name} {' '.join(command.collect_usage_pieces(context))}"
        body = []
        for option in command.params:
            if isinstance(option, click.Option):
                names = ", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts))
                body.append((names, option.help or "", *taken(option, context)))
        table = f"\n\n{rows(('option', 'meaning', 'takes', 'default'), body)}" if body else ""
        help_text = re.sub(r"[ \t]*\n[ \t]*", " ", (command.help or "").replace("\b", "").strip())
        help_text = re.sub(r"(?<!`)<(\w+)>", r"`<\1>`", help_text)
        parts.append(f"## {name}\n\n{help_text}\n\n```text\n{usage}\n```{table}")
    return "\n\n".join(parts) + "\n"


def taken(option: click.Option, context: click.Context) -> tuple[str, str]:
    """What an option takes, and its default."""
    kind = option.type
    default = option.get_default(context)
    is_given = isinstance(default, (str, int, float, Path)) and not isinstance(default, bool)
    told = f"`{default}`" if is_given and str(default) else ("required" if option.required else "–")
    if option.is_flag:
        return "–", "–"
    if isinstance(kind, click.Choice):
        return " or ".join(f"`{each}`" for each in kind.choices), told
    what = {"integer range": "whole number", "float range": "number", "integer": "whole number", "float": "number"}.get(
        kind.name, {"path": "path"}.get(kind.name, "text")
    )
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        ends = ("≥", kind.min), ("≤", kind.max)
        what += " " + ", ".join(f"{sign} {full(end)}" for sign, end in ends if end is not None)
    return what + (", may be repeated" if option.multiple else ""), told


CLI_HEAD = f"""# The command line

Every command has `--help`. Exit status: 0 done; 1 something that you can mend, told in one message (what, where,
found, do); 2 wrong usage; 130 interrupted by Ctrl-C, 143 ended by SIGTERM (a queue), 129 by SIGHUP (a closed terminal).
Outputs appear whole or not at all.

{MADE}"""

# -- R ----------------------------------------------------------------------------------------------------------------


def r_functions() -> dict[str, tuple[str, str, bool]]:
    """The R package's functions with title, description and whether they are for R users, from their pages."""
    found = {}
    for path in sorted((ROOT / "r" / "man").glob("*.Rd")):
        text = path.read_text(encoding="utf-8")
        if r"\docType{package}" in text:
            continue
        name, title, described = (braces(text, tag) for tag in ("name", "title", "description"))
        found[name] = (title, described, r"\keyword{internal}" not in text)
    return found


def braces(text: str, tag: str) -> str:
    """What stands in the braces of a tag of an R page, as Markdown."""
    start = text.index(f"\\{tag}{{") + len(tag) + 2
    depth, end = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    inner = re.sub(r"\s+", " ", text[start : end - 1]).strip()
    for pattern, into in (
        (r"\\code\{\\link(?:\[[^]]*\])?\{([^{}]*)\}\}", r"`\1`"),
        (r"\\(?:code|pkg)\{([^{}]*)\}", r"`\1`"),
        (r"\\(?:emph|eqn|link|dQuote|sQuote|url|doi)\{([^{}]*)\}", r"\1"),
        (r"\\([%{}&_])", r"\1"),
    ):
        inner = re.sub(pattern, into, inner)
    return inner.replace("--", "–")


def r_page() -> str:
    """The R package's functions: those for R users, and those that Python calls."""
    parts = [R_HEAD]
    for title, for_users in (("For R users", True), ("What Python calls", False)):
        body = [
            (f"`{name}`", sentence(about_it), described)
            for name, (about_it, described, is_theirs) in r_functions().items()
            if is_theirs is for_users
        ]
        parts.append(f"## {title}\n\n{rows(('function', 'title', 'what it does'), body)}")
    return "\n\n".join(parts) + "\n"


R_HEAD = f"""# R functions

The folder `r/` is an R package for R users ([in R](../r.md)). Every statistic of a report is a function of the same
name in `r/R/` and in `prldh/stats/` too; those are internal, `prldh:::NAME` reaches them, and their arguments may
change. `?NAME` in R shows the page with usage, arguments, value and an example.

{MADE}"""

# -- the glossary -----------------------------------------------------------------------------------------------------


def glossary_page() -> str:
    """The report's own glossary."""
    entries = []
    for term in sorted(GLOSSARY, key=lambda t: t.name.lower()):
        also = f" *Also written:* {', '.join(term.forms)}." if term.forms else ""
        keys = f" In `results.json`: {', '.join(f'`{key}`' for key in term.keys)}." if term.keys else ""
        entries.append(f"## {term.name}\n\n{term.meaning}{also}{keys}")
    return "\n\n".join([GLOSSARY_HEAD, *entries]) + "\n"


GLOSSARY_HEAD = f"""# Glossary

The statistical terms of a report. A report explains those that it uses, in the same words; how each number is
computed stands in [definitions](definitions.md).

{MADE}"""

# -- Python -----------------------------------------------------------------------------------------------------------


def home_of(thing: Any) -> str:
    """Where a class or function stands; empty for anything else."""
    is_named = inspect.isclass(thing) or inspect.isfunction(thing)
    return f"{thing.__module__}.{thing.__qualname__}" if is_named and "prldh" in thing.__module__ else ""


def python_page() -> str:
    """What notebooks use, and what plugins import; the site puts signatures and docstrings in the place of each line
    that begins with colons."""
    parts = [PYTHON_HEAD]
    for title, module, about_it in (
        ("In notebooks", prldh, "`import prldh`; everything that the command line does is here too."),
        ("In plugins", prldh.api, "`from prldh.api import …`; what stands here keeps its name."),
    ):
        parts.append(f"## {title}\n\n{about_it}")
        others = []
        for name in sorted(module.__all__, key=str.lower):
            home = home_of(getattr(module, name))
            if home:
                parts.append(f"::: {home}\n    options:\n      heading: {module.__name__}.{name}")
            elif not name.startswith("_"):
                others.append(f"`{name}`")
        if others:
            parts.append(f"Beside these: {', '.join(others)}.")
    return "\n\n".join(parts) + "\n"


PYTHON_HEAD = f"""# Python

{MADE}"""

# -- definitions ------------------------------------------------------------------------------------------------------


def cited(measure: Measure) -> str:
    """Its papers, short, each a link where it has an address."""
    told = []
    for reference in measure.references:
        short = f"{reference.authors.partition(',')[0]} {reference.year}"
        told.append(f"[{short}](https://doi.org/{reference.doi})" if reference.doi else short)
    return ", ".join(told)


def defined(title: str, text: str, facts: Mapping[str, str]) -> str:
    """A statistic: its formula, and what stands behind it."""
    return f"### {title}\n\n{text}.\n\n" + "\n".join(f"- {name}: {fact}" for name, fact in facts.items() if fact)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def definitions_page() -> str:
    """Each statistic with its formula, paper, functions and golden test."""
    parts = [DEFINITIONS_HEAD]
    for title, aspect in ASPECTS:
        parts.append(f"## {title}")
        for m in MEASURES:
            if m.aspect == aspect:
                formula = OF_MEASURES[m.key]
                facts = {
                    "source": cited(m) or formula.reference,
                    "in `results.json`": code(m.key),
                    "in Python and R": code(m.function),
                    "R's own": code(m.r),
                    "pinned by": code(formula.test),
                }
                parts.append(defined(formula.name or m.label, formula.text, facts))
    parts.append("## Models, tests and the rest")
    for o in OTHERS:
        facts = {
            "source": o.reference,
            "in Python and R": code(o.function),
            "R's own": code(o.r),
            "pinned by": code(o.test),
        }
        parts.append(defined(o.name, o.text, facts))
    return "\n\n".join(parts) + "\n"


ASPECTS = (
    ("Discrimination", DISCRIMINATION),
    ("Classification", CLASSIFICATION),
    ("Calibration", CALIBRATION),
    ("Usefulness", USEFULNESS),
)
DEFINITIONS_HEAD = f"""# Definitions

Each statistic: what is computed, whose it is, the function of that name in `prldh/stats/` and in `r/R/`, R's own
function of the same number where there is one, and the test that holds it to published values, to R or to a
calculation by hand. *y* is the outcome (1 event, 0 none) and ȳ its mean, *p* the predicted probability, *n* the
patients, *t* a threshold. What a formula leaves open (ties, ends, what does not exist) the function's docstring says,
and for steps of the selection [that page](selection.md). How often intervals hold stands under
[intervals](intervals.md).

{MADE}"""

# -- benchmarks -------------------------------------------------------------------------------------------------------


def benchmarks_page() -> str:
    """benchmarks/README.md, whose figures stay beside the scripts that draw them."""
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    return re.sub(r"!\[([^]]*)\]\((\w+\.svg)\)", r"*\1: `benchmarks/\2` of the repository.*", text)


PAGES: dict[str, Callable[[], str]] = {
    "reference/study.md": study_page,
    "reference/results.md": results_page,
    "reference/cli.md": cli_page,
    "reference/python.md": python_page,
    "reference/r.md": r_page,
    "benchmarks.md": benchmarks_page,
    "definitions.md": definitions_page,
    "glossary.md": glossary_page,
}


def write_pages() -> None:
    """All of them."""
    for name, page in PAGES.items():
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
