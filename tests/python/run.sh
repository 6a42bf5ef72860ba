#!/bin/sh
# Runs a Python test with the oracle's Python when there is one, else with the system's.
exec "${DOGBREED_ORACLE_PYTHON:-python3}" "$@"
