"""What the judge cannot know: rules of maia that a description in OpenAPI 3.1 has no words for, by the errors that they lead to.

Such an error may be the answer to a request that the description allows. Anything else that is found counts.
"""

import itertools

import schemathesis

# Rules that hold between parameters, or between a parameter and the body: OpenAPI describes each of them by itself.
BETWEEN_PARAMETERS = [
    ("offset", "a cursor says where the page begins"),
    ("sort", "is not the order that the cursor is a place in"),
    ("namespace", "stands in the address and in the body"),
    # A deletion, a move and a copy need a filter (or ids), whichever.
    (None, "name at least one of type, source, tag"),
    ("ids", "is missing; name the memories, or give a filter"),
    ("ids", "stands beside a filter"),
    # The two namespaces may be one by name and id.
    ("to", "is the namespace that they are in"),
    # `null` is as good as nothing, so `dependentRequired` does not see it.
    ("conversation_id", "is missing; role and speaker belong to a conversation"),
]
# A cursor says nothing to anybody but the server that gave it, so the description does not say what it looks like.
OPAQUE = [("cursor", "is no cursor of this list")]
# What somebody else has done meanwhile, or a request before.
DEPENDS_ON_WHAT_WAS = ["precondition_failed", "idempotency_key_reused"]


def is_explained(error):
    param, message, code = (error.get(name) for name in ("param", "message", "code"))
    if code in DEPENDS_ON_WHAT_WAS:
        return True
    of_batch = (param or "").split(".")[-1] if (param or "").startswith("memories[") else param
    return any(of_batch == name and rule in message for name, rule in BETWEEN_PARAMETERS + OPAQUE)


def json_error(response):
    try:
        return response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return None


@schemathesis.hook
def filter_failure(context, failure, case, response):
    del context, case
    kind = type(failure).__name__
    if kind == "RejectedPositiveData":
        error = json_error(response)
        return not (error and is_explained(error))
    # A header that nobody knows is passed over, as HTTP has it (RFC 9110, section 5.1).
    return not (kind == "AcceptedNegativeData" and "Invalid component: in header - object with unexpected properties" in failure.message)


keys = itertools.count()


@schemathesis.hook
def map_headers(context, headers):
    """A key stands for one request; the same in each would be refused but for the first time."""
    del context
    if headers and len(headers.get("Idempotency-Key") or "") == len("4c0d7a1e"):
        headers["Idempotency-Key"] = f"{next(keys):08x}"
    return headers
