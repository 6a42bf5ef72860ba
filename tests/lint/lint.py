#!/usr/bin/env python3
"""Reads the source tree and fails on what a review would send back: an #include that lib/DEPENDS does not allow, a
banned function, a file that is too long, a public name that is missing somewhere. Standard library only."""
import ast
import os
import re
import subprocess
import sys

ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")
PROBLEMS = []

LINES_MAX = 600
COLUMNS_MAX = 100
# function: why. Checked in lib/ and examples/ (the second column says where it is allowed).
BANNED = {
    r"(v?sprintf|strcpy|strcat|gets|strtok|alloca|atoi|atol|atof|system|popen|tmpnam|mktemp|rand|srand|setjmp_)": (),
    r"(printf|puts|putchar|fprintf|fputs|perror|exit|abort|quick_exit)": ("examples/",),
    r"(_exit)": ("examples/", "lib/program/process.c"),
    r"(malloc|calloc|realloc|posix_memalign|aligned_alloc)": ("lib/core/arena.c", "examples/", "lib/engine/torch/"),
    r"(json_set_alloc_funcs|omp_set_num_threads)": (),
}
# Text that says something about the place where it was written, not about the project.
FOREIGN = re.compile("/wor" + r"k/|/far" + r"m/|bash_job" + "s|[.]librar" + "y|hel" + r"per-\d|iss" + r"ue #?\d")


def problem(path, line, text):
    PROBLEMS.append(f"{os.path.relpath(path, ROOT)}:{line}: {text}")


def tracked():
    try:
        out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True,
                             check=True, text=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        out = [os.path.relpath(os.path.join(d, f), ROOT) for d, s, fs in os.walk(ROOT) for f in fs
               if "/build" not in d and "/.git" not in d]
    return sorted(p for p in out if p and os.path.isfile(os.path.join(ROOT, p)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def without_comments(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    return re.sub(r'"(\\.|[^"\\\n])*"|//[^\n]*', lambda m: blank(m) if m.group(0)[0] == "/" else '""' , text)


def declared(text):
    """Full names in a Python module's tables: functions("dogbreed_dataset_", open="PTP", ...)."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Name) and node.func.id == "functions" and node.args]
    return {node.args[0].value + word.arg for node in calls for word in node.keywords if word.arg}


def depends():
    table = {}
    for line in read("lib/DEPENDS").split("\n"):
        if line.strip() and not line.startswith("#"):
            folder, rest = line.split(":")
            table[folder.strip()] = set(rest.split())
    return table


def check_includes(path, text, table):
    folder = path.split("/")[1]
    if folder not in table:
        problem(path, 1, f"folder {folder} has no line in lib/DEPENDS")
        return
    torch = path.startswith("lib/engine/torch/")
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        kind, name = match.groups()
        if kind == '"' and "/" in name and not torch:
            other = name.split("/")[0]
            if other != folder and other not in table[folder]:
                problem(path, number, f"{folder} may not include {other} (lib/DEPENDS)")
        if re.match(r"(ATen|c10|torch|cuda)", name) and not torch:
            problem(path, number, "only lib/engine/torch sees libtorch")
        if kind == "<" and name.startswith("dogbreed/"):
            word = name[9:-2]
            allowed = {folder, "common", "options", "event"} | table[folder]
            if word not in allowed:
                problem(path, number, f"{folder} may not include <{name}>")


def check_banned(path, text):
    code = without_comments(text)
    for pattern, allowed in BANNED.items():
        if any(path.startswith(a) for a in allowed):
            continue
        for match in re.finditer(r"(?<![\w.>])" + pattern + r"\s*\(", code):
            problem(path, code.count("\n", 0, match.start()) + 1, f"{match.group(1)} is banned here")


def check_text(path, text):
    lines = text.split("\n")
    if path.endswith((".c", ".h", ".cpp", ".py")) and not path.startswith("tests/"):
        if len(lines) - 1 > LINES_MAX:
            problem(path, LINES_MAX, f"{len(lines) - 1} lines, {LINES_MAX} are allowed")
    if path.endswith((".c", ".h", ".cpp")):
        first = lines[0] if not lines[0].startswith("#define _GNU_SOURCE") else lines[1]
        if not first.startswith(("//", "/*")):
            problem(path, 1, "the first line says what the file is for")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX:
                problem(path, number, f"{len(line)} columns, {COLUMNS_MAX} are allowed")
            if "\t" in line:
                problem(path, number, "tab")
            if "_GNU_SOURCE" in line and number != 1:
                problem(path, number, "_GNU_SOURCE only in the first line of a file")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            problem(path, number, "trailing blank")
        if FOREIGN.search(line):
            problem(path, number, "speaks of a place outside the project")
    if text and not text.endswith("\n"):
        problem(path, len(lines), "no newline at the end")


def public_names():
    names = {}
    folder = os.path.join(ROOT, "include/dogbreed")
    for header in sorted(os.listdir(folder)):
        text = without_comments(read(f"include/dogbreed/{header}"))
        for name in re.findall(r"DOGBREED_API\s+[^;]*?\b(dogbreed_\w+)\s*\(", text):
            names[name] = header[:-2]
    return names


def check_public(files):
    names = public_names()
    listed = {line.split()[0] for line in read("tests/abi/symbols.txt").split("\n") if line and line[0] != "#"}
    mapped = set(re.findall(r"\b(dogbreed_\w+);", read("lib/dogbreed.map")))
    for other, where in ((listed, "tests/abi/symbols.txt"), (mapped, "lib/dogbreed.map")):
        for name in sorted(set(names) ^ other):
            problem(where, 1, f"{name} is not in both the headers and this file")
    # A public function is defined in the folder of its header. common.h is core's, but for what needs all layers.
    for name, word in sorted(names.items()):
        folder = {"common": ("core", "options")}.get(word, (word,))
        pattern = re.compile(r"^[\w][\w \*]*\b" + name + r"\(", re.M)
        homes = [f for f in files if f.startswith("lib/") and f.endswith(".c") and pattern.search(read(f))]
        if len(homes) != 1 or homes[0].split("/")[1] not in folder:
            problem(f"include/dogbreed/{word}.h", 1, f"{name} is defined in {homes or 'no file'}, expected lib/{word}/")
    for word in sorted(set(names.values())):
        for path in (f"docs/{word}.md", f"bindings/python/dogbreed/{word}.py"):
            if word != "common" and not os.path.exists(os.path.join(ROOT, path)):
                problem(f"include/dogbreed/{word}.h", 1, f"{path} is missing")
    python = set().union(*(declared(read(f)) for f in files if re.match(r"bindings/python/dogbreed/\w+\.py$", f)))
    for name in sorted(set(names) - python):
        problem("bindings/python/dogbreed", 1, f"{name} has no prototype")


def main():
    files = tracked()
    table = depends()
    for path in files:
        if not path.endswith((".c", ".h", ".cpp", ".py", ".sh", ".md", ".build", ".txt", "run", "DEPENDS")):
            continue
        if "/golden/" in path or "/corpus/" in path or path.startswith("LICENSE"):
            continue
        text = read(path)
        check_text(path, text)
        if path.startswith("lib/") and path.endswith((".c", ".h", ".cpp")):
            check_includes(path, text, table)
        if path.startswith(("lib/", "examples/")) and path.endswith((".c", ".h", ".cpp")):
            check_banned(path, text)
        if path.startswith("examples/") and path.endswith((".c", ".h")):
            for match in re.finditer(r'#\s*include\s*"([^"]*/[^"]*)"', text):
                problem(path, 1, f"examples see public headers only, not {match.group(1)}")
    check_public(files)
    for line in PROBLEMS:
        print(line)
    print(f"{len(files)} files, {len(PROBLEMS)} problems")
    return 1 if PROBLEMS else 0


if __name__ == "__main__":
    sys.exit(main())
