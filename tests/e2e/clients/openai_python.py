"""The official `openai` package, in whichever major version is found first."""

import json

import openai
from pydantic import BaseModel
from serve import TEXTS, WEATHER, outcome, serve

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    city: str
    population: int


def client(task):
    return openai.OpenAI(base_url=task["base_url"], api_key=task["api_key"], default_headers=task["headers"], max_retries=0, timeout=60.0)


def options(task):
    return {"model": task["model"], "temperature": 0, "max_tokens": task["max_tokens"]}


def ask(task, content):
    with client(task) as sdk:
        answer = sdk.chat.completions.create(messages=[{"role": "user", "content": content}], **options(task))
    return outcome(answer.choices[0].message.content, answer.model_dump())


def chat(task):
    return ask(task, task["question"])


def vision(task):
    return ask(task, [{"type": "text", "text": task["question"]}, {"type": "image_url", "image_url": {"url": task["image"]}}])


def stream(task):
    messages = [{"role": "user", "content": task["question"]}]
    with client(task) as sdk:
        chunks = list(sdk.chat.completions.create(messages=messages, stream=True, stream_options={"include_usage": True}, **options(task)))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    return outcome(text, [chunk.model_dump() for chunk in chunks])


def tools(task):
    messages = [{"role": "user", "content": task["question"]}]
    with client(task) as sdk:
        first = sdk.chat.completions.create(messages=messages, tools=[TOOL], **options(task))
        message = first.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        calls = []
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            calls.append({"name": call.function.name, "arguments": arguments})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": WEATHER.format(arguments["city"])})
        second = sdk.chat.completions.create(messages=messages, tools=[TOOL], **options(task))
    return outcome(second.choices[0].message.content, [first.model_dump(), second.model_dump()], calls=calls)


def structured(task):
    with client(task) as sdk:
        answer = sdk.chat.completions.parse(messages=[{"role": "user", "content": task["question"]}], response_format=City, **options(task))
    return {"answer": {"value": answer.choices[0].message.parsed.model_dump()}, "object": answer.model_dump()}


def embeddings(task):
    with client(task) as sdk:
        answer = sdk.embeddings.create(model=task["model"], input=TEXTS, encoding_format="float")
    return {"answer": {"vectors": [item.embedding for item in answer.data]}, "object": answer.model_dump()}


def models(task):
    with client(task) as sdk:
        listed = list(sdk.models.list())
    return {"answer": {"ids": [model.id for model in listed]}, "object": [model.model_dump() for model in listed]}


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
    serve(SCENARIOS, openai.APIError)
