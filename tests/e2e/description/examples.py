"""Holds every example of a description against its schema: `python examples.py openapi.json` prints those that break it.

Every request body must have one.
"""

import json
import sys

from openapi_schema_validator import OAS31Validator


def main(path):
    with open(path) as file:
        document = json.load(file)
    checked, problems = 0, []

    def check(where, schema, value):
        nonlocal checked
        checked += 1
        # What it refers to is found from its own root.
        validator = OAS31Validator({**schema, "components": document["components"]}, format_checker=OAS31Validator.FORMAT_CHECKER)
        problems.extend(f"{where}: {error.message}" for error in validator.iter_errors(value))

    def walk(where, node):
        if isinstance(node, list):
            for index, item in enumerate(node):
                walk(f"{where}/{index}", item)
        elif isinstance(node, dict):
            schema = node.get("schema")
            if isinstance(schema, dict) and "example" in node:
                check(f"{where}/example", schema, node["example"])
            if "type" in node or "allOf" in node:
                for index, value in enumerate(node.get("examples", [])):
                    check(f"{where}/examples/{index}", {name: part for name, part in node.items() if name != "examples"}, value)
            for name, item in node.items():
                if name not in ("example", "examples"):
                    walk(f"{where}/{name}", item)

    walk("#", document)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody")
            if body and not has_example(document, body["content"]["application/json"]["schema"]):
                problems.append(f"{method} {path}: the body has no example")
    print(f"{checked} examples")
    for problem in problems:
        print(problem)
    return 1 if problems or checked < 200 else 0


def has_example(document, schema):
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return bool(schema.get("examples"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
