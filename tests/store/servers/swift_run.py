"""OpenStack Swift with its S3 interface, all of it below one folder: swift_run.py FOLDER. Runs with the Python that has
Debian's packages of Swift. Writes the port to standard output when requests are answered, and ends with standard input,
removing the folder: whoever has started it cannot leave it behind."""
import ctypes
import importlib
import os
import pwd
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request

MEMCACHED = "/usr/bin/memcached"
SERVERS = ("object", "container", "account", "proxy")
FILTERS = "catch_errors cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes"
SWIFT = """[swift-hash]
swift_hash_path_prefix = dogbreed
swift_hash_path_suffix = test
[storage-policy:0]
name = default
default = yes
"""
COMMON = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
log_level = WARNING
"""
STORAGE = """devices = {folder}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
recon_cache_path = {folder}
"""
PROXY = """[pipeline:main]
pipeline = {filters} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
swift_dir = {folder}
"""
OPTIONS = {
    "cache": "memcache_servers = 127.0.0.1:{cache}",
    "s3api": "location = us-east-1\nstorage_domain = s3.localhost",  # buckets in the host's name too
    "tempauth": "user_test_tester = testing .admin\nuser_test_other = testing2 .admin",
    "versioned_writes": "allow_versioned_writes = true",
}

EGGS = {"cache": "memcache"}


def free_ports(count):
    socks = [socket.socket() for _ in range(count)]
    try:
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]
    finally:
        for sock in socks:
            sock.close()


def user():
    return pwd.getpwuid(os.getuid()).pw_name


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def configure(folder, ports):
    from swift.common.ring import RingBuilder
    values = {"folder": folder, "user": user(), "cache": ports["cache"]}
    os.makedirs(os.path.join(folder, "devices", "d1"))
    for name in SERVERS:
        values.update(name=name, port=ports[name], filters=FILTERS)
        if name == "proxy":
            filters = "".join(f"[filter:{word}]\nuse = egg:swift#{EGGS.get(word, word)}\n{OPTIONS.get(word, '')}\n"
                              for word in FILTERS.split())
            write(folder, "proxy.conf", (COMMON + PROXY + filters).format(**values))
            continue
        write(folder, f"{name}.conf", (COMMON + STORAGE).format(**values))
        ring = RingBuilder(4, 1, 1)
        ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": ports[name], "device": "d1", "weight": 1,
                      "replication_ip": "127.0.0.1", "replication_port": ports[name], "meta": ""})
        ring.rebalance()
        ring.get_ring().save(os.path.join(folder, f"{name}.ring.gz"))


def start(folder, name, run):
    """Runs it in a process that does not outlive this one."""
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        log = os.open(os.path.join(folder, f"{name}.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            run()
        finally:
            os._exit(1)
    return pid


def wait(port, pids, deadline):
    """Until the proxy answers; a server that has ended is a failure."""
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > deadline or any(os.waitpid(pid, os.WNOHANG)[0] for pid in pids):
                sys.exit("Swift did not start")
        time.sleep(0.05)


def missing(what):
    print(f"missing: {what}")
    sys.exit(77)


def main(folder):
    write(folder, "swift.conf", SWIFT)
    try:
        from swift.common.utils import set_swift_dir
        set_swift_dir(folder)  # before anything reads it
        for name in ("account", "container", "proxy"):  # once, before the forks
            importlib.import_module(f"swift.{name}.server")
        from swift.common.wsgi import run_wsgi
    except ImportError as error:
        missing(error)
    if not os.path.exists(MEMCACHED):
        missing(MEMCACHED)
    names = (*SERVERS, "cache")
    ports = dict(zip(names, free_ports(len(names))))
    configure(folder, ports)
    pids = []
    try:
        pids.append(start(folder, "cache", lambda: os.execv(MEMCACHED, [
            MEMCACHED, "-u", user(), "-l", "127.0.0.1", "-p", str(ports["cache"]), "-U", "0", "-m", "16"])))
        for name in SERVERS:
            conf = os.path.join(folder, f"{name}.conf")
            pids.append(start(folder, name, lambda: run_wsgi(conf, f"{name}-server", verbose=True)))
        wait(ports["proxy"], pids, time.monotonic() + 60)
        print(ports["proxy"], flush=True)
        sys.stdin.read()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
