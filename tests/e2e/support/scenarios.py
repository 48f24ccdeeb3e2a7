"""What every client is asked to do, what the backend answers, and what the client must make of it."""

import json
from dataclasses import dataclass, field

from . import backend as scripted

QUESTION = "What is my daughter Mara allergic to?"
MEMORY = "User's daughter Mara is allergic to peanuts"
BLOCK = f"## Relevant Context\n\n{MEMORY}"
# One pixel.
IMAGE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
PIECES = ["Peanuts", " 🥜, ", "as far as ", "I know:\n", "Erdnüsse."]
TEXT = "".join(PIECES)
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Lisbon"}'}}
CITY = {"city": "Lisbon", "population": 545796}
VECTOR = [0.5, -0.25, 1.0]


@dataclass
class Scenario:
    """`replies` are the backend's, in order; the last is repeated. `chat`: it asks a question, so memory applies."""

    name: str
    replies: list
    answer: dict
    chat: bool = True


def _json(body):
    return scripted.Reply(body=json.dumps(body).encode())


def _calling():
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    return scripted.completion(None, choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])


def _refusal():
    return scripted.error(404, "The model does not exist", code="model_not_found")


def _limit():
    return scripted.error(429, "Slow down", {"Retry-After": "1", "x-ratelimit-remaining-requests": "0"}, code="slow_down")


_EMBEDDINGS = {
    "object": "list",
    "model": "scripted",
    "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
_MODELS = {
    "object": "list",
    "data": [{"id": name, "object": "model", "created": 1, "owned_by": "nobody"} for name in ("small", "large")],
}

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("chat", [scripted.completion(TEXT)], {"text": TEXT}),
        Scenario("stream", [scripted.stream(PIECES, usage=USAGE)], {"text": TEXT}),
        Scenario(
            "tools",
            [_calling(), scripted.completion(TEXT)],
            {"calls": [{"name": "get_weather", "arguments": {"city": "Lisbon"}}], "text": TEXT},
        ),
        Scenario("structured", [scripted.completion(json.dumps(CITY))], {"value": CITY}),
        Scenario("vision", [scripted.completion(TEXT)], {"text": TEXT}),
        Scenario("embeddings", [_json(_EMBEDDINGS)], {"vectors": [VECTOR]}, chat=False),
        Scenario("models", [_json(_MODELS)], {"ids": ["small", "large"]}, chat=False),
        # Errors: of the backend, relayed …
        Scenario("refused", [_refusal()], {"error": {"status": 404, "code": "model_not_found", "message": "The model does not exist"}}),
        Scenario("limited", [_limit()], {"error": {"status": 429, "code": "slow_down", "message": "Slow down", "retry_after": "1"}}),
        # … and of maia, where no backend answers.
        Scenario("down", [], {"error": {"status": 502, "code": "backend_error", "message": "Backend returned error: no connection to "}}),
    )
}


@dataclass
class Client:
    """A client: how its program is started, and how it calls the errors. `lacks` says what it does not offer, and why."""

    name: str
    command: str
    errors: dict
    lacks: dict = field(default_factory=dict)
    # Where the client decides on the model's name.
    models: dict = field(default_factory=dict)
    # How its `User-Agent` begins, where two versions of it must not be mixed up.
    agent: str = ""

    @property
    def scenarios(self):
        return [name for name in SCENARIOS if name not in self.lacks]


_OPENAI = {"refused": "NotFoundError", "limited": "RateLimitError", "down": "InternalServerError"}
_LANGCHAIN = {"refused": "OpenAIModelNotFoundError", "limited": "OpenAIRateLimitError", "down": "OpenAIAPIError"}


def _always(name):
    return dict.fromkeys(_OPENAI, name)


# `python`, `node` and `rust` are completed by `support/drivers.py`.
CLIENTS = {
    client.name: client
    for client in (
        Client("openai 2 (Python)", "python openai_python.py", _OPENAI, agent="OpenAI/Python 2."),
        Client("openai 3 (Python)", "python3 openai_python.py", _OPENAI, agent="OpenAI/Python 3."),
        Client("openai (Node)", "node openai.js", _OPENAI),
        Client("langchain-openai", "python langchain_python.py", _LANGCHAIN, {"models": "LangChain has no call for it"}),
        Client(
            "llama-index openai-like",
            "python llamaindex_python.py",
            _OPENAI,
            {"models": "LlamaIndex has no call for it", "embeddings": "its embeddings are another package"},
        ),
        Client(
            "llm (command line)",
            "python3 llm_command.py",
            _always("Error"),
            models={"embeddings": "text-embedding-3-small"},
        ),
        Client("ai (Vercel)", "node ai.js", _always("AI_APICallError"), {"models": "the SDK has no call for it"}),
        Client("async-openai (Rust)", "rust", _always("ApiError")),
    )
}
