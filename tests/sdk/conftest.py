"""Fixtures of the SDK tests: a maia that is really running, in front of a scripted backend or of a real model."""

import os
import pathlib
import signal
import sys
import uuid

import openai
import pytest

from support.backend import ScriptedBackend
from support.clients import Namespace, sdk_options
from support.processes import ROOT, Maia, ModelServer

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
