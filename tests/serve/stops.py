"""Servers that are ended in the middle of traffic on a busy machine: stops.py [STOPS] [BURNERS], 60 and 6 by default. No request may be lost whose bytes
the server's system had before the server ended the connection. On one machine a byte that was sent is there at once, so a client knows: it looks for the end of
its connection just before and just after it sends. In every other stop the server stands still (SIGSTOP) for a while before it gets SIGTERM, so that connections
and requests wait in the system. Standard library only."""
import collections
import contextlib
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import endpoint
import server

OPTIONS = ("--batch-delay-ms", 5, "--http-threads", 2)
KINDS = ("busy", "pauses", "fresh", "parts", "half")  # clients
EACH = 5


class Ended(Exception):
    """The server has ended the connection before anything was lost."""


def ended(wire):
    """Whether the end of the connection can be seen, without waiting."""
    wire.setblocking(False)
    try:
        return wire.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        wire.settimeout(30)


class Clients:
    def __init__(self, port, picture, seed):
        self.port = port
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        self.request = head.encode() + picture
        self.head = len(head)
        self.seed = seed
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.lost = []
        self.threads = [threading.Thread(target=self.run, args=(kind, i)) for i in range(EACH) for kind in KINDS]
        for thread in self.threads:
            thread.start()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def send(self, wire, data):
        """Raises Ended unless the server's system has the bytes, on a connection that it has not ended."""
        if ended(wire.socket):
            raise Ended
        try:
            wire.send(data)
        except OSError as error:
            raise Ended from error
        if ended(wire.socket):
            raise Ended

    def ask(self, wire, kind, rng):
        """The reply, None when the request is lost."""
        if kind == "parts":  # the second part may see the end only if the first was not there
            self.send(wire, self.request[:self.head])
            time.sleep(rng.choice([0, 0.005, 0.05]))
            with contextlib.suppress(OSError):
                wire.send(self.request[self.head:])
        elif kind == "half":  # a first line that takes a while
            self.send(wire, self.request[:9])
            time.sleep(rng.choice([0.01, 0.3, 0.5]))
            with contextlib.suppress(OSError):
                wire.send(self.request[9:])
        else:
            self.send(wire, self.request)
        return wire.reply()

    def talk(self, kind, rng):
        with server.Wire(self.port, 30) as wire:
            self.count("connections")
            closes = kind == "fresh"
            while True:
                try:
                    reply = self.ask(wire, kind, rng)
                except OSError as error:
                    reply = None
                    self.count(repr(error))
                if reply is None:
                    with self.lock:
                        self.lost.append(kind)
                    return
                self.count(reply.status)
                if reply.closes or closes:
                    return
                if kind in ("pauses", "half"):
                    time.sleep(rng.choice([0.01, 0.2, 0.245, 0.25, 0.255, 0.3]))

    def run(self, kind, number):
        rng = random.Random(f"{self.seed} {kind} {number}")
        while True:
            try:
                self.talk(kind, rng)
            except Ended:
                self.count("ended")
            except ConnectionError:
                return  # not accepted


@contextlib.contextmanager
def burners(count):
    """Programs that only use the machine."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def one_stop(model, picture, number):
    rng = random.Random(number)
    running = server.Server(model, *OPTIONS, DOGBREED_ENGINE="native")
    clients = Clients(running.port, picture, number)
    time.sleep(rng.uniform(0.4, 1.2))
    if number % 2:
        running.process.send_signal(signal.SIGSTOP)
        time.sleep(rng.uniform(0.05, 0.6))
    running.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    running.process.send_signal(signal.SIGCONT)
    code, err = running.stop(0)
    took = time.monotonic() - began
    for thread in clients.threads:
        thread.join()
    assert code == 0, (code, err)
    return clients, took


def main():
    stops = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    lost, counts, times = collections.Counter(), collections.Counter(), []
    with tempfile.TemporaryDirectory() as name:
        model, photos = endpoint.train(pathlib.Path(name))
        picture = photos[0].read_bytes()
        with burners(count):
            for number in range(stops):
                clients, took = one_stop(model, picture, number)
                times.append(took)
                counts.update(clients.counts)
                if clients.lost:
                    print(f"stop {number}: lost {dict(collections.Counter(clients.lost))}", flush=True)
                lost.update(clients.lost)
    times.sort()
    print(f"{stops} stops beside {count} programs, {times[len(times) // 2]:.2f} s each, {times[-1]:.2f} s at most: {dict(counts)}")
    assert counts[200] > 10 * stops, "hardly a request arrived"
    assert set(counts) - {"connections", "ended", 200} == set(), "not all of them good"
    assert not lost, f"lost: {dict(lost)}"
    return 0


sys.exit(main())
