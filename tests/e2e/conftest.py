"""Fixtures of the end-to-end tests: a maia that is really running, in front of a scripted backend, of aimock, or of a real model."""

import os
import pathlib
import signal
import sys
import uuid

import openai
import pytest

from support.backend import ScriptedBackend
from support.clients import Namespace, sdk_options
from support.drivers import Driver
from support.processes import ROOT, Aimock, Maia, ModelServer
from support.scenarios import CLIENTS
from support.tables import client_table, conformance_table

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


def pytest_collection_modifyitems(items):
    """Each test says in its report which cell of the table it fills."""
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if "scenario" in params and "name" in params:
            item.user_properties.append(("cell", (item.originalname, params["name"], params["scenario"])))


def pytest_terminal_summary(terminalreporter):
    reports = [report for outcome in ("passed", "failed", "error") for report in terminalreporter.stats.get(outcome, [])]
    for title, lines in (client_table(reports), conformance_table(reports)):
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)


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


@pytest.fixture(scope="session")
def aimock(tmp_path_factory):
    server = Aimock(tmp_path_factory.mktemp("aimock"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def maia_on_aimock(binary, aimock, tmp_path_factory):
    running = Maia(binary, tmp_path_factory.mktemp("maia"), aimock.url)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture(scope="session")
def maia_on_model(binary, model_server, tmp_path_factory):
    running = Maia(binary, tmp_path_factory.mktemp("maia"), model_server.url)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture(scope="session")
def maia_without_backend(binary, tmp_path_factory):
    """Nothing listens any more where this one forwards to."""
    gone = ScriptedBackend()
    gone.stop()
    running = Maia(binary, tmp_path_factory.mktemp("maia"), gone.url)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """The program of a client by the client's name, started when it is first asked for, or after it broke down."""
    started = {}

    def driver(name):
        if name not in started or not started[name].running:
            started[name] = Driver(CLIENTS[name], tmp_path_factory.mktemp("client"))
        return started[name]

    yield driver
    for running in started.values():
        running.stop()


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
