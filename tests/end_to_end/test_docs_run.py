"""Start, tutorials and how-to pages run from their first block to their last, and print what they show."""

from __future__ import annotations

import shutil

import pytest
from doc_blocks import RUN, blocks_of, compare, run_page

#: Pages that take most of a minute or more on two cores; `make test-slow` runs them.
SLOW = {"hospitals.md", "images.md", "protocols.md", "published.md", "reading.md"}
#: Pages that `make test` runs; of the others, `make test-ci`.
QUICK = {"index.md", "my_table.md"}
#: What pages need beside prldh.
NEEDS = dict.fromkeys(("images.md", "slicer.md"), ("SimpleITK", "prldh_pyradiomics"))


def _marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.slow,) if name in SLOW else () if name in QUICK else (pytest.mark.ci,)


@pytest.mark.parametrize("page", [pytest.param(page, marks=_marks(page.name), id=page.stem) for page in RUN])
@pytest.mark.usefixtures("undrawn")
def test_a_page_runs_and_prints_what_it_shows(page, tmp_path, warm_prldh):
    for module in NEEDS.get(page.name, ()):
        pytest.importorskip(module)
    if "Rscript" in page.read_text(encoding="utf-8") and shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    run_page(page.read_text(encoding="utf-8"), tmp_path, warm_prldh.parent)


def test_a_page_that_shows_something_else_is_found(tmp_path, warm_prldh):
    page = """
```yaml title="a/b.yaml"
key: 1
```

```console
$ cat a/b.yaml
key: 1
$ prldh analyze absent.yaml --out out
prldh: …absent.yaml…
```

```python
number = 2
print("the number is", number)
```

```text
the … 2
```
"""
    run_page(page, tmp_path, warm_prldh.parent)
    assert [block.language for block in blocks_of(page)] == ["yaml", "console", "python", "text"]
    for wrong, instead in (("key: 1\n$", "key: 2\n$"), ("the …", "a …"), ("absent.yaml…\n", "absent.yaml…\nmore\n")):
        with pytest.raises(AssertionError):
            run_page(page.replace(wrong, instead, 1), tmp_path, warm_prldh.parent)
    with pytest.raises(AssertionError, match="is not run"):
        run_page("```ruby\nputs 1\n```\n", tmp_path, warm_prldh.parent)
    with pytest.raises(AssertionError):
        compare("a\nb", "a\nc", "x")
