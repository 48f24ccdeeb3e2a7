"""Three judges of the description at `/openapi.json`: is it one, do its examples keep to it, and does maia do what it says?"""

import os
import subprocess
import sys

import httpx
import pytest

from support import backend as scripted
from support.drivers import HERE
from support.processes import ROOT, clean_environment

FOLDER = HERE / "description"
PACKAGES = ROOT / ".venv" / "description"
KEY = "key-of-the-judge"
# Without a limit, for the judge asks as fast as it can.
SETTINGS = {"MAIA_SECURITY_RATE_LIMIT_RPS": "0"}


class StrictBackend(scripted.ScriptedBackend):
    """Answers any method, and refuses chat requests that are none, as a real backend would: maia leaves that to it."""

    def take(self, key, request):
        del key
        if not request.path.endswith("/chat/completions"):
            return scripted.Reply(body=b'{"object": "list", "data": []}')
        if not is_chat(request.body):
            return scripted.error(400, "This is no chat request", code="invalid_request")
        return scripted.stream(["Hello"]) if request.json.get("stream") else scripted.completion("Hello")


def is_chat(body):
    try:
        chat = scripted.json.loads(body)
    except ValueError:
        return False
    return (
        isinstance(chat, dict)
        and isinstance(chat.get("model"), str)
        and isinstance(chat.get("stream"), bool | None)
        and isinstance(chat.get("messages"), list)
        and all(is_message(message) for message in chat["messages"])
    )


def is_message(message):
    return isinstance(message, dict) and isinstance(message.get("role"), str) and isinstance(message.get("content"), str | list | None)


@pytest.fixture(scope="module")
def strict_backend():
    server = StrictBackend()
    yield server
    server.stop()


@pytest.fixture(params=[None, KEY], ids=["without a key", "with a key"])
def described(request, start_maia, strict_backend):
    """A maia, and the headers that it wants to see."""
    key = {"MAIA_SECURITY_API_KEY": request.param} if request.param else {}
    running = start_maia(strict_backend.url, **SETTINGS, **key)
    return running, {"X-API-Key": request.param} if request.param else {}


@pytest.fixture
def document(described, tmp_path):
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{described[0].url}/openapi.json", trust_env=False).raise_for_status().content)
    return path


def judged(tmp_path, *command):
    environment = {
        **clean_environment(),
        "PYTHONPATH": str(PACKAGES),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis"),
    }
    done = subprocess.run(
        [sys.executable, *(str(part) for part in command)],
        cwd=FOLDER,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_it_is_a_description(document, tmp_path):
    assert judged(tmp_path, "-m", "openapi_spec_validator", document).endswith("OK\n")


def test_its_examples_keep_to_it(document, tmp_path):
    judged(tmp_path, "examples.py", document)


def test_maia_does_what_it_says(described, document, tmp_path):
    maia, headers = described
    more = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    if not headers:
        # The first key would close this maia to its judge.
        more += ["--exclude-operation-id", "create_key"]
    seed = ["--seed", os.environ["TEST_SEED"]] if "TEST_SEED" in os.environ else []
    out = judged(tmp_path, "-m", "schemathesis.cli", "run", document, "--url", maia.url, "--no-color", *more, *seed)
    print(out[out.index("= SUMMARY =") :])
    assert httpx.get(f"{maia.url}/ready", trust_env=False).status_code == 200
