"""Runs the engine_dump program, whose path is the script's first argument."""
import os
import subprocess
import sys
import tempfile

FOLDER = tempfile.TemporaryDirectory()


class Refused(Exception):
    """The program's own message."""


def path(name):
    return os.path.join(FOLDER.name, name)


def dump(*arguments):
    """What it prints, as numbers. Ends the script as skipped when the engine is not there."""
    done = subprocess.run([sys.argv[1], *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        print(done.stdout.strip())
        sys.exit(77)
    if done.returncode == 1:
        raise Refused(done.stderr.strip())
    if done.returncode != 0:
        sys.exit(f"{arguments}: exit {done.returncode}: {done.stderr}")
    return [float(line) for line in done.stdout.split()]
