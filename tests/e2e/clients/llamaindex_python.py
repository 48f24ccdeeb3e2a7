"""`llama-index-llms-openai-like`."""

import openai
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel
from serve import WEATHER, outcome, serve


class City(BaseModel):
    """A city and how many people live there."""

    city: str
    population: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER.format(city)


def model(task):
    return OpenAILike(
        model=task["model"],
        api_base=task["base_url"],
        api_key=task["api_key"],
        default_headers=task["headers"],
        is_chat_model=True,
        is_function_calling_model=True,
        should_use_structured_outputs=True,
        temperature=0,
        max_tokens=task["max_tokens"],
        max_retries=0,
        timeout=60.0,
    )


def shown(response):
    return response.model_dump(mode="json")


def chat(task):
    answer = model(task).chat([ChatMessage(role="user", content=task["question"])])
    return outcome(answer.message.content, shown(answer))


def vision(task):
    blocks = [TextBlock(text=task["question"]), ImageBlock(url=task["image"])]
    answer = model(task).chat([ChatMessage(role="user", blocks=blocks)])
    return outcome(answer.message.content, shown(answer))


def stream(task):
    parts = list(model(task).stream_chat([ChatMessage(role="user", content=task["question"])]))
    return outcome("".join(part.delta or "" for part in parts), [shown(part) for part in parts])


def tools(task):
    llm = model(task)
    tool = FunctionTool.from_defaults(get_weather)
    messages = [ChatMessage(role="user", content=task["question"])]
    first = llm.chat_with_tools([tool], chat_history=messages)
    calls = llm.get_tool_calls_from_response(first)
    messages.append(first.message)
    for call in calls:
        content = tool(**call.tool_kwargs).content
        messages.append(ChatMessage(role="tool", content=content, additional_kwargs={"tool_call_id": call.tool_id}))
    second = llm.chat_with_tools([tool], chat_history=messages)
    said = [{"name": call.tool_name, "arguments": call.tool_kwargs} for call in calls]
    return outcome(second.message.content, [shown(first), shown(second)], calls=said)


def structured(task):
    answer = model(task).as_structured_llm(City).chat([ChatMessage(role="user", content=task["question"])])
    return {"answer": {"value": answer.raw.model_dump()}, "object": shown(answer)}


SCENARIOS = {
    **dict.fromkeys(["chat", "refused", "limited", "down"], chat),
    "stream": stream,
    "tools": tools,
    "structured": structured,
    "vision": vision,
}

if __name__ == "__main__":
    serve(SCENARIOS, openai.APIError)
