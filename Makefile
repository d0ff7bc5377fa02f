# Two commands on a fresh machine: `make demo` and `make test`. Both do their own set-up.
.PHONY: demo test kernels test-ci test-slow test-gpu test-plugins gpu-check bench hostile sbom docs release setup setup-test lint check clean

PY := .venv/bin/python
SETUP := @sh tools/setup.sh
PYTEST_SPREAD := $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

setup:
	$(SETUP)

setup-test:
	$(SETUP) test

demo: setup
	@.venv/bin/prldh demo --out demo --force

test: setup-test
	@$(MAKE) --no-print-directory -j2 check kernels
	@$(PYTEST_SPREAD) -m "not ci and not slow and not gpu" --durations=60

# compiled once, while mypy runs; both workers of the tests, and the commands that they start, find it: modules, too, or
# where PYTHONDONTWRITEBYTECODE is set, as in many containers, every start would compile 500 of them
kernels:
	@$(PY) -m compileall -q prldh plugins tests
	@$(PY) tests/compile_kernels.py

# what looks deeper: CI runs it after `make test`
test-ci: setup-test
	@$(PYTEST_SPREAD) -m "ci and not slow and not gpu" --durations=20

test-slow: setup-test
	@$(PY) -m pytest -m "slow"

test-gpu: setup
	@$(PY) -m pytest -m "gpu"

# everything of a GPU in at most eight minutes, as gpu_check.json
gpu-check: setup
	@tools/gpu_check.sh

# the example plugins, each with its library in an environment of its own
test-plugins: setup
	@test -x build/nox/bin/nox || { $(PY) -m venv build/nox && build/nox/bin/pip install --quiet --disable-pip-version-check 'nox>=2024.10'; }
	@build/nox/bin/nox --envdir build/nox/sessions -s plugins

bench:
	$(SETUP) bench
	@$(PY) benchmarks/pipeline.py
	@$(PY) benchmarks/pipeline.py --scheme
	@$(PY) benchmarks/pipeline.py --scheme --racing
	@$(PY) benchmarks/racing.py
	@$(PY) benchmarks/pipeline.py --growth
	@$(PY) benchmarks/learners.py
	@$(PY) benchmarks/tables.py
	@$(PY) benchmarks/extraction.py

# every hostile input, and docs/reliability.md with the counts
hostile: setup-test
	@$(PY) tests/hostile/campaign.py --write docs/reliability.md

# what .venv holds, with licences, as a CycloneDX document; the tool has an environment of its own
sbom: setup
	@test -x build/sbom/bin/cyclonedx-py || { $(PY) -m venv build/sbom && build/sbom/bin/pip install --quiet --disable-pip-version-check 'cyclonedx-bom==7.*'; }
	@build/sbom/bin/cyclonedx-py environment --output-reproducible --sv 1.6 --of JSON -o sbom.cdx.json $(PY)
	@echo "sbom.cdx.json"

# the documentation with the executed notebooks, built into site/; its tools have an environment of their own
docs: build/docs/made
	@$(PY) tools/build_notebooks.py build/notebooks
	@NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict
	@echo "site/index.html"

build/docs/made: docs/requirements.txt | setup
	@$(PY) -m venv build/docs && build/docs/bin/pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch build/docs/made

# all of a release but the upload, in dist/; "make release REHEARSE=1" tells what would stop one and goes on
release: setup-test
	@$(PY) tools/release.py $(if $(REHEARSE),--rehearse)

lint: setup check

# the same as .pre-commit-config.yaml
check:
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports

clean:
	rm -rf .venv build dist demo site *.egg-info
