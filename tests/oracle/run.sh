#!/bin/sh
# Runs an oracle script with the Python that has the peers (torch, torchvision, Pillow). Exit code
# 77, a skip, when DOGBREED_ORACLE_PYTHON does not name one.
if [ -z "$DOGBREED_ORACLE_PYTHON" ]; then
    echo "skipped: DOGBREED_ORACLE_PYTHON is not set (a Python with Pillow and torchvision)"
    exit 77
fi
if [ ! -x "$DOGBREED_ORACLE_PYTHON" ]; then
    echo "skipped: $DOGBREED_ORACLE_PYTHON is not there"
    exit 77
fi
exec "$DOGBREED_ORACLE_PYTHON" "$@"
