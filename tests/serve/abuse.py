"""Traffic that a server has to bear: broken, cut, slow and huge requests, random bytes, programs that were written to
stop servers. One process, so that it takes no time from whoever measures: abuse.py PORT SECONDS SEED PICTURE. Prints how many
requests of each kind were sent and the statuses that came back as JSON. Standard library only."""
import collections
import json
import os
import random
import socket
import struct
import sys
import threading
import time

from test_proxy import REQUESTS  # requests with two meanings

SOURCE = ("127.0.0.3", 0)  # not the address of those who behave
HEAD = "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {type}\r\n"


def post(body, path="/invocations", kind="image/jpeg", length=None):
    head = HEAD.format(path=path, type=kind) + f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


# --- what is sent

def two_meanings(rng, picture):
    return rng.choice(list(REQUESTS.values())).encode("latin-1")


def damaged(rng, data):
    """Some bytes changed, taken out or put in."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data))
        what = rng.randrange(3)
        if what == 0:
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at:at + rng.randint(1, 20)]
        else:
            data[at:at] = rng.randbytes(rng.randint(1, 20))
        data = data or bytearray(b"\n")
    return bytes(data)


def damaged_picture(rng, picture):
    return post(damaged(rng, picture))


def damaged_request(rng, picture):
    request = post(picture, rng.choice(["/invocations?top_k=2", "/v1/predict", "/v2/models/dogs/infer"]))
    head, body = request[:rng.choice([60, 120, 400])], request[:0] if rng.random() < 0.5 else request
    return damaged(rng, body or head)


def random_bytes(rng, picture):
    return rng.randbytes(rng.choice([1, 10, 100, 1000, 40000]))


def large_sides(rng, picture):
    """A header that promises 65,500 x 65,500 pixels."""
    at = max(picture.find(b"\xff\xc0"), picture.find(b"\xff\xc2"))
    return post(picture[:at + 5] + struct.pack(">HH", 65500, 65500) + picture[at + 9:])


def large_length(rng, picture):
    return post(picture, length=rng.choice([6291457, 20971521, 2**40, 2**63]))


def large_body(rng, picture):
    return post(bytes(6291457))


def large_chunks(rng, picture):
    return (HEAD.format(path="/invocations", type="image/jpeg") + "Transfer-Encoding: chunked\r\n\r\n").encode() + (
        b"100000\r\n" + bytes(1 << 20) + b"\r\n") * 8 + b"0\r\n\r\n"


def large_head(rng, picture):
    return b"GET /ping HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 200) for i in range(400)) + b"\r\n"


def large_address(rng, picture):
    return b"GET /ping?" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"


def many_parts(rng, picture):
    body = b"".join(b'--b\r\nContent-Disposition: form-data; name="i"\r\n\r\n' + picture[:200] + b"\r\n" for _ in range(200)) + b"--b--\r\n"
    return post(body, kind="multipart/form-data; boundary=b")


def deep_json(rng, picture):
    return post(b"[" * 100000, kind="application/json")


def wide_json(rng, picture):
    return post(b'{"instances":[' + b"{}," * 100000 + b"{}]}", kind="application/json")


def binary_lies(rng, picture):
    """The extension of v2 for bytes with sizes that are not so."""
    text = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [rng.choice([1, -1, 2**40])],
                                   "parameters": {"binary_data_size": rng.choice([0, 2**31, 2**63 - 1, len(picture)])}}]}).encode()
    head = f"POST /v2/models/dogs/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: {rng.choice([0, len(text), 10**9])}\r\n"
    return f"{head}Content-Length: {len(text) + len(picture)}\r\n\r\n".encode() + text + picture


KINDS = [two_meanings, damaged_picture, damaged_request, random_bytes, large_sides, large_length, large_body, large_chunks, large_head,
         large_address, many_parts, deep_json, wide_json, binary_lies]


# --- how it is sent

def connect(port):
    return socket.create_connection(("127.0.0.1", port), 5, SOURCE)


def reset(wire):
    """Ends it at once, without the polite exchange."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def whole(wire, rng, data):
    wire.sendall(data)
    if rng.random() < 0.2:
        wire.shutdown(socket.SHUT_WR)
    return wire.recv(64)


def cut(wire, rng, data):
    wire.sendall(data[:rng.randrange(len(data))])
    if rng.random() < 0.5:
        reset(wire)
    return b""


def unread(wire, rng, data):
    """Several at once, and nobody takes the replies."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    wire.sendall(data[:10000] + b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
    time.sleep(0.2)
    return b""


def slow(wire, rng, data):
    for at in range(min(len(data), 30)):
        wire.sendall(data[at:at + 1])
        time.sleep(0.1)
    return b""


SENDERS = [[whole], [whole], [whole], [cut], [cut, unread], [slow]]


class Sender(threading.Thread):
    def __init__(self, hows, port, end, seed, picture):
        super().__init__()
        self.hows, self.port, self.end, self.picture = hows, port, end, picture
        self.rng = random.Random(seed)
        self.sent = collections.Counter()
        self.statuses = collections.Counter()

    def send(self):
        kind, how = self.rng.choice(KINDS), self.rng.choice(self.hows)
        data = kind(self.rng, self.picture)
        self.sent[f"{kind.__name__} {how.__name__}"] += 1
        try:
            with connect(self.port) as wire:
                reply = how(wire, self.rng, data)
            self.statuses[reply[9:12].decode("latin-1") if reply.startswith(b"HTTP/1.1 ") else "not read"] += 1
        except OSError:
            self.statuses["closed"] += 1

    def run(self):
        while time.monotonic() < self.end:
            self.send()
            time.sleep(0.05)  # it is the server that is tested, not the machine


def give_up(failure):
    """A sender that cannot go on ends all of them: there is no report then."""
    sys.__excepthook__(failure.exc_type, failure.exc_value, failure.exc_traceback)
    os._exit(1)


def main():
    threading.excepthook = give_up
    port, seconds, seed, path = sys.argv[1:]
    os.nice(5)
    with open(path, "rb") as file:
        picture = file.read()
    end = time.monotonic() + float(seconds)
    senders = [Sender(hows, int(port), end, f"{seed} {i}", picture) for i, hows in enumerate(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    print(json.dumps({"sent": sum((s.sent for s in senders), collections.Counter()),
                      "statuses": sum((s.statuses for s in senders), collections.Counter())}))


if __name__ == "__main__":
    main()
