"""A conversation with memory: the official `openai` package for the chat, `httpx` for the memories.

    pip install openai httpx
    python examples/memory.py

MAIA_URL names maia (http://localhost:8080), MODEL the model (the first that the backend lists), MAIA_KEY maia's key where it has one, and
OPENAI_API_KEY the backend's where maia does not know it.
"""

import os
import time

import httpx
import openai

URL = os.environ.get("MAIA_URL", "http://localhost:8080").rstrip("/")
NAMESPACE = "example-user"
KEY = {"X-API-Key": os.environ["MAIA_KEY"]} if "MAIA_KEY" in os.environ else {}

chat = openai.OpenAI(
    base_url=f"{URL}/proxy/v1",
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
    default_headers={"X-MAIA-Namespace": NAMESPACE, **KEY},
)
memory = httpx.Client(base_url=f"{URL}/v1", headers=KEY)


def say(text):
    """One message in a conversation of its own: whatever the model knows of earlier ones, it knows from maia."""
    print(f"> {text}")
    stream = chat.chat.completions.with_streaming_response.create(
        model=model, messages=[{"role": "user", "content": text}], stream=True
    )
    with stream as response:
        for chunk in response.parse():
            if chunk.choices and chunk.choices[0].delta.content:
                print(chunk.choices[0].delta.content, end="", flush=True)
        print(f"\n  ({response.headers['X-MAIA-Memories-Used']} memories used)")


def memories():
    answer = memory.get(f"/namespaces/{NAMESPACE}/memories")
    answer.raise_for_status()
    return answer.json()["data"]


model = os.environ.get("MODEL") or chat.models.list().data[0].id

# What is said about oneself is remembered when the answer has ended.
say("I am vegetarian, and my dog is called Biscuit.")
deadline = time.monotonic() + 5
while len(memories()) < 2 and time.monotonic() < deadline:
    time.sleep(0.05)

# What a program knows it can store itself.
created = memory.post(
    f"/namespaces/{NAMESPACE}/memories",
    json={"content": "User prefers short answers", "tags": ["style"], "pinned": True},
)
created.raise_for_status()

# Another conversation: maia brings up what matters for it.
say("Suggest something for dinner.")

# Why? The block that this message gets, and the memories behind it.
context = memory.post(f"/namespaces/{NAMESPACE}/context", json={"query": "Suggest something for dinner."})
context.raise_for_status()
for used in context.json()["memories"]:
    print(f"  {used['position']:<8} {used['content']}")

# Everything can be seen, changed and deleted.
for known in memories():
    print(f"  {known['source']:<10} {known['content']}")
memory.delete(f"/namespaces/{NAMESPACE}", params={"force": "true"}).raise_for_status()
