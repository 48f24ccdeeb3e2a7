"""`langchain-openai`."""

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from serve import TEXTS, WEATHER, outcome, serve


class City(BaseModel):
    """A city and how many people live there."""

    city: str
    population: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER.format(city)


def connection(task):
    return {
        "base_url": task["base_url"],
        "api_key": task["api_key"],
        "default_headers": task["headers"],
        "model": task["model"],
        "max_retries": 0,
        "timeout": 60.0,
    }


def model(task):
    # `max_tokens` would be sent under OpenAI's newer name, which not every backend reads.
    return ChatOpenAI(**connection(task), temperature=0, extra_body={"max_tokens": task["max_tokens"]}, stream_usage=True)


def shown(message):
    """A message without the ids that LangChain makes up itself."""
    return {name: value for name, value in message.model_dump().items() if not str(value).startswith("lc_run-")}


def ask(task, content):
    answer = model(task).invoke([HumanMessage(content)])
    return outcome(answer.content, shown(answer))


def chat(task):
    return ask(task, task["question"])


def vision(task):
    return ask(task, [{"type": "text", "text": task["question"]}, {"type": "image_url", "image_url": {"url": task["image"]}}])


def stream(task):
    chunks = list(model(task).stream(task["question"]))
    return outcome("".join(chunk.content for chunk in chunks), [shown(chunk) for chunk in chunks])


def tools(task):
    bound = model(task).bind_tools([get_weather])
    messages = [HumanMessage(task["question"])]
    first = bound.invoke(messages)
    results = [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
    second = bound.invoke([*messages, first, *results])
    calls = [{"name": call["name"], "arguments": call["args"]} for call in first.tool_calls]
    return outcome(second.content, [shown(first), shown(second)], calls=calls)


def structured(task):
    answer = model(task).with_structured_output(City, include_raw=True).invoke(task["question"])
    return {"answer": {"value": answer["parsed"].model_dump()}, "object": shown(answer["raw"])}


def embeddings(task):
    # Its length check would fetch a tokenizer's tables from the network.
    embedder = OpenAIEmbeddings(**connection(task), check_embedding_ctx_length=False)
    vectors = embedder.embed_documents(TEXTS)
    return {"answer": {"vectors": vectors}, "object": vectors}


SCENARIOS = {
    **dict.fromkeys(["chat", "refused", "limited", "down"], chat),
    "stream": stream,
    "tools": tools,
    "structured": structured,
    "vision": vision,
    "embeddings": embeddings,
}

if __name__ == "__main__":
    serve(SCENARIOS, openai.APIError)
