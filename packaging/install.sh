#!/bin/sh
# What an image holds, for the Dockerfile and for prldh.def: R with the packages of both engines, prldh and the plugin of PyRadiomics.
#   install.sh SOURCE PREFIX       the project, where its environment goes
# DEEP=1 adds UCTransNet and torch, for deep features: some gigabytes.
set -eu
source=$1
prefix=$2

if ! command -v Rscript >/dev/null 2>&1 || ! command -v gcc >/dev/null 2>&1; then
  apt-get update
  apt-get install -y --no-install-recommends r-base-core r-cran-proc r-cran-glmnet r-cran-mass python3 python3-venv python3-dev gcc libc6-dev
  rm -rf /var/lib/apt/lists/*
fi

"${PYTHON:-python3}" -m venv "$prefix"
pip="$prefix/bin/python -m pip --disable-pip-version-check --no-cache-dir --quiet"
$pip install "${source}[images,dask]" "$source/plugins/prldh-pyradiomics"
if [ -n "${DEEP:-}" ]; then $pip install "$source/plugins/prldh-uctransnet"; fi

# which rpy2 works depends on R's version, which pip cannot know: `prldh doctor` prints the line
requirement=$("$prefix/bin/python" -c 'import subprocess; from prldh.engines.r_home import rpy2_requirement; print(rpy2_requirement(subprocess.run(["Rscript", "-e", "cat(as.character(getRversion()))"], capture_output=True, text=True, check=True).stdout))')
eval "RPY2_CFFI_MODE=ABI $pip install ${requirement#pip install }"
"$prefix/bin/prldh" --version
