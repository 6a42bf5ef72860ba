#!/usr/bin/env python3
"""Studies of libdogbreed and of Optuna itself in one database. Usage: study.py TOOL sqlite|postgres"""
import contextlib
import datetime
import json
import math
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import warnings

import optuna
from optuna.trial import TrialState

import postgres

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
TOOL, KIND = os.path.abspath(sys.argv[1]), sys.argv[2]
EACH = 15  # trials of a worker


class Place:
    """Empty databases of one kind."""

    def __init__(self, folder, server):
        self.folder, self.server, self.count = folder, server, 0

    def new(self):
        self.count += 1
        if self.server:
            return self.server.database(f"d{self.count}")
        return f"sqlite:///{self.folder}/d{self.count}.db"

    def schema(self, url):
        if self.server:
            text = self.server.dump(url.rsplit("/", 1)[1])
            return [line for line in text.split("\n") if line and not line.startswith(("--", "\\"))]
        with contextlib.closing(sqlite3.connect(url[10:])) as db:
            rows = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        return [(kind, name, re.sub(r"\s*([(),])\s*", r"\1", re.sub(r"\s+", " ", sql or ""))) for kind, name, sql in rows]

    def sql(self, url, text):
        """Rows of a statement, by another client than both."""
        if self.server:
            import psycopg2
            with contextlib.closing(psycopg2.connect(url)) as db, db, db.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else []
        with contextlib.closing(sqlite3.connect(url[10:], timeout=30)) as db, db:
            return db.execute(text).fetchall()


def python_url(url):
    return url.replace("postgresql://", "postgresql+psycopg2://")


def storage(url, **words):
    engine = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    return optuna.storages.RDBStorage(python_url(url), engine_kwargs=engine, **words)


def tool(*words, good=True):
    result = subprocess.run([TOOL, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert (result.returncode == 0) == good, f"{words}: {result.stdout}{result.stderr}"
    return result.stdout.strip() if good else result.stderr.strip()


def objective(trial):
    rate = trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
    epochs = trial.suggest_int("epochs", 6, 10)
    trial.suggest_categorical("batch_size", [32, 64, "auto"])
    trial.set_user_attr("worker", "Python")
    for step in range(1, 4):
        trial.report(rate * step, step)
    return 1 - abs(math.log10(rate) + 2.5) / 10 - abs(epochs - 8) / 100


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def schema(place):
    """What we create is what Optuna creates, to the order of the columns; then both go on."""
    ours, theirs = place.new(), place.new()
    tool("create", ours, "dogs")
    optuna.create_study(storage=storage(theirs), study_name="dogs", direction="maximize")
    mine, other = place.schema(ours), place.schema(theirs)
    for a, b in zip(mine, other):
        assert a == b, f"\nours:   {a}\nOptuna: {b}"
    assert len(mine) == len(other) and len(mine) >= 15
    for table in ("alembic_version", "studies", "study_directions"):
        assert place.sql(ours, f"SELECT * FROM {table}") == place.sql(theirs, f"SELECT * FROM {table}"), table
    assert place.sql(ours, "SELECT schema_version FROM version_info") == [(12,)]


def read(place):
    """All states and values, as Optuna sees them."""
    url = place.new()
    tool("special", url, "dogs")
    study = optuna.load_study(study_name="dogs", storage=storage(url))
    trials = study.get_trials()
    names = [t.state.name for t in trials]
    assert names == ["COMPLETE", "COMPLETE", "COMPLETE", "FAIL", "PRUNED", "RUNNING", "WAITING"], names
    assert [t.number for t in trials] == list(range(7))
    assert [t.value for t in trials[:3]] == [0.7071067811865476, -math.inf, math.inf]
    assert trials[3].value is None and trials[4].value == 0.25
    for step, value in enumerate([0.1, math.nan, math.inf, -math.inf, 1 / 3], 1):
        assert same(trials[0].intermediate_values[step], value), step
    assert trials[0].user_attrs == {"host": "bär", "list": [1, 2.5, None, True]}
    assert list(trials[5].params) == ["learning_rate", "epochs"]
    assert isinstance(trials[0].params["epochs"], int) and trials[0].params["batch_size"] in (32, 64, "auto")
    assert trials[0].distributions["learning_rate"] == optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
    assert set(trials[6].system_attrs["fixed_params"]) == {"learning_rate", "epochs", "batch_size"}
    assert trials[6].datetime_start is None
    age = datetime.datetime.now() - trials[0].datetime_start
    assert abs(age.total_seconds()) < 300 and trials[0].datetime_complete >= trials[0].datetime_start
    for began, in place.sql(url, "SELECT CAST(datetime_start AS VARCHAR(40)) FROM trials WHERE number = 0"):
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", began), began
    assert study.best_trial.number == 2 and study.direction.name == "MAXIMIZE"
    assert study.user_attrs == {"dogbreed:search": {"seed": 1}} and study.metric_names == ["accuracy"]
    frame = study.trials_dataframe()
    assert len(frame) == 7 and {"params_learning_rate", "user_attrs_host", "duration"} <= set(frame.columns)
    ours = json.loads(tool("dump", url, "dogs"))
    for mine, other in zip(ours, trials):
        assert mine["number"] == other.number and mine["state"] == other.state.value
        assert json.loads(mine["attributes"]) == other.user_attrs
        for name, value in other.params.items():
            assert other.distributions[name].to_internal_repr(value) == mine["params"][name], name
        start = other.datetime_start
        if start is not None:
            assert abs(mine["start"] - start.replace(tzinfo=datetime.timezone.utc).timestamp()) < 1e-5
    study.optimize(objective, n_trials=1)  # takes what waits, with its parameters
    taken = study.trials[6]
    assert taken.state == TrialState.COMPLETE
    assert taken.params == taken.system_attrs["fixed_params"], taken.params


def go_on(place):
    """Python goes on with a study of ours, we with one of Python's."""
    url = place.new()
    tool("create", url, "ours")
    tool("work", url, "ours", 20)
    sampler = optuna.samplers.TPESampler(seed=1, n_startup_trials=5)
    study = optuna.load_study(study_name="ours", storage=storage(url), sampler=sampler)
    study.optimize(objective, n_trials=20)
    assert [t.number for t in study.trials] == list(range(40))
    assert all(t.state == TrialState.COMPLETE for t in study.trials)
    importances = optuna.importance.get_param_importances(study)
    assert set(importances) == {"learning_rate", "epochs", "batch_size"} and abs(sum(importances.values()) - 1) < 1e-6

    theirs = optuna.create_study(study_name="theirs", storage=storage(url), direction="minimize")
    theirs.optimize(objective, n_trials=5)
    theirs.enqueue_trial({"learning_rate": 0.01})
    theirs.set_user_attr("nan", math.nan)
    assert tool("take", url, "theirs") == "5"
    assert tool("work", url, "theirs", 5).split() == ["6", "7", "8", "9", "10"]
    theirs = optuna.load_study(study_name="theirs", storage=storage(url))
    assert [t.number for t in theirs.trials] == list(range(11)) and theirs.trials[5].value == 0.125
    ours = json.loads(tool("dump", url, "theirs"))
    for mine, other in zip(ours, theirs.trials):
        assert mine["value"] == other.value
        assert mine["curve"] == [other.intermediate_values[s] for s in sorted(other.intermediate_values)]
    other = optuna.create_study(study_name="other", storage=storage(url), direction="minimize")
    other.optimize(lambda trial: trial.suggest_float("learning_rate", 0, 1), n_trials=1)
    assert "MISMATCH" in tool("work", url, "other", 1, good=False)


def python_worker(url):
    code = (f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r}); "
            f"sys.argv = ['study.py', {TOOL!r}, {KIND!r}]; import study; "
            f"s = study.optuna.load_study(study_name='dogs', storage=study.storage({url!r})); "
            f"s.optimize(study.objective, n_trials={EACH}); print('done')")
    return [sys.executable, "-c", code]


def workers(place):
    """Three of ours and three of Python at once: numbers without gaps, no trial lost or run twice."""
    url = place.new()
    tool("create", url, "dogs")
    jobs = [[TOOL, "work", url, "dogs", str(EACH)]] * 3 + [python_worker(url)] * 3
    running = [subprocess.Popen(job, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for job in jobs]
    ours = []
    for process in running:
        out, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
        ours += [int(line) for line in out.split() if line.isdigit()]
    trials = optuna.load_study(study_name="dogs", storage=storage(url)).trials
    assert [t.number for t in trials] == list(range(6 * EACH)), [t.number for t in trials]
    assert all(t.state == TrialState.COMPLETE for t in trials)
    assert all(len(t.params) == 3 and len(t.intermediate_values) == 3 for t in trials)
    by_c = sorted(t.number for t in trials if t.user_attrs["worker"] == "C")
    assert by_c == sorted(ours) and len(by_c) == 3 * EACH
    # a queue that all of them empty: nothing twice
    queue = optuna.create_study(study_name="queue", storage=storage(url))
    for value in range(12):
        queue.enqueue_trial({"x": value / 12})
    taken = []
    threads = [threading.Thread(target=lambda: taken.append(tool("take", url, "queue"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, taken)) == list(range(12)), taken


def hang(url, name, beat):
    """A worker of ours with one trial that never ends."""
    process = subprocess.Popen([TOOL, "hang", url, name, str(beat)], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def killed(place):
    """kill -9: Python fails our trial, we fail Python's; what is alive is left alone."""
    url = place.new()
    tool("create", url, "dogs")
    dead, alive = hang(url, "dogs", 1), hang(url, "dogs", 1)
    try:
        dead.kill()
        dead.wait()
        time.sleep(3.5)
        callback = optuna.storages.RetryFailedTrialCallback(max_retry=1)
        word = "heartbeat_stale_trial_callback" if optuna.__version__ >= "4.9" else "failed_trial_callback"
        study = optuna.load_study(study_name="dogs",
                                  storage=storage(url, heartbeat_interval=1, **{word: callback}))
        optuna.storages.fail_stale_trials(study)
        assert [t.state.name for t in study.trials] == ["FAIL", "RUNNING", "WAITING"]
        by_python = study.trials[2]
    finally:
        alive.kill()
        alive.wait()
    time.sleep(3.5)
    assert tool("reap", url, "dogs", 1, 1) == "1"
    trials = study.get_trials()
    assert [t.state.name for t in trials] == ["FAIL", "FAIL", "WAITING", "WAITING"]
    assert trials[1].datetime_complete is not None
    ours = trials[3]
    assert by_python.system_attrs == {"failed_trial": 0, "retry_history": [0]}
    assert ours.system_attrs == {"failed_trial": 1, "retry_history": [1]}
    assert ours.params == trials[1].params and ours.distributions == trials[1].distributions

    other = optuna.create_study(study_name="cats", storage=storage(url, heartbeat_interval=1))
    child = os.fork()
    if child == 0:
        mine = optuna.load_study(study_name="cats", storage=storage(url, heartbeat_interval=1))
        mine.optimize(lambda trial: time.sleep(60), n_trials=1)
        os._exit(0)
    while not other.get_trials() or not place.sql(url, "SELECT * FROM trial_heartbeats WHERE trial_id = "
                                                       f"{other.get_trials()[0]._trial_id}"):
        time.sleep(0.2)
    time.sleep(2.5)
    assert tool("reap", url, "cats", 1, 0) == "0", "a trial that beats was failed"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    time.sleep(3.5)
    assert tool("reap", url, "cats", 1, 0) == "1"
    assert [t.state.name for t in other.get_trials()] == ["FAIL"]


def refuse(place):
    """An unknown revision is left alone."""
    url = place.new()
    tool("create", url, "dogs")
    place.sql(url, "UPDATE alembic_version SET version_num = 'v9.9.9'")
    text = tool("work", url, "dogs", 1, good=False)
    assert text.startswith("UNSUPPORTED") and "v9.9.9" in text, text
    assert place.sql(url, "SELECT COUNT(*) FROM trials") == [(0,)]
    assert place.sql(url, "SELECT version_num FROM alembic_version") == [("v9.9.9",)]


def dashboard(place):
    """optuna-dashboard serves a study of ours."""
    import optuna_dashboard
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    url = place.new()
    tool("special", url, "dogs")
    app = optuna_dashboard.wsgi(storage(url))
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{web.server_port}/api/studies"
        with urllib.request.urlopen(base, timeout=30) as answer:
            listed = json.load(answer)
        with urllib.request.urlopen(f"{base}/1", timeout=30) as answer:
            detail = json.load(answer)
        web.shutdown()
    names = [entry["study_name"] for entry in listed.get("study_summaries", listed.get("studies", []))]
    assert names == ["dogs"], listed
    assert len(detail["trials"]) == 7 and detail["note"]["body"] == "a *note*", detail["note"]


def server_gone(place):
    """The server stops under a worker and comes back: an error that says so, then all goes on."""
    if not place.server:
        return
    url = place.new()
    tool("create", url, "dogs")
    worker = subprocess.Popen([TOOL, "work", url, "dogs", "400"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
    told = [int(worker.stdout.readline()) for _ in range(20)]
    place.server.stop("immediate")
    time.sleep(0.3)
    place.server.start()
    told += map(int, worker.stdout.read().split())
    errors = worker.stderr.read()
    if worker.wait(timeout=60):
        assert errors.startswith("NETWORK: postgresql://"), errors
    assert "NETWORK" in tool("work", url.replace(str(place.server.port), "1"), "dogs", 1, good=False)
    trials = optuna.load_study(study_name="dogs", storage=storage(url)).trials
    assert [t.number for t in trials] == list(range(len(trials)))
    complete = {t.number for t in trials if t.state == TrialState.COMPLETE}
    assert set(told) <= complete and len(told) == len(set(told)), "a told trial was lost"
    assert len(trials) - len(complete) <= 1 and len(complete) - len(told) <= 1


class Line:
    """Stands between a program and the server. The server gets COMMIT number `last`, its answer gets lost: the
    connection breaks, and for a while there is no new one."""

    def __init__(self, server_port, last):
        self.server_port, self.left = server_port, last
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def start(self):
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
                lost = threading.Event()
                threading.Thread(target=self.carry, args=(client, server, lost), daemon=True).start()
                threading.Thread(target=self.answer, args=(server, client, lost), daemon=True).start()

    def carry(self, client, server, lost):
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                self.left -= b"COMMIT\0" in data
                if self.left == 0 and b"COMMIT\0" in data:
                    lost.set()
                server.sendall(data)
        server.close()

    def answer(self, server, client, lost):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if lost.is_set():
                    self.listener.shutdown(socket.SHUT_RDWR)
                    self.listener.close()
                    client.shutdown(socket.SHUT_RDWR)
                    time.sleep(0.1)
                    self.listener = socket.create_server(("127.0.0.1", self.port))
                    self.start()
                    break
                client.sendall(data)
        client.close()


def answer_lost(place):
    """Whether a commit was done is not known when its answer is lost: it is not done twice, and the error says so."""
    if not place.server:
        return
    for last in range(3, 12):
        url = place.new()
        tool("create", url, "dogs")
        line = Line(place.server.port, last)
        done = subprocess.run([TOOL, "work", url.replace(str(place.server.port), str(line.port)), "dogs", "5"],
                              capture_output=True, text=True, timeout=60)
        line.listener.close()
        assert line.left <= 0, line.left
        assert done.returncode == 1 and "the last change may be there" in done.stderr, (last, line.left, done)
        trials = optuna.load_study(study_name="dogs", storage=storage(url)).trials
        told = set(map(int, done.stdout.split()))
        assert [t.number for t in trials] == list(range(len(trials)))
        assert told <= {t.number for t in trials if t.state == TrialState.COMPLETE} and len(trials) - len(told) <= 1


def main():
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dogbreed-study-"))
        place = Place(folder, stack.enter_context(postgres.server()) if KIND == "postgres" else None)
        print(f"Optuna {optuna.__version__}, {KIND}")
        for part in (schema, read, go_on, workers, killed, refuse, dashboard, server_gone, answer_lost):
            began = time.monotonic()
            part(place)
            print(f"{part.__name__}: ok ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
