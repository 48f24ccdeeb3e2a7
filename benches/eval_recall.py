"""How well maia finds what was said: recall of evidence in long conversations, and how seldom it injects anything for no reason.

    python3 benches/eval_recall.py --data locomo.json --maia target/release/maia

The data is a list of conversations in the form of LoCoMo (Maharana et al., ACL 2024): `sessions` with `turns` (id, speaker, text, optional caption) and
`qa` with `question`, `evidence` (ids of turns) and `category` (1 several facts, 2 time, 3 open, 4 one fact; 5 is left out). Each conversation is loaded
into a namespace of its own through the public API, each session as a conversation, each turn as a memory, and each question is asked through the
public search and context calls. The first conversation of every three is the check set, the others are the tune set.

Where the data has `observations` (turn id: facts drawn from that turn), the same questions are asked of the facts alone and of facts and turns together.

The questions are asked once more behind a sentence of talk that has nothing to do with them, as people write.

Besides: how often anything is injected for prompts that have nothing to do with the conversation, and whether a chat through the proxy understands a
follow-up from what was said before it, and forgets that when the subject changes.
"""
import argparse
import collections
import datetime
import http.client
import http.server
import json
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading
import time

CUTS = (5, 10, 20, 50)
BUDGETS = (256, 512, 1024, 4000)
CATEGORIES = {1: "several facts", 2: "time", 3: "open", 4: "one fact"}
HERE = pathlib.Path(__file__).parent
OPENINGS = (HERE / "data" / "openings.txt").read_text().splitlines()


def behind_an_opening(number, text):
    return f"{OPENINGS[number % len(OPENINGS)]} {text}"


class Backend(http.server.BaseHTTPRequestHandler):
    """A backend that keeps what it is asked."""

    protocol_version = "HTTP/1.1"
    asked = None

    def do_POST(self):
        Backend.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Maia:
    """A maia of its own, on a free port and an empty file."""

    def __init__(self, binary):
        self.backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=self.backend.serve_forever, daemon=True).start()
        backend = f"http://127.0.0.1:{self.backend.server_port}"
        self.folder = tempfile.TemporaryDirectory(prefix="maia-eval-")
        command = [binary, "--port", "0", "--database", f"{self.folder.name}/maia.db", 
                   "--set", "security.rate_limit_rps=0", "--backend", backend, "--set", "proxy.auto_remember=false"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={})
        for line in self.process.stderr:
            found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
            if found:
                break
        else:
            raise SystemExit("maia did not start")
        # What maia logs from here on is not read, and must not fill the pipe.
        subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)
        self.connection = http.client.HTTPConnection("127.0.0.1", int(found[1]))

    def call(self, path, body, **headers):
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"} | headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status >= 300:
            raise SystemExit(f"{path}: {answer}")
        return answer

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.backend.shutdown()
        self.folder.cleanup()


def session_start(text):
    """`1:56 pm on 8 May, 2023` as RFC 3339."""
    return datetime.datetime.strptime(text, "%I:%M %p on %d %B, %Y").strftime("%Y-%m-%dT%H:%M:%SZ")


def load_facts(maia, namespace, conversation):
    """Stores every fact; returns the turn id of each memory id."""
    maia.call("/v1/namespaces", {"name": namespace})
    turns = {}
    for turn, facts in conversation["observations"].items():
        for fact in facts:
            memory = {"content": fact, "source": "extracted"}
            turns[maia.call(f"/v1/namespaces/{namespace}/memories", memory)["id"]] = turn
    return turns


def load(maia, namespace, conversation):
    """Stores every turn, in a namespace that is there; returns the memory id of each turn id."""
    ids = {}
    for session in conversation["sessions"]:
        for turn in session["turns"]:
            text = turn["text"] + (f" ({turn['caption']})" if turn.get("caption") else "")
            memory = {
                "content": text,
                "type": "episodic",
                "source": "imported",
                "conversation_id": f"session-{session['session']}",
                "speaker": turn["speaker"],
                "created_at": session_start(session["date_time"]),
            }
            ids[turn["id"]] = maia.call(f"/v1/namespaces/{namespace}/memories", memory)["id"]
    return ids


class Scores:
    """Means by set and category."""

    def __init__(self):
        self.values = collections.defaultdict(list)

    def add(self, split, category, name, value):
        for s in {split, "all"}:
            for c in (category, "all"):
                self.values[s, c, name].append(value)

    def mean(self, *key):
        values = self.values.get(key)
        return f"{statistics.mean(values):.3f}" if values else "-"


def ask(maia, namespace, ids, questions, split, scores, times):
    for number, question in enumerate(questions):
        evidence = {ids[turn] for turn in question["evidence"] if turn in ids}
        if question["category"] not in CATEGORIES or not evidence:
            continue
        category = question["category"]
        begun = time.perf_counter()
        answer = maia.call(f"/v1/namespaces/{namespace}/memories/search", {"query": question["question"], "limit": max(CUTS)})
        times.append(time.perf_counter() - begun)
        ranked = [hit["memory"]["id"] for hit in answer["data"]]
        for cut in CUTS:
            found = evidence & set(ranked[:cut])
            scores.add(split, category, f"recall@{cut}", len(found) / len(evidence))
            scores.add(split, category, f"any@{cut}", float(bool(found)))
        first = next((rank for rank, memory in enumerate(ranked, 1) if memory in evidence), None)
        scores.add(split, category, "mrr", 1 / first if first else 0.0)
        for budget in BUDGETS:
            body = {"query": question["question"], "token_budget": budget}
            injected = {memory["id"] for memory in maia.call(f"/v1/namespaces/{namespace}/context", body)["memories"]}
            scores.add(split, category, f"recall in {budget} tokens", len(evidence & injected) / len(evidence))
        body = {"query": behind_an_opening(number, question["question"]), "token_budget": 512}
        injected = {memory["id"] for memory in maia.call(f"/v1/namespaces/{namespace}/context", body)["memories"]}
        scores.add(split, category, "behind an opening", len(evidence & injected) / len(evidence))


def compare(maia, number, conversation, ids, scores):
    """Recall within 512 tokens from turns alone, from facts alone and from both; the namespaces of the latter two."""
    turns, facts, both = f"conversation-{number}", f"facts-{number}", f"both-{number}"
    turn_of = {memory: turn for turn, memory in ids.items()} | load_facts(maia, facts, conversation) | load_facts(maia, both, conversation)
    turn_of |= {memory: turn for turn, memory in load(maia, both, conversation).items()}
    for question in conversation["qa"]:
        evidence = {turn for turn in question["evidence"] if turn in ids}
        if question["category"] not in CATEGORIES or not evidence:
            continue
        for kind, namespace in (("turns", turns), ("facts", facts), ("both", both)):
            body = {"query": question["question"], "token_budget": 512}
            injected = {turn_of[memory["id"]] for memory in maia.call(f"/v1/namespaces/{namespace}/context", body)["memories"]}
            scores.add("all", question["category"], kind, len(evidence & injected) / len(evidence))
    return facts, both


def noise(maia, namespaces, opened=False):
    """How often, and how much, is injected for prompts that have nothing to do with the namespace; `opened`: behind a sentence of talk."""
    prompts = (HERE / "data" / "unrelated_prompts.txt").read_text().splitlines()
    prompts = [behind_an_opening(number, prompt) if opened else prompt for number, prompt in enumerate(prompts)]
    tokens = [
        (maia.call(f"/v1/namespaces/{namespace}/context", {"query": prompt})["token_count"], prompt)
        for namespace in namespaces
        for prompt in prompts
    ]
    injected = [count for count, _ in tokens if count]
    return len(injected) / len(tokens), statistics.mean(injected) if injected else 0, sorted(tokens, reverse=True)


def follow_ups(maia):
    """How many follow-ups bring up what they are about, and how many changes of subject still bring up the old one; those that went wrong."""
    rows = [line.split("\t") for line in (HERE / "data" / "follow_ups.tsv").read_text().splitlines()]
    maia.call("/v1/namespaces", {"name": "follow-ups"})
    for memory in dict.fromkeys(memory for _, memory, _, _ in rows):
        maia.call("/v1/namespaces/follow-ups/memories", {"content": memory})
    right, wrong = collections.Counter(), []
    for kind, memory, before, message in rows:
        said = [{"role": "user", "content": before}, {"role": "assistant", "content": "Let me see."}, {"role": "user", "content": message}]
        maia.call("/proxy/v1/chat/completions", {"model": "m", "messages": said}, **{"X-MAIA-Namespace": "follow-ups"})
        first = Backend.asked["messages"][0]
        injected = first["role"] == "system" and memory in first["content"].split("\n")
        right[kind] += injected == (kind == "needs")
        if injected != (kind == "needs"):
            wrong.append((kind, before, message))
    return right, collections.Counter(kind for kind, *_ in rows), wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--maia", default="target/release/maia")
    arguments.add_argument("--show-noise", type=int, default=0, metavar="N", help="print the N unrelated prompts that got most")
    arguments = arguments.parse_args()
    conversations = json.loads(arguments.data.read_text())
    maia = Maia(arguments.maia)
    scores, times, namespaces, compared = Scores(), [], [], []
    try:
        for number, conversation in enumerate(conversations):
            namespace = f"conversation-{number}"
            namespaces.append(namespace)
            print(f"{namespace}: {len(conversation['sessions'])} sessions, {len(conversation['qa'])} questions", flush=True)
            maia.call("/v1/namespaces", {"name": namespace})
            ids = load(maia, namespace, conversation)
            ask(maia, namespace, ids, conversation["qa"], "check" if number % 3 == 0 else "tune", scores, times)
            if "observations" in conversation:
                compared.append((namespace, *compare(maia, number, conversation, ids, scores)))
        rate, mean_tokens, worst = noise(maia, namespaces)
        opened_rate, opened_tokens, _ = noise(maia, namespaces, opened=True)
        noises = [noise(maia, kind)[:2] for kind in zip(*compared)]
        right, pairs, wrong = follow_ups(maia)
    finally:
        maia.stop()
    names = [f"recall@{cut}" for cut in CUTS] + [f"any@{cut}" for cut in CUTS] + ["mrr"]
    names += [f"recall in {budget} tokens" for budget in BUDGETS]
    for split in ("all", "tune", "check"):
        columns = [(split, "all")] + [(split, category) for category in CATEGORIES]
        print(f"\n{split:24}" + "".join(f"{CATEGORIES.get(c, 'all categories'):>16}" for _, c in columns))
        for name in names:
            print(f"{name:24}" + "".join(f"{scores.mean(s, c, name):>16}" for s, c in columns))
    questions = len(scores.values["all", "all", "mrr"])
    times.sort()
    print(f"\n{questions} questions; search, from outside: median {times[len(times) // 2] * 1000:.2f} ms, "
          f"95th {times[int(len(times) * 0.95)] * 1000:.2f} ms")
    print(f"unrelated prompts: something injected for {rate:.1%}, {mean_tokens:.0f} tokens where it was")
    for count, prompt in worst[:arguments.show_noise]:
        print(f"  {count:5} {prompt}")
    print(f"behind an opening: recall in 512 tokens {scores.mean('all', 'all', 'behind an opening')}; "
          f"unrelated prompts: {opened_rate:.1%}, {opened_tokens:.0f} tokens")
    for kind, (rate, mean_tokens) in zip(("turns", "facts", "both"), noises):
        print(f"{kind}: recall in 512 tokens {scores.mean('all', 'all', kind)}; unrelated prompts: {rate:.1%}, {mean_tokens:.0f} tokens")
    print(f"follow-ups: {right['needs']} of {pairs['needs']} bring up what they are about; "
          f"after a change of subject, {right['change']} of {pairs['change']} leave the old one out")
    for kind, before, message in wrong:
        print(f"  wrong ({kind}): {before} – {message}")


if __name__ == "__main__":
    main()
