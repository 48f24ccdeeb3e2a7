"""A real model behind maia, asked by the official SDK: llama.cpp's server is as strict about a request as any backend."""

import openai
import pytest

from support.clients import Namespace, sdk_options
from support.processes import Maia, eventually

SHORT = {"max_tokens": 24, "temperature": 0, "seed": 1}


@pytest.fixture(scope="module")
def memory(binary, model_server, tmp_path_factory):
    """A maia in front of the model."""
    running = Maia(binary, tmp_path_factory.mktemp("real"), model_server.url)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture
def known(memory, request):
    """A namespace with one memory in it."""
    space = Namespace(memory, request.node.name)
    space.create()
    space.remember("User's daughter Mara is allergic to peanuts")
    return space


QUESTION = {"role": "user", "content": "What is my daughter Mara allergic to?"}


@pytest.fixture
def namespace_client(memory, known):
    with openai.OpenAI(**sdk_options(memory, known, timeout=120.0)) as sdk:
        yield sdk


def test_it_answers_whole(namespace_client, model_server):
    create = namespace_client.chat.completions.with_raw_response.create
    raw = create(model=model_server.model, messages=[QUESTION], **SHORT)
    answer = raw.parse()
    assert raw.headers["x-maia-memories-used"] == "1"
    assert answer.choices[0].message.content.strip()
    assert answer.choices[0].finish_reason in {"stop", "length"}
    # The block is in what the model read, not only in what maia says it sent.
    without = create(model=model_server.model, messages=[QUESTION], extra_headers={"X-MAIA-Skip-Memory": "true"}, **SHORT).parse()
    assert answer.usage.prompt_tokens != without.usage.prompt_tokens


def test_it_answers_as_a_stream(namespace_client, model_server):
    stream = namespace_client.chat.completions.create(
        model=model_server.model, messages=[QUESTION], stream=True, stream_options={"include_usage": True}, **SHORT
    )
    chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text.strip()
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason][0] in {"stop", "length"}
    assert chunks[-1].usage.completion_tokens > 0


@pytest.mark.parametrize("position", ["system", "first_user", "before_last", "last_user"])
def test_its_template_takes_every_position(memory, model_server, connect, position):
    space = Namespace(memory, f"position-{position}")
    space.create(context_position=position)
    space.remember("User's daughter Mara is allergic to peanuts")
    earlier = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello!"}]
    raw = connect(memory, space).chat.completions.with_raw_response.create(model=model_server.model, messages=[*earlier, QUESTION], **SHORT)
    assert raw.headers["x-maia-memories-used"] == "1"
    assert raw.parse().choices[0].message.content.strip()


def test_it_is_told_a_fact_and_the_fact_is_listed(memory, model_server, connect):
    space = Namespace(memory, "told")
    client = connect(memory, space)
    stream = client.chat.completions.create(
        model=model_server.model, messages=[{"role": "user", "content": "I live in Lisbon."}], stream=True, **SHORT
    )
    assert list(stream)
    # What else the model says may be remembered too.
    eventually(lambda: "User lives in Lisbon" in space.contents(), "the fact is listed")


def test_its_models_are_listed(namespace_client, model_server):
    assert model_server.model in [entry.id for entry in namespace_client.models.list()]
