"""Every client in every scenario, three times: direct, through maia, and through maia with a memory to inject.

What the client makes of the answers must be the same each time, and what the backend received must be the same but for
the memory.
"""

import uuid

import pytest

from support.clients import Namespace
from support.scenarios import BLOCK, CLIENTS, IMAGE, MEMORY, QUESTION, SCENARIOS

WAYS = ["direct", "maia", "memory"]
# Of one connection, or of the length; and maia's own.
OF_THE_CONNECTION = {"host", "connection", "content-length", "transfer-encoding"}


def matrix(only=None):
    return [(client, scenario) for client in CLIENTS for scenario in CLIENTS[client].scenarios if only is None or scenario in only]


def task(scenario, base_url, model, namespace=None):
    return {
        "scenario": scenario,
        "base_url": base_url,
        "api_key": "sk-of-the-client",
        "headers": {"X-MAIA-Namespace": namespace.name} if namespace else {},
        "model": model,
        "question": QUESTION,
        "image": IMAGE,
        "max_tokens": 12,
    }


def run(driver, scenario, backend_url, maia, model, way):
    """The outcome of a scenario on one of the three ways."""
    if way == "direct":
        return driver.run(task(scenario, backend_url, model))
    namespace = Namespace(maia, f"user-{uuid.uuid4()}")
    namespace.create()
    if way == "memory":
        namespace.remember(MEMORY)
    return driver.run(task(scenario, maia.proxy_url, model, namespace))


def expect(client, scenario, answer):
    """The answer is what the backend said. Of an error, each client is held to what it tells: its class, and more where it has it."""
    expected = SCENARIOS[scenario].answer
    if "error" not in expected:
        assert answer == expected
        return
    expected, said = expected["error"], answer["error"]
    assert said["class"] == client.errors[scenario], said
    if "line" in said:
        assert said["line"].startswith(f"Error: Error code: {expected['status']} - {expected['message']}"), said
        return
    assert said["status"] == expected["status"], said
    # `async-openai` makes the whole body of a 5xx its message.
    assert expected["message"] in said["message"], said
    assert said["code"] in (None, expected["code"]), said
    if said["retry_after"] is not None:
        assert said["retry_after"] == expected.get("retry_after"), said


def headers(request):
    return {name: value for name, value in request.headers.items() if name not in OF_THE_CONNECTION}


def assert_only_the_block_is_added(direct, remembering):
    """The messages are the client's behind the block, and the bytes are the client's with one insertion."""
    assert remembering.messages == [{"role": "system", "content": BLOCK}, *direct.messages]
    before, after = direct.body, remembering.body
    same = next((at for at in range(len(before)) if before[at] != after[at]), len(before))
    rest = len(before) - same
    assert rest == 0 or after.endswith(before[same:]), f"{before}\nbecame\n{after}"
    assert BLOCK.partition("\n")[0].encode() in after[same : len(after) - rest]


@pytest.mark.parametrize(("name", "scenario"), [pair for pair in matrix() if pair[1] != "down"])
def test_scripted(driver, backend, maia, name, scenario):
    client, script = CLIENTS[name], SCENARIOS[scenario]
    model = client.models.get(scenario) or f"model-{uuid.uuid4()}"
    key = "/v1/models" if scenario == "models" else model
    outcomes, received = {}, {}
    for way in WAYS:
        before = len(backend.requests(key))
        backend.on(key, *script.replies)
        outcomes[way] = run(driver(name), scenario, backend.url, maia, model, way)
        received[way] = backend.requests(key)[before:]

    assert outcomes["maia"] == outcomes["direct"]
    assert outcomes["memory"] == outcomes["direct"]
    expect(client, scenario, outcomes["direct"]["answer"])

    assert len(received["direct"]) >= len(script.replies)
    for way in WAYS[1:]:
        assert len(received[way]) == len(received["direct"]), f"requests of {way}"
    for direct, plain, remembering in zip(*received.values(), strict=True):
        assert direct.headers.get("user-agent", "").startswith(client.agent)
        assert (plain.method, plain.path) == (direct.method, direct.path)
        assert plain.body == direct.body
        assert headers(plain) == headers(direct)
        assert headers(remembering) == headers(direct)
        if script.chat:
            assert_only_the_block_is_added(direct, remembering)
        else:
            assert remembering.body == direct.body
    if scenario == "vision":
        parts = received["memory"][0].messages[-1]["content"]
        assert [part["image_url"]["url"] for part in parts if part["type"] == "image_url"] == [IMAGE]


@pytest.mark.parametrize(("name", "scenario"), matrix(["down"]))
def test_no_backend(driver, maia_without_backend, name, scenario):
    for way in WAYS[1:]:
        outcome = run(driver(name), scenario, None, maia_without_backend, "model", way)
        expect(CLIENTS[name], scenario, outcome["answer"])


@pytest.mark.parametrize(("name", "scenario"), [pair for pair in matrix() if pair[1] != "down"])
def test_aimock(driver, aimock, maia_on_aimock, name, scenario):
    """A backend that others wrote. Its ids and times differ between any two answers, so what the client tells is compared."""
    client = CLIENTS[name]
    model = client.models.get(scenario) or scenario
    answers, journal = {}, {}
    for way in WAYS:
        aimock.forget()
        answers[way] = run(driver(name), scenario, aimock.url, maia_on_aimock, model, way)["answer"]
        journal[way] = aimock.requests()
    assert answers["maia"] == answers["direct"]
    assert answers["memory"] == answers["direct"]
    if scenario == "limited" and "retry_after" in answers["direct"]["error"]:
        # It says when to come back as it likes.
        answers["direct"]["error"]["retry_after"] = None
    if scenario == "models":
        # It lists those that it has answers for.
        assert "refused" in answers["direct"]["ids"]
    else:
        expect(client, scenario, answers["direct"])
    assert journal["maia"] == journal["direct"]
    for (_, direct), (_, remembering) in zip(journal["direct"], journal["memory"], strict=True):
        added = [{"role": "system", "content": BLOCK}] if SCENARIOS[scenario].chat else []
        assert remembering.get("messages", []) == [*added, *direct.get("messages", [])]


@pytest.mark.parametrize(("name", "scenario"), matrix(["chat", "stream"]))
def test_real_model(driver, model_server, maia_on_model, name, scenario):
    """The real model says the same on both ways; what it says with a memory is its own affair."""
    texts = {way: run(driver(name), scenario, model_server.url, maia_on_model, model_server.model, way)["answer"]["text"] for way in WAYS}
    assert texts["direct"].strip()
    assert texts["maia"] == texts["direct"]
    assert texts["memory"].strip()


def test_the_answer_is_remembered_whatever_the_client(driver, backend, maia):
    """Extraction works the same behind each of them: what the user says in a stream is listed afterwards."""
    for name in CLIENTS:
        model = f"model-{uuid.uuid4()}"
        backend.on(model, *SCENARIOS["stream"].replies)
        namespace = Namespace(maia, f"user-{uuid.uuid4()}")
        driver(name).run({**task("stream", maia.proxy_url, model, namespace), "question": "I live in Lisbon."})
        namespace.wait_for("User lives in Lisbon")
