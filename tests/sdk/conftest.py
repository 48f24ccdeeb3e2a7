"""Fixtures of the SDK tests: a maia that is really running, in front of a scripted backend or of a real model."""

import os
import pathlib
import signal
import sys
import uuid

import openai
import pytest

from support.backend import ScriptedBackend
from support.processes import ROOT, Maia, ModelServer, eventually

# The SDKs read proxies from the environment; everything here is on loopback.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def pytest_configure(config):
    del config

    # Ends like Ctrl-C, so that the fixtures stop what they started.
    def terminated(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminated)


def pytest_report_header(config):
    del config
    return f"openai {openai.__version__}, Python {sys.version.split()[0]}"


@pytest.fixture(scope="session")
def binary():
    """The program under test: TEST_BINARY, or what `cargo build` left."""
    path = pathlib.Path(os.environ.get("TEST_BINARY") or ROOT / "target" / "debug" / "maia").resolve()
    if not path.is_file():
        pytest.exit(f"{path} does not exist; run `make test`, or `cargo build` first", returncode=1)
    return path


@pytest.fixture(scope="session")
def backend():
    server = ScriptedBackend()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def maia(binary, backend, tmp_path_factory):
    """The maia that most tests share; each keeps to a namespace and a model name of its own."""
    running = Maia(binary, tmp_path_factory.mktemp("maia"), backend.url)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture
def start_maia(binary, tmp_path):
    """Starts further ones, in the test's own folder, with the given settings."""
    started = []

    def start(backend_url, **environment):
        started.append(Maia(binary, tmp_path, backend_url, **environment))
        return started[-1]

    yield start
    for running in started:
        if running.child.process.poll() is None:
            assert running.stop() == 0, running.log


@pytest.fixture(scope="session")
def model_server(tmp_path_factory):
    server = ModelServer(tmp_path_factory.mktemp("model"))
    yield server
    server.stop()


@pytest.fixture
def model():
    """A model name that no other test uses; the scripted backend answers by it."""
    return f"model-{uuid.uuid4()}"


@pytest.fixture
def namespace(maia):
    """An empty namespace of the shared maia."""
    return Namespace(maia, f"user-{uuid.uuid4()}")


class Namespace:
    """A namespace and the REST calls that tests make on it."""

    def __init__(self, maia, name):
        self.name = name
        self.path = f"/v1/namespaces/{name}"
        self._maia = maia

    def _call(self, method, path, **options):
        with self._maia.http() as http:
            response = http.request(method, path, **options)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def create(self, **config):
        return self._call("POST", "/v1/namespaces", json={"name": self.name, "config": config})

    def remember(self, content, **fields):
        return self._call("POST", f"{self.path}/memories", json={"content": content, **fields})

    def memories(self):
        with self._maia.http() as http:
            response = http.get(f"{self.path}/memories", params={"limit": 100})
        # A namespace begins with its first use.
        return [] if response.status_code == 404 else response.raise_for_status().json()["data"]

    def contents(self):
        return sorted(memory["content"] for memory in self.memories())

    def wait_for(self, *contents):
        """Waits until exactly these memories are listed: extraction runs after the answer."""
        eventually(lambda: self.contents() == sorted(contents), lambda: f"{sorted(contents)} are listed, and not {self.contents()}")

    def context(self, query, **fields):
        return self._call("POST", f"{self.path}/context", json={"query": query, **fields})


def sdk_options(maia, namespace=None, **options):
    headers = {"X-MAIA-Namespace": namespace.name} if namespace else {}
    return {
        "base_url": maia.proxy_url,
        "api_key": "sk-of-the-client",
        "max_retries": 0,
        "timeout": 30.0,
        "default_headers": {**headers, **options.pop("default_headers", {})},
        **options,
    }


@pytest.fixture
def client(maia, namespace):
    with openai.OpenAI(**sdk_options(maia, namespace)) as sdk:
        yield sdk


@pytest.fixture
def connect():
    """Clients of the official SDK for another maia than the shared one."""
    made = []

    def connect(maia, namespace=None, **options):
        made.append(openai.OpenAI(**sdk_options(maia, namespace, **options)))
        return made[-1]

    yield connect
    for sdk in made:
        sdk.close()
