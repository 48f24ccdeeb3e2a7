"""What maia adds to a request, beside nginx as a plain reverse proxy and, where they are installed, other gateways.

    python3 benches/bench_proxy.py --maia target/release/maia

A static backend answers every request with the same bytes. Every way to it is asked in turns within one run, on loopback, so that a busy machine is as
busy for each: trust the ratios, the microseconds only roughly. What a way adds is taken against the direct way in the same turn, and the median of the
turns is shown. maia runs as a service would, with its log in a file at the default level and its rate limit off, in front of a namespace of 10,000 memories.
nginx runs without an access log, keeps its connections to the backend, and holds bodies in memory: the least that a proxy can do.
`make bench-peers` installs the other gateways into target/peers; each is configured to pass on what it gets, without keys, caches or a database.
"""
import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import chats
import peers
import report
from ways import ANSWER, BODIES, LATENCY, PATH, ROUND, SILENCE, SMALL, STREAMED, WARM_UP, Kind, Way

MEMORIES = 10_000
QUESTIONS = 64
IDLE_STREAMS = 1000
# Some gateways do not go without a key.
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer none"}
SKIP = {"X-MAIA-Skip-Memory": "true", "X-MAIA-Skip-Extract": "true"}
NGINX = """
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    # Bodies stay in memory: a floor does not wait for a disk.
    client_max_body_size 64m; client_body_buffer_size 1m;
    keepalive_requests 1000000000;
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
    }}
}}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Failure(Exception):
    """A request that was not answered as it should be."""


class Bench:
    """The servers of one run, which end with it."""

    def __init__(self, stack, traffic, maia):
        self.stack, self.traffic, self.maia = stack, traffic, maia
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maia-bench-")))
        backend = self.start("backend", [traffic, "backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.backend = int(backend.stdout.readline())

    def start(self, name, command, **options):
        """Starts a program that is ended with the run; what it prints goes to a file."""
        log = (self.folder / f"{name}.log").open("ab")
        options = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, "cwd": self.folder, **options}
        process = subprocess.Popen([str(part) for part in command], start_new_session=True, **options)
        self.stack.callback(stop, process)
        return process

    def wait_until_it_answers(self, way):
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=30)
                connection.request("POST", way.path, self.body(way, LATENCY[SMALL], "Hello?"), HEADERS | way.headers)
                response = connection.getresponse()
                text = response.read()
                if response.status == 200 and b"It depends." in text:
                    return
                # A server may listen before it is ready.
                if time.monotonic() > until:
                    raise SystemExit(f"{way.name} answers {response.status}: {text[:500]}")
            if way.process.poll() is not None or time.monotonic() > until:
                logs = "\n".join(log.read_text()[-2000:] for log in self.folder.glob("*.log"))
                raise SystemExit(f"{way.name} does not answer on port {way.port}\n{logs}")
            time.sleep(0.05)

    def start_nginx(self):
        port = free_port()
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, backend=self.backend, port=port))
        return Way("nginx", self.start("nginx", ["nginx", "-c", self.folder / "nginx.conf"]), port)

    def start_maia(self):
        port = free_port()
        settings = ["--port", port, "--database", self.folder / "maia.db", "--backend", f"http://127.0.0.1:{self.backend}", "--set", "security.rate_limit_rps=0"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAIA_")}
        process = self.start("maia", [self.maia, *settings], env=environment)
        return Way("maia, memory skipped", process, port, "/proxy" + PATH, SKIP), Way("maia, memory on", process, port, "/proxy" + PATH)

    def start_peer(self, peer, folder):
        port = free_port()
        command = peer.command(folder / peer.folder / peer.program, self.backend, port, self.folder)
        process = self.start(peer.folder, command, env=os.environ | peer.environment)
        if peer.says_its_port:
            port = self.port_in_log(peer, process)
        return Way(peer.name, process, port, peer.path, peer.headers(self.backend), peer.model)

    def port_in_log(self, peer, process):
        log = self.folder / f"{peer.folder}.log"
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read_text())):
            if process.poll() is not None:
                raise SystemExit(f"{peer.name} does not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        return int(found[1])

    def body(self, way, kind, question):
        size, messages = BODIES[kind.body]
        stream, tokens = kind.mode
        return chats.chat(question, size, messages, stream, tokens, way.model)

    def requests(self, way, kind):
        """The file of requests of one way and kind."""
        path = self.folder / f"{way.name}-{kind.body}-{kind.mode}.requests"
        if not path.exists():
            headers = {"Host": f"127.0.0.1:{way.port}"} | HEADERS | way.headers
            with path.open("wb") as file:
                for question in chats.questions(MEMORIES, QUESTIONS):
                    body = self.body(way, kind, question)
                    lines = [f"POST {way.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {len(body)}"]
                    request = "\r\n".join([*lines, "", ""]).encode() + body
                    file.write(struct.pack("<I", len(request)) + request)
        return path

    def ask(self, way, kind):
        """One turn: the seconds that it took, and a sample of each request."""
        command = [self.traffic, "load", f"127.0.0.1:{way.port}", self.requests(way, kind), kind.connections, kind.seconds]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"{way.name} fails: {kind}: {done.stderr.strip()}")
        took, *lines = done.stdout.splitlines()
        samples = [(int(first) / 1e9, int(total) / 1e9, 0 if used == "-" else int(used)) for first, total, used in map(str.split, lines)]
        return int(took) / 1e9, samples

    def hold_streams(self, way):
        """Resident memory while many streams are open and silent; unknown where the way does not take so many."""
        command = [self.traffic, "hold", f"127.0.0.1:{way.port}", self.requests(way, Kind(SMALL, SILENCE, 1, 0)), IDLE_STREAMS]
        with subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            if process.stdout.readline() == "open\n":
                way.measure_resident("streams")
            else:
                progress(f"{way.name} does not hold {IDLE_STREAMS:,} streams: {process.stderr.read().strip()}\n")
            process.stdin.close()


def stop(process):
    """Ends a program as its user would, and by force where it does not listen."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def load_memories(port):
    local = threading.local()

    def store(memory):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port)
        local.connection.request("POST", "/v1/namespaces/default/memories", json.dumps({"content": memory}), {"Content-Type": "application/json"})
        response = local.connection.getresponse()
        text = response.read()
        if response.status != 201:
            raise SystemExit(f"maia does not store a memory: {response.status} {text}")

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(store, [memory for memory, _ in chats.facts(MEMORIES)]))


def progress(text):
    print(f"\r\033[K{text}" if sys.stderr.isatty() else text, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def run(bench, arguments):
    direct = Way("direct", None, bench.backend)
    _, loader = bench.start_maia()
    bench.wait_until_it_answers(loader)
    progress(f"storing {MEMORIES:,} memories")
    load_memories(loader.port)
    stop(loader.process)
    skipped, memory = bench.start_maia()
    folder = arguments.peers.resolve()
    installed = [] if arguments.without_peers else peers.installed(folder)
    ways = [direct, bench.start_nginx(), skipped, memory, *(bench.start_peer(peer, folder) for peer in installed)]
    for way in ways[1:]:
        progress(f"starting {way.name}")
        bench.wait_until_it_answers(way)
        way.measure_resident("idle")
    turn = sum(kind.seconds + 0.05 for kind in ROUND)
    rounds = max(3, round((40 if arguments.quick else 200) / turn / len(ways)))
    order = random.Random(0)
    # Before the first round everybody is warmed up.
    for number in range(rounds + 1):
        progress(f"round {number} of {rounds}" if number else "warming up")
        for kind in ROUND if number else WARM_UP:
            # Nobody always comes after the same neighbour, whose last work may not be done yet.
            for way in order.sample(ways, len(ways)):
                if kind in way.fails:
                    continue
                before = way.processor_time()
                try:
                    took, samples = bench.ask(way, kind)
                except Failure as failure:
                    # A gateway that cannot stream is measured by its other answers.
                    if way in ways[:4] or kind not in STREAMED:
                        raise SystemExit(f"error: {failure}")
                    progress(f"{failure}\n")
                    way.fails.add(kind)
                    continue
                if number:
                    way.processor[kind] += way.processor_time() - before
                    way.turns[kind].append(samples)
                    way.rates[kind].append(len(samples) / took)
    for way in ways[1:]:
        way.measure_resident("after")
    for way in ways[1:]:
        # Both of maia's ways are one process. The others' thousand streams take their time.
        if way is not skipped and not (arguments.quick and way in ways[4:]):
            progress(f"{way.name}: {IDLE_STREAMS:,} idle streams")
            bench.hold_streams(way)
    skipped.resident = memory.resident
    progress("")
    return ways, rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maia", default="target/release/maia", type=pathlib.Path, help="the binary; a release build")
    parser.add_argument("--traffic", default="target/bench/traffic", type=pathlib.Path, help="where the two ends are built, from benches/traffic")
    parser.add_argument("--peers", default="target/peers", type=pathlib.Path, help="where the other gateways are installed")
    parser.add_argument("--quick", action="store_true", help="a minute in all, instead of some minutes")
    parser.add_argument("--without-peers", action="store_true", help="only nginx and maia")
    arguments = parser.parse_args()
    for tool in ("nginx", "rustc"):
        if not shutil.which(tool):
            raise SystemExit(f"error: {tool} was not found" + ("; on Debian and Ubuntu: apt-get install nginx" if tool == "nginx" else ""))
    if not arguments.maia.exists():
        raise SystemExit(f"error: {arguments.maia} was not found; `make release` builds it")
    source = pathlib.Path(__file__).parent / "traffic" / "main.rs"
    arguments.traffic.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["rustc", "--edition", "2024", "-O", "-o", arguments.traffic, source], check=True)
    # The many idle streams need a descriptor at each end.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    # A run that is ended from outside ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load = os.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        bench = Bench(stack, arguments.traffic.resolve(), arguments.maia.resolve())
        ways, rounds = run(bench, arguments)
    report.show(ways, rounds, load)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("\ninterrupted")
