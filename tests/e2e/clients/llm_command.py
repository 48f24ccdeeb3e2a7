"""The `llm` command, configured as its users do: models in `extra-openai-models.yaml`, a key in the environment.

What it shows of an answer is what it prints and what it logs to its own database; both are compared. The command runs
inside this process, which spares its long start: it does the same there.
"""

import base64
import json
import pathlib
import tempfile

from click.testing import CliRunner
from llm.cli import cli
from serve import TEXTS, WEATHER, outcome, serve

FUNCTION = f'''def get_weather(city: str) -> str:
    """The weather in a city."""
    return {WEATHER!r}.format(city)
'''


class Failed(Exception):
    """It ended with an error; all that it says of it is one line."""


def run(task, folder, *arguments):
    environment = {"LLM_USER_PATH": str(folder), "OPENAI_API_KEY": task["api_key"], "OPENAI_BASE_URL": task["base_url"]}
    done = CliRunner(env=environment).invoke(cli, arguments)
    if done.exit_code == 1 and done.stderr.startswith("Error: "):
        raise Failed(done.stderr)
    if done.exit_code != 0:
        raise RuntimeError(f"llm {arguments[0]} ended with {done.exit_code}:\n{done.output}") from done.exception
    return done.stdout


def home(task, folder):
    entry = {
        "model_id": task["model"],
        "model_name": task["model"],
        "api_base": task["base_url"],
        "api_key_name": "maia",
        "headers": task["headers"],
        "supports_tools": True,
        "supports_schema": True,
        "vision": True,
    }
    # JSON is YAML.
    (folder / "extra-openai-models.yaml").write_text(json.dumps([entry]))


def prompt(task, arguments):
    """What it printed, and what it logged without what differs between any two runs. `arguments` gets the folder of the run."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        home(task, folder)
        sampling = ["-o", "temperature", "0", "-o", "max_tokens", str(task["max_tokens"])]
        printed = run(task, folder, "prompt", "-m", task["model"], "--key", task["api_key"], *sampling, *arguments(folder), task["question"])
        logged = json.loads(run(task, folder, "logs", "--json", "--count", "0"))
    kept = [{key: entry.get(key) for key in ("prompt", "response", "response_json", "input_tokens", "output_tokens")} for entry in logged]
    calls = [{"name": call["name"], "arguments": call["arguments"]} for entry in logged for call in entry.get("tool_calls") or []]
    return printed.removesuffix("\n"), kept, calls


def chat(task):
    printed, logged, _ = prompt(task, lambda _: ["--no-stream"])
    return outcome(printed, logged)


def stream(task):
    printed, logged, _ = prompt(task, lambda _: [])
    return outcome(printed, logged)


def tools(task):
    printed, logged, calls = prompt(task, lambda _: ["--no-stream", "--functions", FUNCTION])
    return outcome(printed, logged, calls=calls)


def structured(task):
    printed, logged, _ = prompt(task, lambda _: ["--no-stream", "--schema", "city str, population int"])
    return {"answer": {"value": json.loads(printed)}, "object": logged}


def vision(task):
    def picture(folder):
        path = folder / "picture.png"
        path.write_bytes(base64.b64decode(task["image"].partition(",")[2]))
        return ["--no-stream", "-a", str(path)]

    printed, logged, _ = prompt(task, picture)
    return outcome(printed, logged)


def embeddings(task):
    """It knows OpenAI's own embedding models, and sends no header of ours."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        vectors = [json.loads(run(task, folder, "embed", "-m", task["model"], "-c", text)) for text in TEXTS]
    return {"answer": {"vectors": vectors}, "object": vectors}


def models(task):
    with tempfile.TemporaryDirectory() as name:
        headers = [part for header in task["headers"].items() for part in ("-H", *header)]
        printed = run(task, pathlib.Path(name), "openai", "endpoint", task["base_url"], "--models", "--key", task["api_key"], *headers)
    return {"answer": {"ids": printed.split()}, "object": printed}


def to_error(raised):
    """`Error: Error code: 404 - {'error': {…}}`"""
    return {"answer": {"error": {"class": "Error", "line": str(raised).strip()}}, "object": None}


SCENARIOS = {
    **dict.fromkeys(["chat", "refused", "limited", "down"], chat),
    "stream": stream,
    "tools": tools,
    "structured": structured,
    "vision": vision,
    "embeddings": embeddings,
    "models": models,
}

if __name__ == "__main__":
    serve(SCENARIOS, Failed, to_error)
