"""maia at work, for real: two conversations with a model, in two processes, with a restart of maia in between.

    make demo

Uses Ollama where it answers on its usual port (DEMO_MODEL names another of its models), and a small local model otherwise.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "e2e")]

try:
    import httpx
    from support.processes import Child, Maia, ModelServer, eventually
except ImportError as missing:
    sys.exit(f"error: {missing}; `make demo` installs what is needed")

from terminal import bold, dim, heading, say, step, table

OLLAMA = "http://127.0.0.1:11434"


class Stopped(BaseException):
    """Ctrl-C or a signal; everything is cleaned up on its way out."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Failed(Exception):
    """What is missing or went wrong, in a sentence for the user."""


class Signals:
    """Turns signals into `Stopped`, but never while a child is being started: none may be forgotten."""

    def __init__(self):
        self.held = False
        self.pending = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._arrived)

    def _arrived(self, number, _frame):
        if self.held:
            self.pending = number
        else:
            self.settle()
            raise Stopped(number)

    def settle(self):
        """From here on, nothing interrupts the way out."""
        self.held = True

    @contextlib.contextmanager
    def hold(self):
        self.held = True
        try:
            yield
        finally:
            self.held = False
        if self.pending is not None:
            self._arrived(self.pending, None)


class Demo:
    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.maia = None

    def run(self):
        say(bold("maia remembers: a demonstration"))
        heading("A model to talk to")
        self.choose_model()

        heading("First conversation: you tell something of yourself")
        self.start_maia()
        self.converse("tell")
        memories = self.wait_for_memories()
        step(f"maia kept {len(memories)} {'memory' if len(memories) == 1 else 'memories'} of this, after the answer was complete")

        heading("maia is stopped and started again")
        self.stop_maia()
        self.start_maia()

        heading("Second conversation, in a new process: it knows only what maia adds")
        self.converse("ask")

        heading(f"What maia remembers now: GET {self.maia.url}/v1/namespaces/default/memories")
        rows = [
            (memory["content"], memory["type"], memory["source"], f"{memory['confidence']:.2f}", memory["access_count"])
            for memory in self.memories()
        ]
        table(("content", "type", "source", "confidence", "injected"), rows)
        say()
        say(dim("   The model's words are its own, and a small model's are often odd; what it was given is above."))
        self.stop_maia()
        say(f"   Done. {bold('make run')} starts maia for you; point any OpenAI client at http://localhost:8080/proxy/v1")

    def choose_model(self):
        model = self.ollama_model()
        if model:
            step(f"Ollama answers at {OLLAMA}; its model {model} is used")
            self.backend, self.model, self.max_tokens = f"{OLLAMA}/v1", model, 400
            return
        step("a small local model is used: SmolLM2 with 135M parameters, in llama.cpp's own server")
        install = Child("install", [sys.executable, ROOT / "tests" / "e2e" / "install.py", "model"], self.folder, shown=True)
        if install.wait() != 0:
            raise Failed("the local model could not be installed")
        server = ModelServer(self.folder)
        self.backend, self.model, self.max_tokens = server.url, server.model, 60
        step(f"the model listens at {server.url}")

    def ollama_model(self):
        """A chat model that Ollama has installed, the one changed last; none where Ollama or such a model is missing."""
        wanted = os.environ.get("DEMO_MODEL")
        try:
            answer = httpx.get(f"{OLLAMA}/api/tags", timeout=2.0, trust_env=False)
            installed = [entry["name"] for entry in answer.raise_for_status().json()["models"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            if wanted:
                raise Failed(f"DEMO_MODEL is {wanted}, but Ollama does not answer at {OLLAMA}") from None
            step(f"Ollama does not answer at {OLLAMA}")
            return None
        if wanted:
            if wanted not in installed and f"{wanted}:latest" not in installed:
                raise Failed(f"Ollama has no model {wanted}; installed: {', '.join(installed) or 'none'}")
            return wanted
        chat = [name for name in installed if not any(part in name.lower() for part in ("embed", "bge-", "minilm"))]
        if not chat:
            step("Ollama answers, but has no chat model installed (`ollama pull llama3.2` gets one)")
            return None
        return chat[0]

    def start_maia(self):
        # A model that must be loaded first takes its time.
        self.maia = Maia(self.binary, self.folder, self.backend, MAIA_PROXY_TIMEOUT="5m")
        step(f"maia listens at {self.maia.url}, with its memory in one file: {self.folder / 'maia.db'}")

    def stop_maia(self):
        code = self.maia.stop()
        if code != 0:
            raise Failed(f"maia ended with {code}:\n{self.maia.log.strip()[-2000:]}")
        step("maia was stopped, and ended in order")

    def converse(self, what):
        """A conversation in a process of its own."""
        command = [sys.executable, HERE / "conversation.py", self.maia.url, self.model, str(self.max_tokens), what]
        process = Child("conversation", command, self.folder, shown=True)
        step(f"process {process.process.pid}")
        if process.wait() != 0:
            raise Failed(f"the conversation failed; the end of maia's log:\n{self.maia.log.strip()[-2000:]}")

    def memories(self):
        with self.maia.http() as http:
            return http.get("/v1/namespaces/default/memories").raise_for_status().json()["data"]

    def wait_for_memories(self):
        try:
            eventually(lambda: len(self.memories()) >= 3, "three memories")
        except AssertionError:
            if not self.memories():
                raise Failed(f"maia kept nothing of what it was told; its log:\n{self.maia.log.strip()[-2000:]}") from None
        return self.memories()


def main():
    parser = argparse.ArgumentParser(description="Two conversations with a real model, through maia.")
    parser.add_argument("--binary", required=True, type=pathlib.Path, help="the maia program to show")
    binary = parser.parse_args().binary.resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"error: {binary} is not there; `make release` builds it")

    signals = Signals()
    Child.guard = signals.hold
    try:
        with contextlib.ExitStack() as cleanup:
            with signals.hold():
                folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="maia-demo-", ignore_cleanup_errors=True))
                # Backwards: signals change nothing any more, the children go, then the folder.
                cleanup.callback(Child.kill_all)
                cleanup.callback(signals.settle)
            Demo(binary, pathlib.Path(folder)).run()
    except Stopped as stopped:
        say(f"\nstopped by {signal.Signals(stopped.number).name}; everything was cleaned up")
        return 128 + stopped.number
    except (Failed, RuntimeError, AssertionError, subprocess.SubprocessError, httpx.HTTPError, OSError) as error:
        print(f"\nerror: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
