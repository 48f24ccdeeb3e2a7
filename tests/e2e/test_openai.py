"""The official Python SDK must not notice that maia is in between: answers, streams, errors and every other call."""

import asyncio
import json
import threading

import httpx
import openai
import pytest

from support import backend as scripted
from support.clients import sdk_options
from support.processes import eventually

ASK = [{"role": "user", "content": "What is the capital of France?"}]
PIECES = ["The capital", " of France", " is", " Paris 🥖", ".", "\n", "Ünïcödé"]
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def test_an_answer_arrives_whole(client, backend, model):
    backend.on(model, scripted.completion("Paris."))
    answer = client.chat.completions.create(model=model, messages=ASK, seed=9007199254740993, temperature=1.0)
    assert answer.choices[0].message.content == "Paris."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == 12
    assert answer.model_extra["x_vendor"] == {"kept": True}


def test_the_request_arrives_as_the_sdk_wrote_it(client, backend, model):
    backend.on(model, scripted.completion("Paris."))
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    client.chat.completions.create(model=model, messages=ASK, tools=tools, seed=7, extra_body={"x_vendor": {"b": 1, "a": [None, 1.0]}})
    request = backend.last(model)
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.json == {"model": model, "messages": ASK, "tools": tools, "seed": 7, "x_vendor": {"b": 1, "a": [None, 1.0]}}
    assert request.headers["authorization"] == "Bearer sk-of-the-client"
    assert [name for name in request.headers if name.startswith("x-maia-")] == []


def test_responses_say_what_happened(client, backend, model):
    backend.on(model, scripted.completion("Paris."))
    raw = client.chat.completions.with_raw_response.create(model=model, messages=ASK)
    assert raw.headers["x-maia-memories-used"] == "0"
    assert raw.headers["x-maia-tokens-injected"] == "0"
    assert raw.headers["x-request-id"]
    assert raw.parse().choices[0].message.content == "Paris."


def test_an_answer_arrives_asynchronously(maia, namespace, backend, model):
    backend.on(model, scripted.completion("Paris."))

    async def ask_many():
        async with openai.AsyncOpenAI(**sdk_options(maia, namespace)) as sdk:
            return await asyncio.gather(*(sdk.chat.completions.create(model=model, messages=ASK) for _ in range(8)))

    assert [answer.choices[0].message.content for answer in asyncio.run(ask_many())] == ["Paris."] * 8
    assert len(backend.requests(model)) == 8


def test_a_stream_is_complete(client, backend, model):
    backend.on(model, scripted.stream(PIECES, usage=USAGE))
    chunks = list(client.chat.completions.create(model=model, messages=ASK, stream=True, stream_options={"include_usage": True}))
    assert [choice.delta.content for chunk in chunks for choice in chunk.choices] == ["", *PIECES, None]
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 12
    assert backend.last(model).json["stream_options"] == {"include_usage": True}


def test_a_stream_is_complete_asynchronously(maia, namespace, backend, model):
    backend.on(model, scripted.stream(PIECES, usage=USAGE))

    async def ask():
        async with openai.AsyncOpenAI(**sdk_options(maia, namespace)) as sdk:
            chunks = await sdk.chat.completions.create(model=model, messages=ASK, stream=True)
            return [chunk async for chunk in chunks]

    chunks = asyncio.run(ask())
    assert [choice.delta.content for chunk in chunks for choice in chunk.choices] == ["", *PIECES, None]
    assert chunks[-1].usage.total_tokens == 12


def test_stream_options_are_not_invented(client, backend, model):
    backend.on(model, scripted.stream(["Paris."]))
    list(client.chat.completions.create(model=model, messages=ASK, stream=True))
    assert backend.last(model).json == {"model": model, "messages": ASK, "stream": True}


def test_the_streaming_helper_puts_the_answer_together(client, backend, model):
    backend.on(model, scripted.stream(PIECES, usage=USAGE))
    with client.chat.completions.stream(model=model, messages=ASK) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content == "".join(PIECES)


def test_a_long_stream_is_identical_to_the_backends(maia, backend, model):
    """2,000 events as backends really send them: comments, CRLF, odd fields, and characters cut in two."""

    def chunks():
        yield b": ping\n\n"
        yield b'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\r\n\r\n'
        for number in range(2000):
            data = json.dumps({"choices": [{"index": number % 2, "delta": {"content": f"日本 {number}"}}], "x": 1.0}, ensure_ascii=False).encode()
            half = data.index("本".encode()) + 1
            yield b"id: 7\ndata:" + data[:half]
            yield data[half:] + (b"\r\n\r\n" if number % 3 else b"\n\n")
        yield b"data: [DONE]\n\n"

    backend.on(model, scripted.raw_stream(chunks))
    body = {"model": model, "messages": ASK, "stream": True}
    with httpx.Client(trust_env=False, timeout=60.0) as http:
        direct = http.post(f"{backend.url}/chat/completions", json=body)
        through = http.post(f"{maia.proxy_url}/chat/completions", json=body, headers={"X-MAIA-Skip-Extract": "true"})
    assert through.headers["content-type"] == direct.headers["content-type"]
    assert through.content == direct.content


def test_chunks_are_not_held_back(client, backend, model):
    """The backend sends the second piece only after the client has read the first."""
    read = threading.Event()

    def chunks():
        yield scripted.event([{"index": 0, "delta": {"content": "first"}, "finish_reason": None}])
        assert read.wait(15)
        yield scripted.event([{"index": 0, "delta": {"content": "second"}, "finish_reason": "stop"}])
        yield b"data: [DONE]\n\n"

    backend.on(model, scripted.raw_stream(chunks))
    stream = iter(client.chat.completions.create(model=model, messages=ASK, stream=True))
    assert next(stream).choices[0].delta.content == "first"
    read.set()
    assert next(stream).choices[0].delta.content == "second"
    assert list(stream) == []


def test_the_backend_is_released_when_the_client_goes_away(client, backend, model):
    def chunks():
        while not backend.stopping:
            yield scripted.event([{"index": 0, "delta": {"content": "on and on " * 100}, "finish_reason": None}])

    backend.on(model, scripted.raw_stream(chunks))
    stream = client.chat.completions.create(model=model, messages=ASK, stream=True)
    next(iter(stream))
    stream.close()
    eventually(backend.last(model).abandoned.is_set, "the backend's request was cancelled in mid-stream")


def test_the_backend_is_released_before_its_first_byte(maia, namespace, backend, model, connect):
    backend.on(model, scripted.Reply(hang=True))
    impatient = connect(maia, namespace, timeout=0.3)
    with pytest.raises(openai.APITimeoutError):
        impatient.chat.completions.create(model=model, messages=ASK)
    eventually(backend.last(model).abandoned.is_set, "the backend's request was cancelled")


def test_an_error_in_mid_stream_reaches_the_client(client, backend, model):
    def chunks():
        yield scripted.event([{"index": 0, "delta": {"content": "Pa"}, "finish_reason": None}])
        yield b'data: {"error": {"message": "The model crashed", "type": "server_error", "code": "crashed"}}\n\n'

    backend.on(model, scripted.raw_stream(chunks))
    stream = client.chat.completions.create(model=model, messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="The model crashed"):
        list(stream)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
class TestErrors:
    """Errors are raised as the class that the SDK has for them, with the message where the SDK looks for it."""

    def raised(self, client, kind, model, streamed):
        with pytest.raises(kind) as caught:
            client.chat.completions.create(model=model, messages=ASK, stream=streamed)
        return caught.value

    def test_the_backend_limits_the_rate(self, client, backend, model, streamed):
        backend.on(model, scripted.error(429, "Slow down", {"Retry-After": "17", "x-ratelimit-remaining-requests": "0"}))
        error = self.raised(client, openai.RateLimitError, model, streamed)
        assert error.status_code == 429
        assert error.body["message"] == "Slow down"
        assert error.response.headers["retry-after"] == "17"
        assert error.response.headers["x-ratelimit-remaining-requests"] == "0"
        assert len(backend.requests(model)) == 1

    def test_the_backend_breaks(self, client, backend, model, streamed):
        backend.on(model, scripted.html(500))
        error = self.raised(client, openai.InternalServerError, model, streamed)
        assert error.status_code == 500
        assert error.code == "backend_error"
        assert error.body["message"].startswith("Backend returned error: ")
        assert len(backend.requests(model)) == 1

    def test_the_backend_knows_no_such_model(self, client, backend, model, streamed):
        error = self.raised(client, openai.NotFoundError, model, streamed)
        assert error.code == "model_not_found"
        assert error.body["message"] == f"The model `{model}` does not exist"
        assert error.response.content == scripted.error(404, f"The model `{model}` does not exist", code="model_not_found").body
        assert len(backend.requests(model)) == 1

    def test_the_backend_is_too_slow(self, start_maia, backend, model, connect, streamed):
        backend.on(model, scripted.Reply(hang=True))
        maia = start_maia(backend.url, MAIA_PROXY_TIMEOUT="1s")
        error = self.raised(connect(maia), openai.InternalServerError, model, streamed)
        assert (error.status_code, error.code) == (504, "backend_timeout")
        assert error.body["message"] == "Backend request timed out"
        eventually(backend.last(model).abandoned.is_set, "the backend's request was cancelled")

    def test_no_backend_answers(self, start_maia, model, connect, streamed):
        # Nothing listens there any more once the backend is stopped.
        gone = scripted.ScriptedBackend()
        gone.stop()
        error = self.raised(connect(start_maia(gone.url)), openai.InternalServerError, model, streamed)
        assert (error.status_code, error.code) == (502, "backend_error")
        assert error.body["message"].startswith("Backend returned error: ")

    def test_maia_limits_the_rate(self, start_maia, backend, model, connect, streamed):
        backend.on(model, scripted.stream(["Paris."]) if streamed else scripted.completion("Paris."))
        client = connect(start_maia(backend.url, MAIA_SECURITY_RATE_LIMIT_RPS="1", MAIA_SECURITY_RATE_LIMIT_BURST="1"))

        def limited():
            try:
                client.chat.completions.create(model=model, messages=ASK, stream=streamed)
            except openai.RateLimitError as error:
                return error
            return None

        error = eventually(limited, "the rate limit")
        assert error.code == "rate_limited"
        assert error.body["message"] == "Rate limit exceeded"
        assert error.body["type"] == "rate_limit_error"
        assert int(error.response.headers["retry-after"]) >= 1
        for name in ("limit", "remaining", "reset"):
            assert error.response.headers[f"x-ratelimit-{name}"].isdigit()

    @pytest.mark.parametrize(
        ("header", "value"),
        [("X-MAIA-Namespace", "-no name-"), ("X-MAIA-Token-Budget", "many"), ("X-MAIA-Token-Budget", "0"), ("X-MAIA-Skip-Memory", "perhaps")],
    )
    def test_a_header_cannot_be_understood(self, maia, backend, model, connect, streamed, header, value):
        error = self.raised(connect(maia, default_headers={header: value}), openai.BadRequestError, model, streamed)
        assert header.lower() in error.body["message"].lower()
        assert backend.requests(model) == []

    def test_maia_asks_for_its_key(self, start_maia, backend, model, connect, streamed):
        backend.on(model, scripted.stream(["Paris."]) if streamed else scripted.completion("Paris."))
        maia = start_maia(backend.url, MAIA_SECURITY_API_KEY="key-of-maia")
        self.raised(connect(maia), openai.AuthenticationError, model, streamed)
        assert backend.requests(model) == []

        answer = connect(maia, default_headers={"X-API-Key": "key-of-maia"}).chat.completions.create(model=model, messages=ASK, stream=streamed)
        assert streamed is False or len(list(answer)) == 3
        headers = backend.last(model).headers
        assert headers["authorization"] == "Bearer sk-of-the-client"
        assert "key-of-maia" not in str(headers)


def test_the_backends_key_replaces_the_clients(start_maia, backend, model, connect):
    backend.on(model, scripted.completion("Paris."))
    maia = start_maia(backend.url, MAIA_PROXY_BACKEND_API_KEY="key-of-the-backend", MAIA_SECURITY_API_KEY="key-of-maia")
    connect(maia, api_key="key-of-maia").chat.completions.create(model=model, messages=ASK)
    headers = backend.last(model).headers
    assert headers["authorization"] == "Bearer key-of-the-backend"
    assert "key-of-maia" not in str(headers)
    assert "key-of-the-backend" not in maia.log


def test_every_other_call_is_relayed(client, backend, model):
    backend.on("/v1/models", scripted.Reply(body=b'{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"me"}]}'))
    assert [entry.id for entry in client.models.list()] == ["m"]

    embedded = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}], "model": "e", "usage": None}
    backend.on(model, scripted.Reply(body=json.dumps(embedded).encode()))
    vector = client.embeddings.create(model=model, input="What do you know about me?", encoding_format="float").data[0].embedding
    assert vector == [0.5, 1.0]
    assert backend.last(model).path == "/v1/embeddings"

    backend.on(model, scripted.error(429, "Slow down", {"Retry-After": "3"}))
    with pytest.raises(openai.RateLimitError):
        client.embeddings.create(model=model, input="again")
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve("file-of-nobody")
    assert backend.last("/v1/files/file-of-nobody").method == "GET"
