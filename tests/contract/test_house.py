"""The house: rooms one can find, arrows one way, and what a room does not export is its own."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

import prldh

HOUSE = Path(prldh.__file__).parent
MODULES = {
    ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in HOUSE.rglob("*.py")
}
#: Taken as a whole: every warning by its name.
CATALOGUES = {"prldh.core.warn"}
ROOMS = {name for name, path in MODULES.items() if path.name == "__init__.py"} - {"prldh"}


def imports_of(path):
    """(module, line, whether inside a function, whether for types alone) of every import of prldh."""
    found = []

    def visit(node, is_inside, is_for_types):
        for child in ast.iter_child_nodes(node):
            names = []
            if isinstance(child, ast.ImportFrom) and child.module:
                names = [child.module]
            elif isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            found.extend(
                (name, child.lineno, is_inside, is_for_types) for name in names if name.split(".")[0] == "prldh"
            )
            is_types = _is_for_types(child)
            is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            visit(child, is_inside or is_function, is_for_types or is_types)

    visit(ast.parse(path.read_text(encoding="utf-8")), False, False)
    return found


def test_arrows_point_one_way():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=HOUSE.parent, capture_output=True, text=True
    )
    assert done.returncode == 0 and "1 kept, 0 broken" in done.stdout, done.stdout + done.stderr


def test_no_modules_form_a_circle():
    """Within a room neither: what two of its parts need stands below both."""
    graph = grimp.build_graph("prldh", exclude_type_checking_imports=True)
    needs = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    graphlib.TopologicalSorter(needs).prepare()  # raises with the circle


def test_no_module_changes_what_another_says():
    """A name of an imported module is set by that module alone: otherwise it depends on who was imported before."""
    changed = []
    for module, path in MODULES.items():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        imported = {
            (alias.asname or alias.name).split(".")[0]
            for node in body
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        for node in body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            changed += [
                f"{module}, line {node.lineno}: {ast.unparse(target)}"
                for target in targets
                if isinstance(target, ast.Attribute) and ast.unparse(target).split(".")[0] in imported
            ]
    assert not changed


def test_at_most_ten_files_stand_at_the_top():
    assert len([path for path in HOUSE.iterdir() if path.is_file()]) <= 10


def _is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@pytest.mark.parametrize("room", sorted(ROOMS - CATALOGUES))
def test_a_room_says_its_purpose_and_what_others_may_use(room):
    tree = ast.parse(MODULES[room].read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no purpose"
    is_lazy = room != "prldh.core" and "on_first_use" in ast.unparse(tree)
    nodes = [n for block in tree.body if _is_for_types(block) for n in block.body] if is_lazy else tree.body
    imports = {
        alias.asname or alias.name: node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    listed = {
        constant.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for constant in ast.walk(node)
        if isinstance(constant, ast.Constant)
    }
    assert set(imports) - {"annotations"} == listed
    if is_lazy:
        (call,) = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "on_first_use"]
        given = {name: f"{room}.{k.arg}" for k in call.keywords for name in ast.literal_eval(k.value).split()}
        assert given == imports
        assert not {f"{room}.{name}" for name in listed} & set(MODULES), "a module's name would hide what it gives"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_import_reaches_into_another_room_or_hides_in_a_function(name):
    for module, line, is_inside, is_for_types in imports_of(MODULES[name]):
        place = f"{MODULES[name]}:{line}: {module}"
        assert not is_inside, f"{place} is imported inside a function"
        is_own = module.split(".")[1:2] == name.split(".")[1:2]
        if module in MODULES and not is_own and not is_for_types and module != "prldh":
            is_room = module in ROOMS or MODULES[module].parent == HOUSE
            assert is_room, f"{place} is that room's own: what others may use is exported by its __init__"


GUIDE = (HOUSE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_map_names_every_room_in_the_order_of_the_arrows():
    contract = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layers = [name.strip() for layer in contract["layers"] for name in re.split("[:|]", layer)]
    assert set(layers) | {"__init__"} == {path.stem for path in HOUSE.iterdir() if path.suffix in ("", ".py")} - {
        "__pycache__"
    }
    table = GUIDE.split("| room | what it is |")[1].split("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1])]
    assert set(named) == set(layers)
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    place = {name: k for k, row in enumerate(rows) for name in re.findall(r"`(\w+)(?:/|\.py)`", row)}
    order = {name: k for k, layer in enumerate(contract["layers"]) for name in re.split(r"\s*[:|]\s*", layer)}
    assert all(
        place[a] <= place[b] for a in named for b in named if order[a] < order[b] and {a, b} != {"api", "hookspecs"}
    )


def test_the_paths_of_map_and_recipes_are_there():
    paths = re.findall(r"`((?:prldh|r|docs|plugins|reports|tests|benchmarks)/[\w./*]*)`", GUIDE)
    assert len(paths) > 20
    for path in paths:
        assert list(HOUSE.parent.glob(path)), path
