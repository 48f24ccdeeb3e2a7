"""Programs as children: maia, and the model server. They are stopped in the order they deserve, and their logs are kept for the report."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time

import httpx

ROOT = pathlib.Path(__file__).resolve().parents[3]
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


def eventually(question, what, deadline=15.0):
    """Asks until the answer is truthy and returns it; otherwise an `AssertionError` that says `what` (text, or a call) was waited for."""
    end = time.monotonic() + deadline
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s: {what() if callable(what) else what}")
        time.sleep(0.05)


def clean_environment():
    """This process's environment without anything that would configure maia or a client, or send loopback traffic through a proxy."""
    configuring = ("MAIA_", "OPENAI_", "LANGCHAIN_", "LANGSMITH_", "LLM_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(configuring)}
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


class Child:
    """A program in a session of its own: Ctrl-C reaches its parent alone, who then stops it.

    What it prints and what it logs go to a file each, or (`shown`) along with its parent's; with `piped`, what it prints is read
    from `process.stdout`.
    """

    running = []
    # What surrounds the start of one; a program that must not forget any holds its signals back there.
    guard = contextlib.nullcontext

    def __init__(self, name, command, folder, environment=None, stdin=subprocess.DEVNULL, shown=False, piped=False):
        self.name = name
        self.output_path = pathlib.Path(folder) / f"{name}-{time.monotonic_ns()}.out"
        self.log_path = self.output_path.with_suffix(".log")
        with self.output_path.open("wb") as output, self.log_path.open("wb") as log, Child.guard():
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env={**clean_environment(), **(environment or {})},
                stdin=stdin,
                stdout=subprocess.PIPE if piped else None if shown else output,
                stderr=None if shown else log,
                start_new_session=True,
            )
            Child.running.append(self)

    @property
    def output(self):
        return self.output_path.read_text(errors="replace")

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def expect_running(self):
        code = self.process.poll()
        if code is not None:
            raise RuntimeError(f"{self.name} ended with {code} at its start:\n{self.log.strip()}")

    def wait(self):
        """Its exit code, once it has ended by itself."""
        code = self.process.wait()
        Child.running.remove(self)
        return code

    def stop(self, deadline=15.0):
        """Ends it with SIGTERM and returns the exit code; kills it where that takes longer than `deadline`."""
        self.process.terminate()
        try:
            return self.process.wait(deadline)
        finally:
            self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        if self in Child.running:
            Child.running.remove(self)

    @classmethod
    def kill_all(cls):
        for child in reversed(cls.running.copy()):
            child.kill()


class Maia:
    """A running maia. It listens on a port that was free, and keeps its database in `folder`, so a second one can continue there."""

    def __init__(self, binary, folder, backend, **environment):
        self.folder = pathlib.Path(folder)
        settings = {
            "MAIA_SERVER_HOST": "127.0.0.1",
            "MAIA_SERVER_PORT": "0",
            "MAIA_STORAGE_PATH": str(self.folder / "maia.db"),
            "MAIA_PROXY_BACKEND": backend,
            **environment,
        }
        self.child = Child("maia", [binary, "serve"], self.folder, settings)
        try:
            self.url = self._ready(backend)
        except BaseException:
            self.child.kill()
            raise
        self.proxy_url = f"{self.url}/proxy/v1"

    def _ready(self, backend, deadline=20.0):
        """Its address, once it is ready. The log names the backend's address too, which is not the one looked for."""
        end = time.monotonic() + deadline
        with httpx.Client(trust_env=False, timeout=2.0) as http:
            while time.monotonic() < end:
                self.child.expect_running()
                for port in dict.fromkeys(ADDRESS.findall(self.child.log)):
                    url = f"http://127.0.0.1:{port}"
                    if backend.startswith(url):
                        continue
                    try:
                        if http.get(f"{url}/ready").status_code == 200:
                            return url
                    except httpx.TransportError:
                        pass
                time.sleep(0.02)
        raise RuntimeError(f"maia was not ready within {deadline:g} s:\n{self.child.log.strip()}")

    @property
    def log(self):
        return self.child.log

    def stop(self):
        return self.child.stop()

    def kill(self):
        self.child.kill()

    def http(self, **options):
        """A client for the REST calls; paths are relative to the server's address."""
        return httpx.Client(base_url=self.url, timeout=15.0, trust_env=False, **options)


class ModelServer:
    """The small real model, with the address of its API in `url` and the name to ask for in `model`."""

    model = "smollm2-135m"

    def __init__(self, folder, deadline=60.0, options=()):
        script = pathlib.Path(__file__).with_name("model_server.py")
        self.child = Child("model", [sys.executable, script, 0, 1, *options], folder, stdin=subprocess.PIPE)
        try:
            self.url = self._ready(deadline)
        except BaseException:
            self.child.kill()
            raise

    def _ready(self, deadline):
        end = time.monotonic() + deadline
        with httpx.Client(trust_env=False, timeout=2.0) as http:
            while time.monotonic() < end:
                self.child.expect_running()
                printed = re.search(r"^http://127\.0\.0\.1:\d+$", self.child.output, re.MULTILINE)
                try:
                    if printed and http.get(f"{printed[0]}/health").status_code == 200:
                        return f"{printed[0]}/v1"
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
        raise RuntimeError(f"the model server was not ready within {deadline:g} s:\n{self.child.log.strip()[-2000:]}")

    def stop(self):
        self.child.kill()


class Aimock:
    """`@copilotkit/aimock` with the answers of `node/aimock.json`."""

    def __init__(self, folder, deadline=30.0):
        script = ROOT / "tests" / "e2e" / "node" / "aimock.js"
        self.child = Child("aimock", ["node", script], folder, stdin=subprocess.PIPE)
        try:
            address = eventually(self._address, lambda: f"aimock is ready:\n{self.child.log}", deadline)
        except BaseException:
            self.child.kill()
            raise
        self.url = f"{address}/v1"
        self._http = httpx.Client(base_url=address, trust_env=False, timeout=15.0)

    def _address(self):
        self.child.expect_running()
        printed = re.search(r"^http://127\.0\.0\.1:\d+$", self.child.output, re.MULTILINE)
        return printed and printed[0]

    def forget(self):
        self._http.post("/__aimock/reset/journal").raise_for_status()

    def requests(self):
        """Path and body of each request since `forget`, oldest first."""
        entries = self._http.get("/__aimock/journal").raise_for_status().json()
        return [(entry["path"], entry["body"] or {}) for entry in entries]

    def stop(self):
        self._http.close()
        self.child.kill()
