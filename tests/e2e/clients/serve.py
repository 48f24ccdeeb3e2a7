"""What the Python clients share: a task a line comes in as JSON, and what the client made of it goes out the same way.

A task names a scenario and everything that differs between runs of it. The outcome has two parts: `answer`, in which all
clients agree (text, calls, value, vectors, ids, error), and `object`, the client's own result as fully as it can be shown.
"""

import json
import sys
import traceback

WEATHER = "24 °C in {}"
TEXTS = ["one"]


def outcome(text, result, **more):
    return {"answer": {**more, "text": text}, "object": result}


def error(kind, *, status=None, code=None, message=None, retry_after=None):
    """What a client says of an error. What it does not say stays `None`, and is not judged."""
    said = {"class": kind, "status": status, "code": code, "message": message, "retry_after": retry_after}
    return {"answer": {"error": said}, "object": None}


def openai_error(raised):
    """An exception of the `openai` package, on which several clients are built."""
    headers = raised.response.headers if hasattr(raised, "response") else {}
    message = raised.body.get("message") if isinstance(raised.body, dict) else str(raised)
    status = getattr(raised, "status_code", None)
    return error(type(raised).__name__, status=status, code=raised.code, message=message, retry_after=headers.get("retry-after"))


def serve(scenarios, sdk_error=None, to_error=openai_error):
    """Answers until the input ends. `sdk_error` is what the client raises; anything else is a fault of the test."""
    output = sys.stdout
    # What a library prints must not get between the answers.
    sys.stdout = sys.stderr
    for line in sys.stdin:
        task = json.loads(line)
        try:
            result = scenarios[task["scenario"]](task)
        except Exception as raised:
            known = sdk_error is not None and isinstance(raised, sdk_error)
            result = to_error(raised) if known else {"crash": traceback.format_exc()}
        print(json.dumps(result, default=str), file=output, flush=True)
