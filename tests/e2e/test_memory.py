"""Memory as a user of the SDK meets it: what is stored arrives in the prompt, and what is told is stored."""

import httpx
import pytest

from support import backend as scripted
from support.clients import Namespace
from support.processes import eventually

SETTINGS = "What settings should I configure?"
BLOCK = "## Relevant Context\n\nUser prefers dark mode"


def ask(client, model, content, **options):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}], **options)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_memory_arrives_in_the_prompt(client, namespace, backend, model, streamed):
    namespace.create()
    namespace.remember("User prefers dark mode")
    backend.on(model, scripted.stream(["Fine."]) if streamed else scripted.completion("Fine."))
    raw = client.chat.completions.with_raw_response.create(model=model, messages=[{"role": "user", "content": SETTINGS}], stream=streamed)
    raw.parse()
    assert backend.last(model).messages == [{"role": "system", "content": BLOCK}, {"role": "user", "content": SETTINGS}]
    assert raw.headers["x-maia-memories-used"] == "1"
    assert int(raw.headers["x-maia-tokens-injected"]) == namespace.context(SETTINGS)["token_count"] > 0


EARLIER = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good day."}]
NEWEST = {"role": "user", "content": SETTINGS}


@pytest.mark.parametrize(
    ("position", "sent", "received"),
    [
        ("system", [*EARLIER, NEWEST], [{"role": "system", "content": BLOCK}, *EARLIER, NEWEST]),
        (
            "system",
            [{"role": "system", "content": "Be brief."}, NEWEST],
            [{"role": "system", "content": f"Be brief.\n\n{BLOCK}"}, NEWEST],
        ),
        (
            "system",
            [{"role": "developer", "content": "Be brief."}, NEWEST],
            [{"role": "developer", "content": f"Be brief.\n\n{BLOCK}"}, NEWEST],
        ),
        (
            "first_user",
            [*EARLIER, NEWEST],
            [{"role": "user", "content": f"{BLOCK}\n\n---\n\nHello."}, EARLIER[1], NEWEST],
        ),
        ("before_last", [*EARLIER, NEWEST], [*EARLIER, {"role": "system", "content": BLOCK}, NEWEST]),
        ("last_user", [*EARLIER, NEWEST], [*EARLIER, {"role": "user", "content": f"{BLOCK}\n\n---\n\n{SETTINGS}"}]),
    ],
    ids=["system", "system-has-one", "system-has-developer", "first_user", "before_last", "last_user"],
)
def test_context_goes_where_the_namespace_says(client, namespace, backend, model, position, sent, received):
    namespace.create(context_position=position)
    namespace.remember("User prefers dark mode")
    backend.on(model, scripted.completion("Fine."))
    client.chat.completions.create(model=model, messages=sent)
    assert backend.last(model).messages == received


def test_parts_of_a_message_are_kept(client, namespace, backend, model):
    namespace.create(context_position="first_user")
    namespace.remember("User prefers dark mode")
    backend.on(model, scripted.completion("Fine."))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": [image, {"type": "text", "text": SETTINGS}]}])
    [message] = backend.last(model).messages
    assert [part for part in message["content"] if part["type"] != "text"] == [image]
    text = "".join(part["text"] for part in message["content"] if part["type"] == "text")
    assert text == f"{BLOCK}\n\n---\n\n{SETTINGS}"


def test_nothing_relevant_leaves_the_request_as_it_is(maia, namespace, backend, model):
    namespace.create()
    namespace.remember("User likes pizza")
    backend.on(model, scripted.completion("Paris."))
    messages = b'"messages":[{"content":"What is the capital of France?","role":"user"}]'
    body = b'{ %b,\n "seed":9007199254740993, "t":1.0, "model":"%b"}' % (messages, model.encode())
    with httpx.Client(trust_env=False) as http:
        answer = http.post(
            f"{maia.proxy_url}/chat/completions",
            content=body,
            headers={"Content-Type": "application/json", "X-MAIA-Namespace": namespace.name},
        )
    assert answer.headers["x-maia-memories-used"] == "0"
    assert backend.last(model).body == body


def test_a_request_can_do_without_memory(client, namespace, backend, model):
    namespace.create()
    namespace.remember("User prefers dark mode")
    backend.on(model, scripted.completion("Fine."))
    ask(client, model, SETTINGS, extra_headers={"X-MAIA-Skip-Memory": "true"})
    assert backend.last(model).messages == [NEWEST]


def test_the_budget_of_a_request_is_kept(client, namespace, backend, model):
    namespace.create()
    namespace.remember("User prefers dark mode")
    namespace.remember("User prefers settings that are explained at length, " + "with every reason, " * 40 + "and an example")
    backend.on(model, scripted.completion("Fine."))
    raw = client.chat.completions.with_raw_response.create(model=model, messages=[NEWEST], extra_headers={"X-MAIA-Token-Budget": "20"})
    assert backend.last(model).messages[0]["content"] == BLOCK
    assert 0 < int(raw.headers["x-maia-tokens-injected"]) <= 20


def test_namespaces_do_not_meet(maia, namespace, backend, model, connect):
    namespace.create()
    namespace.remember("User prefers dark mode")
    other = Namespace(maia, f"{namespace.name}/other")
    backend.on(model, scripted.completion("Fine."))
    raw = connect(maia, other).chat.completions.with_raw_response.create(model=model, messages=[NEWEST])
    assert raw.headers["x-maia-memories-used"] == "0"
    assert backend.last(model).messages == [NEWEST]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_told_fact_is_remembered(client, namespace, backend, model, streamed):
    backend.on(model, scripted.stream(["Good", " to", " know", "."]) if streamed else scripted.completion("Good to know."))
    answer = ask(client, model, "I'm vegetarian and I live in Lisbon.", stream=streamed)
    if streamed:
        list(answer)
    eventually(lambda: any("vegetarian" in content for content in namespace.contents()), "the fact is listed")
    eventually(lambda: any("Lisbon" in content for content in namespace.contents()), "the other fact is listed")
    for memory in namespace.memories():
        assert memory["source"] == "extracted"
        assert memory["content"].startswith("User")
        assert memory["namespace"] == namespace.name
        assert memory["metadata"]

    ask(client, model, "Where do I live?")
    assert "Lisbon" in backend.last(model).messages[0]["content"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_what_the_assistant_promises_is_remembered(client, namespace, backend, model, streamed):
    pieces = ["Sure. I'll rem", "ember that you prefer", " dark mode", "."]
    backend.on(model, scripted.stream(pieces) if streamed else scripted.completion("".join(pieces)))
    answer = ask(client, model, "Please keep my taste in displays in mind.", stream=streamed)
    if streamed:
        list(answer)
    namespace.wait_for("User prefers dark mode")


def test_a_fact_is_stored_once(client, namespace, backend, model):
    backend.on(model, scripted.completion("Good to know."))
    for _ in range(3):
        ask(client, model, "I'm vegetarian.")
    # The queue is worked off in order, so the last fact says that the first three are done.
    ask(client, model, "I live in Lisbon.")
    namespace.wait_for("User is vegetarian", "User lives in Lisbon")


def test_a_request_can_ask_not_to_be_remembered(client, namespace, backend, model):
    backend.on(model, scripted.completion("Good to know."))
    ask(client, model, "I'm vegetarian.", extra_headers={"X-MAIA-Skip-Extract": "true"})
    ask(client, model, "I live in Lisbon.")
    namespace.wait_for("User lives in Lisbon")


def test_memories_outlive_the_process(start_maia, backend, model, connect):
    backend.on(model, scripted.completion("Good to know."))
    maia = start_maia(backend.url)
    ask(connect(maia), model, "I'm vegetarian.")
    # Stopped at once: what the answer did not wait for must be done at shutdown or after the restart.
    assert maia.stop() == 0, maia.log

    maia = start_maia(backend.url)
    Namespace(maia, "default").wait_for("User is vegetarian")
    ask(connect(maia), model, "Suggest something for dinner.")
    assert backend.last(model).messages[0] == {"role": "system", "content": "## Relevant Context\n\nUser is vegetarian"}
