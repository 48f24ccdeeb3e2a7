"""Two judges of OpenAI-compatible APIs, asked three times: about the backend itself, through maia, and with a memory for every question.

Not their scores are of interest, which are the backend's, but that maia changes none of them.
"""

import json
import subprocess
import sys
import uuid

import pytest

from support.clients import Namespace
from support.drivers import HERE
from support.processes import clean_environment

# What the judges ask. A memory in a question's own words is always found.
QUESTIONS = [
    "Say hello in exactly 3 words.",
    "Say hello.",
    "What is my name? Reply with just the name.",
    "What is the weather in San Francisco?",
    "Count from 1 to 5.",
    "Say one word.",
    "Describe this image briefly.",
    "What is 15 * 37? Show your reasoning.",
    "Reply briefly with CANARY_OK.",
    "Call the provided tool with value CANARY_OK.",
    "Return the requested compatibility status.",
    "test",
]
# For these no memory is searched.
NO_TELLING_WORDS = ["Say hello."]
# One that the judges take for a model that reasons, so that they ask for that too.
MODEL = "gpt-5-judged"
KEY = "sk-of-the-judge"


def judged(command, **environment):
    """The report of a judge. Both end with an error code where the backend is found wanting, which is not the question."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**clean_environment(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise AssertionError(f"{command[0]} ended with {done.returncode} and no report:\n{done.stdout}{done.stderr}") from None


def llm_comply(format):
    def ask(url, headers):
        more = ["-H", ",".join(f"{name}:{value}" for name, value in headers.items())] if headers else []
        command = [sys.executable, "-m", "llm_comply.cli", "--format", format, "-u", url, "-k", KEY, "-m", MODEL, "--json", *more]
        return {result["id"]: (result["status"], result.get("errors", []), result.get("warnings", [])) for result in judged(command)["results"]}

    return ask


def compatcanary(url, headers):
    more = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    script = HERE / "node" / "node_modules" / "compatcanary" / "src" / "cli.js"
    command = ["node", script, "scan", "--base-url", url, "--model", MODEL, "--format", "json", "--fail-on", "never", *more]
    report = judged(command, OPENAI_API_KEY=KEY)
    kept = ("status", "summary", "evidence", "error")
    return {"score": (report["score"],), **{result["id"]: tuple(result.get(name) for name in kept) for result in report["results"]}}


JUDGES = {
    "llm-comply, chat": llm_comply("openai-chat"),
    "llm-comply, responses": llm_comply("open-responses"),
    "compatcanary": compatcanary,
}


@pytest.mark.parametrize("judge", JUDGES)
def test_the_verdict_is_the_same(judge, aimock, maia_on_aimock, record_property):
    empty, full = (Namespace(maia_on_aimock, f"judge-{uuid.uuid4()}") for _ in range(2))
    for namespace in (empty, full):
        namespace.create()
    for question in QUESTIONS:
        full.remember(f"User asked: {question}")

    verdicts, received = {}, {}
    for way, url, headers in [
        ("direct", aimock.url, {}),
        ("maia", maia_on_aimock.proxy_url, {"X-MAIA-Namespace": empty.name}),
        ("memory", maia_on_aimock.proxy_url, {"X-MAIA-Namespace": full.name}),
    ]:
        aimock.forget()
        verdicts[way] = JUDGES[judge](url, headers)
        received[way] = aimock.requests()

    tests = list(verdicts["direct"])
    record_property("conformance", (judge, "aimock", tuple((test, tuple(str(verdicts[way].get(test, [""])[0]) for way in verdicts)) for test in tests)))
    assert tests
    assert verdicts["maia"] == verdicts["direct"]
    assert verdicts["memory"] == verdicts["direct"]
    assert received["maia"] == received["direct"]
    for (path, direct), (_, remembering) in zip(received["direct"], received["memory"], strict=True):
        if path.endswith("/chat/completions") and direct["messages"][-1]["content"] not in NO_TELLING_WORDS:
            assert "## Relevant Context" in json.dumps(remembering["messages"][0])
        else:
            assert remembering == direct
