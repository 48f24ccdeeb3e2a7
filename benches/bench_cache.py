"""Measures what memory costs a backend that keeps the prompts that it has read: three conversations of 20 turns with a real model, 500 memories.

    .venv/bin/python benches/bench_cache.py --maia target/debug/maia [--way NAME] [--short] [--refresh]

Each way runs with a model server of its own for each conversation, so that nothing is in the cache that another one has read. What the model says goes
back into the conversation, as with any client. `--refresh` needs no model: with a budget that is used up after some turns it compares ratios of
`proxy.context_reuse_refresh` by the bytes that a prompt has in common with the one before.
"""

import argparse
import http.server
import json
import os
import pathlib
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import httpx  # noqa: E402
from support.processes import Child, Maia, ModelServer  # noqa: E402

TURNS = 20
NAMES = (
    "Marta Jonas Priya Tomas Ingrid Kofi Lucia Henrik Amara Pavel Yuki Noor Stefan Chiara Dmitri Leila Oskar Fatima Rafael Greta "
    "Hugo Sanna Emeka Vera Mateo Aisha Klaus Nadia Bruno Elif Sergei Paloma Anders Zofia Kwame Irina Diego Maren Tariq Helga "
    "Milan Rosa Jin Olga Felix Beatriz Ravi Solveig Andre Hana"
).split()
THINGS = (
    "bicycle piano greenhouse telescope kayak sewing-machine motorbike aquarium typewriter beehive hammock camera guitar sailboat "
    "toolbox lantern chessboard tent easel microscope wheelbarrow loom accordion compass kettle radio violin sledge snowboard drone "
    "bookcase armchair clarinet workbench trampoline globe gramophone harp kiln ladder mandolin oven printer quilt raft saddle "
    "tractor umbrella vase wardrobe"
).split()
PLACES = "Lisbon Bergen Kyoto Tartu Galway Cusco Utrecht Accra Perth Trieste".split()
# What is known of each thing of theirs, and how it is asked for.
FACTS = [
    ("{}'s {} was bought in {}", "Where was {}'s {} bought?"),
    ("{}'s {} is stored near {}", "Near which town is {}'s {} stored?"),
    ("{}'s {} was repaired in {}", "In which town was {}'s {} repaired?"),
    ("{}'s {} was built in {}", "Where was {}'s {} built?"),
    ("{}'s {} got stolen in {}", "In which town was {}'s {} stolen?"),
    ("{}'s {} was lent to a friend from {}", "To a friend from where was {}'s {} lent?"),
    ("{}'s {} was painted in {}", "Where did somebody paint {}'s {}?"),
    ("{}'s {} was inherited from an aunt in {}", "From an aunt in which town was {}'s {} inherited?"),
    ("{}'s {} was insured in {}", "Where was {}'s {} insured?"),
    ("{}'s {} was auctioned in {}", "Where was {}'s {} auctioned?"),
]
# What people say around a question. With it a message has some 40 tokens; the mean of a million real conversations is 69.5 (Zheng et al., LMSYS-Chat-1M,
# ICLR 2024, table 1). `--short` leaves it out: then what is injected weighs most beside what is asked.
OPENINGS = (ROOT / "benches/data/openings.txt").read_text().splitlines()
ANSWER_TOKENS = 32
WAYS = {
    "no memory": {"skip": True},
    "system, anew each turn": {"context_position": "system", "context_reuse": "false"},
    "system, with reuse": {"context_position": "system", "context_reuse": "true"},
    "last_user, anew each turn": {"context_position": "last_user", "context_reuse": "false"},
    "last_user, with reuse": {"context_position": "last_user", "context_reuse": "true"},
}
RATIOS = ["1", "1.25", "1.5", "2", "3", "1000"]


def thing(name, fact):
    return THINGS[(NAMES.index(name) * 7 + fact * 13) % len(THINGS)]


def memory(name, fact):
    return FACTS[fact][0].format(name, thing(name, fact), PLACES[(NAMES.index(name) + fact) % len(PLACES)])


def questions(conversation, short):
    """For each turn, what the user says, and the memory that it needs; none is needed twice."""
    for turn in range(TURNS):
        number = conversation * TURNS + turn
        name, fact = NAMES[(number * 11) % len(NAMES)], (number * 3 + conversation) % len(FACTS)
        opening = "" if short else OPENINGS[(turn + conversation * 7) % len(OPENINGS)] + " "
        yield opening + FACTS[fact][1].format(name, thing(name, fact)), memory(name, fact)


class Recorder:
    """Stands before the model and keeps the prompts that it gets; answers itself where there is no model."""

    def __init__(self, model_url=None):
        self.bodies = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                recorder.bodies.append(body.decode())
                if model_url:
                    answer = recorder.client.post(f"{model_url}/chat/completions", content=body, headers={"Content-Type": "application/json"}).content
                else:
                    said = {"role": "assistant", "content": f"That is number {len(recorder.bodies)}, as far as I know; would you like to hear more about it?"}
                    answer = json.dumps({"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.client = httpx.Client(trust_env=False, timeout=600)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.client.close()


def settings(way):
    return {f"MAIA_PROXY_{key.upper()}": value for key, value in way.items() if key != "skip"}


def remember(maia):
    with maia.http() as client:
        for name in NAMES:
            for fact in range(len(FACTS)):
                client.post("/v1/namespaces/default/memories", json={"content": memory(name, fact)}).raise_for_status()


def converse(maia, recorder, conversation, skip, short):
    """Holds a conversation; a record of each turn."""
    messages = [{"role": "system", "content": "You are a helpful assistant who knows the user's friends."}]
    headers = {"X-MAIA-Skip-Extract": "true", "X-MAIA-Skip-Memory": str(skip).lower()}
    with maia.http(headers=headers) as client:
        for text, needed in questions(conversation, short):
            messages.append({"role": "user", "content": text})
            body = {"model": ModelServer.model, "messages": messages, "max_tokens": ANSWER_TOKENS, "temperature": 0, "seed": 1}
            reply = client.post("/proxy/v1/chat/completions", json=body, timeout=600)
            reply.raise_for_status()
            answer = reply.json()
            messages.append({"role": "assistant", "content": answer["choices"][0]["message"]["content"] or "…"})
            yield {
                "answer": answer,
                "needed": needed in recorder.bodies[-1],
                "injected": int(reply.headers["X-MAIA-Tokens-Injected"]),
                "new": int(reply.headers["X-MAIA-Memories-New"]),
                "body": recorder.bodies[-1],
            }


def measure(binary, folder, way, conversation, short):
    model = ModelServer(folder, options=["cache"])
    recorder = Recorder(model.url)
    maia = Maia(binary, folder, recorder.url, MAIA_SECURITY_RATE_LIMIT_RPS="0", **settings(way))
    try:
        remember(maia)
        return list(converse(maia, recorder, conversation, way.get("skip", False), short))
    finally:
        maia.stop()
        recorder.stop()
        model.stop()


def row(name, turns, plain_time, plain_new, anew_tokens):
    later = [turn for conversation in turns for turn in conversation[1:]]
    every = [turn for conversation in turns for turn in conversation]
    usage = [turn["answer"]["usage"] for turn in later]
    cached = sum(entry["prompt_tokens_details"]["cached_tokens"] for entry in usage) / sum(entry["prompt_tokens"] for entry in usage)
    seconds = sum(turn["answer"]["timings"]["prompt_ms"] for turn in every) / 1000
    read = sum(turn["answer"]["timings"]["prompt_n"] for turn in every)
    new = sum(fresh(turns))
    present = sum(turn["needed"] for turn in every)
    in_all = sum(turn["injected"] for turn in every)
    times = f"{seconds / plain_time:.2f}" if plain_time else "1"
    reads = f"{read / plain_new:.2f}" if plain_new else "1"
    multiple = f"{new / anew_tokens:.2f}" if anew_tokens else "-"
    print(f"| {name} | {cached:.1%} | {seconds:.1f} s | {times} | {read} | {reads} | {present} of {len(every)} | {new} ({multiple}) | {in_all} |", flush=True)
    return seconds, read, new


def fresh(turns):
    """Tokens injected that were not in the prompt of the turn before."""
    for conversation in turns:
        before = 0
        for turn in conversation:
            # What is replayed counts in each turn's total; a turn that began afresh, or was done anew, has less than both.
            yield turn["injected"] - before if turn["replays"] else turn["injected"]
            before = turn["injected"]


def run_ways(binary, names, short):
    print("| way | from the cache, turns 2-20 | time to read prompts | times no memory | tokens read | times no memory | needed memory there | tokens injected anew (times anew each turn) | in prompts in all |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    plain_time = plain_read = anew = None
    for name in names:
        way = WAYS[name]
        turns = []
        for conversation in range(3):
            with tempfile.TemporaryDirectory() as folder:
                held = measure(binary, folder, way, conversation, short)
            for turn in held:
                turn["replays"] = way.get("context_reuse") == "true"
            turns.append(held)
        seconds, read, new = row(name, turns, plain_time, plain_read, anew)
        if way.get("skip"):
            plain_time, plain_read = seconds, read
        elif name == "system, anew each turn":
            anew = new


def run_refresh(binary):
    print("| context_reuse_refresh | bytes of prompts in common with the turn before | needed memory there |")
    print("| --- | --- | --- |")
    for ratio in RATIOS:
        common = total = present = count = 0
        for conversation in range(3):
            with tempfile.TemporaryDirectory() as folder:
                recorder = Recorder()
                way = {"context_position": "last_user", "context_reuse": "true", "context_reuse_refresh": ratio, "token_budget": "150"}
                maia = Maia(binary, folder, recorder.url, MAIA_SECURITY_RATE_LIMIT_RPS="0", **settings(way))
                try:
                    remember(maia)
                    before = ""
                    for turn in converse(maia, recorder, conversation, False, True):
                        prompt = json.dumps(json.loads(turn["body"])["messages"], ensure_ascii=False)
                        common += len(os.path.commonprefix([before, prompt]))
                        total += len(prompt)
                        before = prompt
                        present += turn["needed"]
                        count += 1
                finally:
                    maia.stop()
                    recorder.stop()
        print(f"| {ratio} | {common / total:.1%} | {present} of {count} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maia", required=True, type=pathlib.Path)
    parser.add_argument("--way", action="append", choices=WAYS, help="only these ways; all of them otherwise")
    parser.add_argument("--short", action="store_true", help="ask bare questions, of some 12 tokens")
    parser.add_argument("--refresh", action="store_true", help="compare ratios of proxy.context_reuse_refresh instead")
    arguments = parser.parse_args()
    binary = arguments.maia.resolve()
    try:
        if arguments.refresh:
            run_refresh(binary)
        else:
            run_ways(binary, arguments.way or list(WAYS), arguments.short)
    finally:
        Child.kill_all()


if __name__ == "__main__":
    main()
