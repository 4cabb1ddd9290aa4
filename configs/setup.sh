#!/bin/sh
# Makes the virtual environment from requirements.lock. Run by make; needs Python 3.11 or newer and nothing else.
set -eu
python=$1
venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "ringleader needs Python 3.11 or newer; $python is $("$python" -V 2>&1). Name another: make PYTHON=python3.12 ..." >&2
  exit 1
}
if [ ! -x "$venv/bin/python" ]; then
  echo "setup: making $venv with $("$python" -V)"
  "$python" -m venv "$venv" || {
    echo "setup: $python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2
    exit 1
  }
fi
echo "setup: installing what requirements.lock names (the first time: a few minutes, about 6 GB)"
# uv itself comes from the lock too: its lines, with their hashes, are installed first.
sed -n '/^uv==/,/[^\\]$/p' requirements.lock >"$venv/uv.lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$venv/uv.lock"
# Bytecode is compiled here, once: the commands start several times faster, also where Python may not write it later.
"$venv/bin/uv" pip sync --compile-bytecode --python "$venv/bin/python" --require-hashes requirements.lock || {
  echo "setup: the fast installer failed; trying pip"
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
}
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --offline -e .
echo "setup: done"
