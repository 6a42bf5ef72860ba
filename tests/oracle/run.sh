#!/bin/sh
# Runs an oracle script with the Python that has the peers. Exit code 77, a skip, when the variable
# that names it is not set: DOGBREED_ORACLE_PYTHON (torch, torchvision, Pillow), or the one that
# DOGBREED_ORACLE_VARIABLE names.
variable=${DOGBREED_ORACLE_VARIABLE:-DOGBREED_ORACLE_PYTHON}
eval "python=\${$variable:-}"
if [ -z "$python" ]; then
    echo "skipped: $variable is not set (a Python with the peers, see scripts/test.sh)"
    exit 77
fi
if [ ! -x "$python" ]; then
    echo "skipped: $python is not there"
    exit 77
fi
exec "$python" "$@"
