"""The clients as programs: each runs once for all tests, takes a task a line, and answers with a line."""

import json
import os
import select
import subprocess
import sys

from .processes import ROOT, Child

HERE = ROOT / "tests" / "e2e"
OPENAI3 = ROOT / ".venv" / "openai3"
RUST = ROOT / "target" / "e2e" / "debug" / "maia-e2e-async-openai"


def command(client):
    """The program of a client, and what it needs in its environment."""
    kind, _, script = client.command.partition(" ")
    if kind == "rust":
        return [os.environ.get("TEST_RUST_CLIENT") or RUST], {}
    if kind == "node":
        # `make e2e` has put the right one first.
        return ["node", HERE / "node" / "clients" / script], {}
    # The next major version of `openai`, and what is built on it, lies beside the older one.
    environment = {"PYTHONPATH": str(OPENAI3)} if kind == "python3" else {"PYTHONPATH": ""}
    # What holds the real model's weights is a plugin of the `llm` command too, and would be loaded with it.
    environment["LLM_LOAD_PLUGINS"] = ""
    return [sys.executable, HERE / "clients" / script], environment


class Driver:
    """One running client."""

    def __init__(self, client, folder):
        program, environment = command(client)
        self.name = client.name
        self.child = Child(script_name(client), program, folder, environment, stdin=subprocess.PIPE, piped=True)

    def run(self, task, deadline=120.0):
        """The outcome of a task; a fault of the client's program is an `AssertionError` with its traceback."""
        process = self.child.process
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
            readable, _, _ = select.select([process.stdout], [], [], deadline)
        except BrokenPipeError:
            readable = [process.stdout]
        if not readable:
            # Its answer may still come, and would be taken for the next one.
            self.child.kill()
            raise AssertionError(f"{self.name} did not answer within {deadline:g} s: {task['scenario']}\n{self.child.log[-2000:]}")
        line = process.stdout.readline()
        assert line, f"{self.name} ended in the middle of {task['scenario']}:\n{self.child.log[-4000:]}"
        outcome = json.loads(line)
        assert "crash" not in outcome, f"{self.name}, {task['scenario']} at {task['base_url']}:\n{outcome['crash']}"
        return outcome

    @property
    def running(self):
        return self.child.process.poll() is None

    def stop(self):
        self.child.kill()


def script_name(client):
    return client.command.replace(" ", "-").partition(".")[0]
