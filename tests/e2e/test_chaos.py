"""Faults that aimock makes on demand, met by the official SDK direct and through maia: never a hang, never an answer that is none."""

import json

import openai
import pytest

from support.clients import sdk_options

ASK = {"model": "chat", "messages": [{"role": "user", "content": "What is the capital of France?"}]}


def raised(client, fault, stream):
    with pytest.raises(Exception) as caught:
        list(client.chat.completions.create(**ASK, stream=stream, extra_headers={f"X-AIMock-Chaos-{fault}": "1"}))
    return caught.value


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("fault", "direct_kind", "kind", "status", "code"),
    [
        ("RateLimit", openai.RateLimitError, openai.RateLimitError, 429, "chaos_ratelimit"),
        # An error 5xx is put into one shape, with the backend's own words and status.
        ("Drop", openai.InternalServerError, openai.InternalServerError, 500, "backend_error"),
        # Nobody is there to answer, so maia does.
        ("Disconnect", openai.APIConnectionError, openai.InternalServerError, 502, "backend_error"),
    ],
)
def test_a_fault_is_an_error_of_its_kind(aimock, maia_on_aimock, connect, fault, direct_kind, kind, status, code, stream):
    with openai.OpenAI(**{**sdk_options(maia_on_aimock), "base_url": aimock.url}) as direct:
        assert type(raised(direct, fault, stream)) is direct_kind
    error = raised(connect(maia_on_aimock), fault, stream)
    assert type(error) is kind
    assert (error.status_code, error.code) == (status, code)


def test_a_broken_answer_is_relayed_as_it_is(aimock, maia_on_aimock, connect):
    """It says 200 and JSON, and is none: both ways the SDK says so, and the bytes are the same."""
    with openai.OpenAI(**{**sdk_options(maia_on_aimock), "base_url": aimock.url}) as direct:
        errors = [raised(client, "Malformed", False) for client in (direct, connect(maia_on_aimock))]
    assert [type(error) for error in errors] == [json.JSONDecodeError, json.JSONDecodeError]
    assert errors[0].doc == errors[1].doc


def test_it_goes_on_after_every_fault(maia_on_aimock, connect):
    client = connect(maia_on_aimock)
    for fault in ("Drop", "Disconnect", "RateLimit", "Malformed"):
        raised(client, fault, False)
        assert client.chat.completions.create(**ASK).choices[0].message.content
