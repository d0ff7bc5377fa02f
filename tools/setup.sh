#!/bin/sh
# Makes .venv with everything, plugins included, and installs missing system packages (R and its packages) with apt,
# as root or through sudo; without either it prints the line to run and goes on without R. A second run does nothing.
# "tools/setup.sh test" adds the R packages that tests compare with (rms, Hmisc, mice), and Chromium, in which the report is tested;
# "tools/setup.sh bench" those that the benchmark is run against (randomForest, e1071).
set -eu
cd "$(dirname "$0")/.."

R_PACKAGES="r-base-core r-cran-proc r-cran-glmnet r-cran-mass r-cran-testthat r-cran-jsonlite"
R_NEEDED='"pROC", "glmnet", "MASS", "testthat", "jsonlite"'
if [ "${1:-}" = test ]; then
  R_PACKAGES="$R_PACKAGES r-cran-rms r-cran-hmisc r-cran-mice"
  R_NEEDED="$R_NEEDED"', "rms", "Hmisc", "mice"'
fi

if [ "${1:-}" = bench ]; then
  R_PACKAGES="$R_PACKAGES r-cran-randomforest r-cran-e1071"
  R_NEEDED="$R_NEEDED"', "randomForest", "e1071"'
fi

say() { printf '%s\n' "setup: $*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo "$@"; else return 1; fi
}

apt_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

r_is_ready() {
  command -v Rscript >/dev/null 2>&1 &&
    Rscript -e "q(status = as.integer(!all(vapply(c($R_NEEDED), function(p) nzchar(system.file(package = p)), NA))))" >/dev/null 2>&1
}

browser_is_there() { command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; }

if [ "${1:-}" = test ] && ! browser_is_there; then
  say "installing Chromium, in which the report is tested"
  apt_install chromium fonts-dejavu-core || say "Chromium cannot be installed from here, and tests of the report in a browser are left out. To add it run: sudo apt-get install chromium"
fi

stamp_of() { cat pyproject.toml tools/setup.sh plugins/*/pyproject.toml 2>/dev/null | cksum; (command -v R >/dev/null 2>&1 && R --version | head -n 1) || echo "no R"; pwd; }

if [ -z "${PRLDH_WITHOUT_R:-}" ] && [ -f .venv/.ready ] && [ "$(stamp_of)" = "$(cat .venv/.ready)" ] && r_is_ready; then
  exit 0
fi

if [ -z "${PRLDH_WITHOUT_R:-}" ] && ! r_is_ready; then
  say "installing R and its packages"
  # shellcheck disable=SC2086
  if ! apt_install $R_PACKAGES; then
    say "R is missing and cannot be installed from here; going on with the Python engine alone. To add R run:"
    say "  sudo apt-get install $R_PACKAGES"
  fi
fi

if [ -f .venv/.ready ] && [ "$(stamp_of)" = "$(cat .venv/.ready)" ]; then exit 0; fi

PYTHON=${PYTHON:-python3}
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  say "Python 3.11 or newer is needed, found $("$PYTHON" --version 2>&1 || echo none). Install it, or say PYTHON=/path/to/python3.11 make ..."
  exit 1
}
if [ ! -x .venv/bin/python ]; then
  say "making .venv"
  "$PYTHON" -m venv .venv 2>/dev/null || { rm -rf .venv; apt_install python3-venv && "$PYTHON" -m venv .venv; } || {
    say "a virtual environment cannot be made; run: sudo apt-get install python3-venv"
    exit 1
  }
fi
# PyRadiomics comes as source alone: it needs a compiler and Python's headers.
can_compile() {
  (command -v cc || command -v gcc) >/dev/null 2>&1 &&
    .venv/bin/python -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'
}
add_radiomics() {
  .venv/bin/python -c 'import radiomics' >/dev/null 2>&1 && return 0
  can_compile || apt_install gcc libc6-dev python3-dev || true
  can_compile && $PIP install "$(sed -n 's/^ *"\(pyradiomics-bhklab[^"]*\)".*/\1/p' "$1/pyproject.toml")"
}

say "installing Python packages (a few minutes the first time)"
PIP=".venv/bin/python -m pip --disable-pip-version-check --quiet --timeout 30 --retries 10"
$PIP install -e '.[test,dev,images,dask]'
for plugin in plugins/*/; do
  [ -f "$plugin/pyproject.toml" ] || continue
  # torch goes first, at the version that is tested: a plugin's range must not choose another
  if grep -q '"torch>' "$plugin/pyproject.toml" && ! $PIP install torch==2.13.0; then
    say "torch cannot be installed here: going on without $plugin (deep features, segmentation). To add it run:"
    say "  .venv/bin/python -m pip install torch==2.13.0 && .venv/bin/python -m pip install -e $plugin"
    continue
  fi
  if grep -q '"pyradiomics-bhklab' "$plugin/pyproject.toml" && ! add_radiomics "$plugin"; then
    say "PyRadiomics cannot be built here: going on without $plugin (features from images). To add it run:"
    say "  sudo apt-get install gcc libc6-dev python3-dev && .venv/bin/python -m pip install -e $plugin"
    continue
  fi
  $PIP install -e "$plugin"
done
if command -v R >/dev/null 2>&1; then
  # which rpy2 works depends on R's version, which pip cannot know
  REQUIREMENT=$(.venv/bin/python -c 'import subprocess; from prldh.engines.r_home import rpy2_requirement; print(rpy2_requirement(subprocess.run(["Rscript", "-e", "cat(as.character(getRversion()))"], capture_output=True, text=True, check=True).stdout))')
  eval "RPY2_CFFI_MODE=ABI $PIP install ${REQUIREMENT#pip install }"
fi
stamp_of > .venv/.ready
