#!/bin/sh
# What a GPU does with this checkout, in at most eight minutes, as one JSON file: the GPU tests, the embedding benchmark, the way
# from files to features, one epoch of several processes, and the recipe on real slices. Without a GPU it says so, and does
# small versions on the CPU.
#
#     tools/gpu_check.sh [OUT.json] [--data FOLDER]        # FOLDER/images/*.png and FOLDER/masks/*.npy
#
# PYTHON names the interpreter: default .venv/bin/python where it is there, or python3. It needs torch and this project's packages.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${PYTHON:-}" ]; then
  if [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; else PYTHON=python3; fi
fi
PYTHONPATH="$PWD:$PWD/plugins/prldh-uctransnet:$PWD/plugins/prldh-pyradiomics${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONPATH
exec "$PYTHON" tools/gpu_check.py "$@"
