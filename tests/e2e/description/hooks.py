"""What the judge cannot know: rules of maia that a description in OpenAPI 3.1 has no words for, by the errors that they lead to.

Such an error may be the answer to a request that the description allows. Anything else that is found counts.
"""

import itertools

import schemathesis

# Rules that hold between parameters, or between a parameter and the body: OpenAPI describes each of them by itself.
BETWEEN_PARAMETERS = [
    # A deletion, a move and a copy need a filter (or ids), whichever.
    (None, "name at least one of type, source, tag"),
    ("ids", "is missing; name the memories, or give a filter"),
    ("ids", "stands beside a filter"),
    # The two namespaces may be one by name and id.
    ("to", "is the namespace that they are in"),
    # A key is for some namespaces, or with the right admin for all.
    ("namespaces", "is missing"),
    ("namespaces", 'must be ["*"] or left out with the right admin'),
    # `null` is as good as nothing, so `dependentRequired` does not see it.
    ("conversation_id", "is missing; role and speaker belong to a conversation"),
]
# What somebody else has done meanwhile, or a request before.
DEPENDS_ON_WHAT_WAS = ["precondition_failed", "idempotency_key_reused"]


def is_explained(error):
    param, message, code = (error.get(name) for name in ("param", "message", "code"))
    if code in DEPENDS_ON_WHAT_WAS:
        return True
    of_batch = (param or "").split(".")[-1] if (param or "").startswith("memories[") else param
    return any(of_batch == name and rule in message for name, rule in BETWEEN_PARAMETERS)


def json_error(response):
    try:
        return response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return None


def outcomes(response):
    """What became of each memory of a batch that goes on in spite of bad ones: those are refused in a 200."""
    try:
        data = response.json()["data"]
    except (ValueError, KeyError, TypeError):
        return []
    return [item for item in data if isinstance(item, dict) and "error" in item]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    del context, case
    kind = type(failure).__name__
    if kind == "RejectedPositiveData":
        error = json_error(response)
        return not (error and is_explained(error))
    if kind == "AcceptedNegativeData" and any(outcome.get("status") == 400 for outcome in outcomes(response)):
        return False
    # A header that nobody knows is passed over, as HTTP has it (RFC 9110, section 5.1).
    return not (kind == "AcceptedNegativeData" and "Invalid component: in header - object with unexpected properties" in failure.message)


calls = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes the parts of a valid request fit each other, so that it gets further than to the rules between them."""
    del context, kwargs
    if not case.meta or not case.meta.generation.mode.is_positive:
        return
    number = next(calls)
    headers, query, body = case.headers or {}, case.query or {}, case.body
    key = headers.get("Idempotency-Key") or ""
    if len(key) >= 8:
        headers["Idempotency-Key"] = f"{number:08x}{key[8:]}"
    # Any version in every other request; what is said where it is another one is a rule of its own.
    if "If-Match" in headers and number % 2:
        headers["If-Match"] = "*"
    # Only the server makes cursors, and beside one there is no offset.
    query.pop("cursor", None)
    if "namespace" in query and isinstance(body, dict) and "namespace" in body:
        del query["namespace"]
