"""What the drills stand on: a maia in a folder, a backend, clients with a ledger, file systems of their own, and a verdict.

A drill prints what it saw and ends with 0 where all held, 1 where something did not, and 2 where this machine cannot run it. It needs nothing but
Python and the tools that it names, sends traffic to the loopback only, ends by itself and takes away what it made.
"""

import argparse
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

MEMORIES = "/v1/namespaces/default/memories"
READY_WITHIN = 2.0


def main(what, run, tools=(), root=False):
    """Runs a drill under its name and returns its exit code."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--maia", default="target/release/maia", help="the program to drill [default: %(default)s]")
    parser.add_argument("--folder", default=None, help="where to work; needs 1 GB of room [default: a temporary folder]")
    options = parser.parse_args()
    # SIGTERM cleans up like Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    binary = pathlib.Path(options.maia).resolve()
    if not binary.is_file():
        print(f"error: there is no {options.maia}: run 'make release' first, or name the program with --maia", file=sys.stderr)
        return 2
    if root and os.geteuid() != 0:
        print("error: this drill mounts file systems: run it as root", file=sys.stderr)
        return 2
    for tool, package in tools:
        if shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            print(f"error: {tool} was not found. On Debian and Ubuntu: apt-get install {package}", file=sys.stderr)
            return 2
    verdict = Verdict(what.splitlines()[0])
    try:
        with tempfile.TemporaryDirectory(prefix="maia-drill-", dir=options.folder) as folder:
            run(verdict, str(binary), pathlib.Path(folder))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return verdict.code()


class Verdict:
    def __init__(self, what):
        self.failed = 0
        self.begun = time.monotonic()
        print(f"== {what}", flush=True)

    def saw(self, text):
        print(f"   {text}", flush=True)

    def check(self, holds, text):
        self.failed += not holds
        print(f"   {'ok    ' if holds else 'FAILED'} {text}", flush=True)

    def code(self):
        seconds = time.monotonic() - self.begun
        print(f"   {'held' if self.failed == 0 else f'{self.failed} did not hold'} ({seconds:.0f} s)\n", flush=True)
        return 1 if self.failed else 0


class Maia:
    """A running maia. Leaving its `with` kills it."""

    def __init__(self, binary, folder, *arguments, environment=None):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "maia.db"
        self.log = []
        self.listening = threading.Event()
        command = [binary, "serve", "--port", "0", "--database", str(self.file), "--set", "security.rate_limit_rps=0", *arguments]
        begun = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd="/", env={**(environment or {})}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        threading.Thread(target=self._read_log, daemon=True).start()
        if not self.listening.wait(30) or not self.port:
            self.process.kill()
            raise RuntimeError("maia did not start: " + "".join(self.log))
        while self.call("GET", "/ready")[0] != 200 and time.monotonic() - begun < 30:
            time.sleep(0.005)
        self.ready_after = time.monotonic() - begun

    port = None

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                self.listening.set()
        self.listening.set()

    def client(self):
        return Client(self.port)

    def call(self, method, path, body=None):
        """Status and decoded body of one request on a connection of its own."""
        client = self.client()
        try:
            return client.call(method, path, body)
        finally:
            client.close()

    def chat(self, text, stream=False):
        body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}
        return self.call("POST", "/proxy/v1/chat/completions", body)

    def contents(self):
        """Every memory of the default namespace: id to content."""
        found = {}
        while True:
            status, page = self.call("GET", f"{MEMORIES}?limit=1000&offset={len(found)}")
            assert status == 200, page
            found |= {memory["id"]: memory["content"] for memory in page["data"]}
            if not page["has_more"]:
                return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class Client:
    """A keep-alive connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"} if data else {}
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, content.decode(errors="replace")

    def close(self):
        self.connection.close()


class Writers:
    """Threads that write memories until they are told to stop or the server is gone; what was acknowledged is in `ledger`, id to content."""

    def __init__(self, maia, threads, ledger_file=None, words="line"):
        self.ledger = {}
        self.other_answers = {}
        self.slowest = 0.0
        self.words = words
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.file = ledger_file.open("a") if ledger_file else None
        self.threads = [threading.Thread(target=self._write, args=(maia, number), daemon=True) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def _write(self, maia, thread):
        client = maia.client()
        number = 0
        while not self.ended.is_set():
            number += 1
            content = f"User wrote {self.words} {number} of thread {thread} in {maia.process.pid}"
            begun = time.monotonic()
            try:
                status, body = client.call("POST", MEMORIES, {"content": content})
            except (OSError, http.client.HTTPException):
                return
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if status != 201:
                    self.other_answers[status] = body
                    continue
                self.ledger[body["id"]] = content
                if self.file:
                    self.file.write(f"{body['id']}\t{content}\n")
                    self.file.flush()
                    os.fsync(self.file.fileno())

    def acknowledged(self):
        with self.lock:
            return dict(self.ledger)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(40)
        return self.acknowledged()


@contextlib.contextmanager
def backend(content="Hello.", delay=0.0):
    """The address of a backend that answers every chat in the same words."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(delay)
            message = {"role": "assistant", "content": content}
            body = json.dumps({"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def run(*command):
    """Runs a tool and returns what it printed; its complaint ends the drill."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextlib.contextmanager
def mounted(source, folder, *options):
    """A file system on a folder, unmounted afterwards whatever happens."""
    folder.mkdir(exist_ok=True)
    run("mount", *options, str(source), str(folder))
    try:
        yield folder
    finally:
        for _ in range(50):
            if subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:
            subprocess.run(["umount", "-l", str(folder)], check=False)


@contextlib.contextmanager
def image(path, size, *mkfs):
    """An empty file system in a file."""
    with path.open("wb") as file:
        file.truncate(size)
    run(*mkfs, str(path))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def sound(file):
    """SQLite's own opinion of a database that nobody has open. Its index is judged by maia's searches and its own tests: the SQLite of this Python
    may be too old to read it."""
    connection = sqlite3.connect(file)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def wait_until(check, seconds=20.0):
    """Whether something comes to hold in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return bool(check())
