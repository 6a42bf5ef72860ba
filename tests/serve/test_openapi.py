"""openapi.json of a running server. It is valid (openapi-spec-validator), names the addresses of the table of
routes and no others, and what it says holds (schemathesis): its examples are answered with 200, drawn requests, good and bad,
with the statuses, types and shapes of the document."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

import openapi_spec_validator

from endpoint import serving, train

HERE = pathlib.Path(__file__).resolve().parent


def check_document(document):
    openapi_spec_validator.validate(document)
    assert document["openapi"] == "3.0.3"
    described = {(method.upper(), plain(path)) for path, methods in document["paths"].items() for method in methods}
    rows = (HERE.parent.parent / "lib" / "serve" / "routes.c").read_text(encoding="utf-8")
    routes = {(method, plain(path)) for method, path in re.findall(r'\{"([A-Z]+)", "([^"]+)"', rows)}
    assert len(routes) > 15 and described == routes, described ^ routes
    print(len(routes), "addresses and methods")
    check_headers(document)
    waits = {(method, plain(path)) for method, path, flags in re.findall(r'\{"([A-Z]+)", "([^"]+)", \w+, \w+,\s*([^}]+)\}', rows)
             if re.search(r"\b(MODEL|ASYNC)\b", flags) and "OPEN" not in flags}
    assert len(waits) > 10  # for the model, which may be on its way
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert (method.upper(), plain(path)) not in waits or "503" in operation["responses"], (method, path)


def followed(document, value):
    """What a $ref stands for."""
    for part in value.get("$ref", "")[2:].split("/") if "$ref" in value else ():
        document = document[part]
    return document if "$ref" in value else value


def check_headers(document):
    """Every request may have an id and a trace, every reply has them."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = {followed(document, p)["name"].lower() for p in operation["parameters"]}
            assert {"x-request-id", "traceparent"} <= names, (path, method, names)
            for status, reply in operation["responses"].items():
                headers = {name.lower() for name in followed(document, reply).get("headers", {})}
                assert {"x-request-id", "traceparent"} <= headers, (path, method, status, headers)


def plain(path):
    """Names of parts do not matter."""
    return re.sub(r"\{\w+\}", "{}", path)


def check_holds(address, folder):
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run", address + "/openapi.json",
               "--seed", "1", "--no-color", "--generation-database", "none", "--report-junit-path", str(folder / "junit.xml")]
    done = subprocess.run(command, env=dict(os.environ, SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HERE)), cwd=folder, check=False)
    assert done.returncode == 0, done.returncode


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model, _ = train(folder)
        with serving(model, "--model-name", "dogs", "--multi-model", str(model), "--async-max", "1000") as address:
            document = json.loads(urllib.request.urlopen(address + "/openapi.json").read())
            check_document(document)
            check_holds(address, folder)
    return 0


sys.exit(main())
