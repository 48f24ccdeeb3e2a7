"""One conversation of the demo, through the official OpenAI SDK: all that a program needs for memory is another base URL.

    python conversation.py URL MODEL MAX_TOKENS tell|ask
"""

import sys

import httpx
import openai

from terminal import dim, framed, say, spoken

TOLD = "Hi! I'm vegetarian and I live in Oslo. My daughter Mara is allergic to peanuts. Nice to meet you!"
QUESTIONS = ["Which city do I live in?", "What is my daughter allergic to?"]


class Conversation:
    def __init__(self, url, model, max_tokens):
        self.url = url
        self.model = model
        self.max_tokens = max_tokens
        self.client = openai.OpenAI(base_url=f"{url}/proxy/v1", api_key="none-is-needed", max_retries=0, timeout=300.0)

    def stream(self, system, question, **headers):
        """Asks, shows the answer as it comes, and returns the response's headers."""
        response = self.client.chat.completions.with_raw_response.create(
            model=self.model,
            messages=[{"role": "system", "content": system}, {"role": "user", "content": question}],
            max_tokens=self.max_tokens,
            temperature=0,
            stream=True,
            extra_headers=headers,
        )
        said = False
        for chunk in response.parse():
            for choice in chunk.choices:
                text = (choice.delta.content or "").replace("\n", " ")
                said = said or bool(text)
                print(text, end="", flush=True)
        say("" if said else dim("(no text within the limit; a reasoning model may have spent it on thinking)"))
        return response.headers

    def tell(self):
        spoken("you", f"{TOLD}\n")
        spoken("model")
        self.stream("You are a friendly assistant. Greet the user.", TOLD)

    def ask(self):
        system = "You are a helpful assistant. Use what you know about the user."
        used = []
        for question in QUESTIONS:
            spoken("you", f"{question}\n")
            block = httpx.post(f"{self.url}/v1/namespaces/default/context", json={"query": question}, timeout=15.0, trust_env=False)
            spoken("maia", dim("adds to the prompt:") + "\n")
            framed(block.raise_for_status().json()["content"] or "(nothing)")
            spoken("model")
            headers = self.stream(system, question)
            used.append(int(headers["X-MAIA-Memories-Used"]))
            say(dim(f"{'':>11}X-MAIA-Memories-Used: {used[-1]}   X-MAIA-Tokens-Injected: {headers['X-MAIA-Tokens-Injected']}"))
            say()
        spoken("you", f"{QUESTIONS[-1]} {dim('(the same with X-MAIA-Skip-Memory: true)')}\n")
        spoken("model")
        self.stream(system, QUESTIONS[-1], **{"X-MAIA-Skip-Memory": "true", "X-MAIA-Skip-Extract": "true"})
        if not all(used):
            sys.exit("error: maia added no memory to a question about what it was told")


def main():
    url, model, max_tokens, what = sys.argv[1:]
    try:
        getattr(Conversation(url, model, int(max_tokens)), what)()
    except (openai.OpenAIError, httpx.HTTPError) as error:
        sys.exit(f"\nerror: {error}")


if __name__ == "__main__":
    main()
