"""How well maia tells what is worth remembering: precision and recall of extraction, through `POST /v1/namespaces/default/extract` with `dry_run`.

    python3 benches/eval_extract.py --maia target/release/maia locomo.json persona.jsonl

The sets that are kept here are measured always: `data/extraction.jsonl` (messages with the memories that a careful person would have written down of them),
`data/general_prompts.txt` and `data/unrelated_prompts.txt` (instructions and questions, of which nothing should be stored) and `data/assistant_answers.txt`
(answers with no note in them, a paragraph each). Files named on the command line are measured too:

- `*.json`: conversations in the form of LoCoMo (Maharana et al., ACL 2024), with `observations`. A turn that an observation cites is worth remembering.
- `*.jsonl`: dialogues in the form of Synthetic-Persona-Chat (Jandaghi et al., 2023). A persona sentence is stated where a sentence of its speaker that is no question holds 0.6 of
  its content words, and found where one memory does. Beside that: where whole turns count as stating it, questions ("What's your favorite band?") among them, and where the
  memories of one turn count together, because "I'm 23 and I love food" is one persona sentence and two memories.

Intervals are Wilson's, at 95 %.
"""
import argparse
import datetime
import json
import math
import pathlib
import re
import time

from eval_recall import Maia

HERE = pathlib.Path(__file__).parent
OVERLAP = 0.6
EMPTY = set(
    "a an the and or but of to in on at by for with from as into is are was were be been being am do does did have has had i my me we our us you your he she "
    "it its they their them this that these those user s t m ve re d ll very really so too also not no than then there here".split()
)


class Extractor:
    """Asks a maia what it would remember."""

    def __init__(self, maia):
        self.maia = maia
        self.times = []

    def memories(self, text, role="user", at=None):
        body = {"messages": [{"role": role, "content": text}], "dry_run": True}
        if at:
            body["created_at"] = at
        begun = time.perf_counter()
        answer = self.maia.call("/v1/namespaces/default/extract", body)
        self.times.append(time.perf_counter() - begun)
        return [found for found in answer["data"] if found["result"] != "forgotten"]


def share(count, total):
    """A share with its interval."""
    if not total:
        return "-"
    z, p = 1.96, count / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return f"{p:.3f} [{max(0, middle - reach):.3f}, {min(1, middle + reach):.3f}] ({count} of {total})"


def stem(word):
    for ending in ("ing", "ies", "ied", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def content_words(text):
    return {stem(word) for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in EMPTY}


def holds(text, wanted):
    return len(wanted & content_words(text)) >= OVERLAP * len(wanted)


def show(title, examples, count):
    if count and examples:
        print(f"  {title}:")
        for example in examples[:: max(1, len(examples) // count)][:count]:
            print(f"    {example}")


def locomo(extractor, path, examples):
    stored = cited = both = 0
    false, missed = [], []
    for conversation in json.loads(path.read_text()):
        for session in conversation["sessions"]:
            at = datetime.datetime.strptime(session["date_time"], "%I:%M %p on %d %B, %Y").strftime("%Y-%m-%dT%H:%M:%SZ")
            for turn in session["turns"]:
                found = [memory["content"] for memory in extractor.memories(turn["text"], at=at)]
                worth = turn["id"] in conversation["observations"]
                stored, cited, both = stored + bool(found), cited + worth, both + (worth and bool(found))
                if found and not worth:
                    false.append(f"{found} <- {turn['text']}")
                if worth and not found:
                    missed.append(f"{turn['text']} -> {conversation['observations'][turn['id']]}")
    print(f"{path.name}: turns that an observation cites")
    print(f"  precision {share(both, stored)}\n  recall    {share(both, cited)}", flush=True)
    show("stored, not cited", false, examples)
    show("cited, not stored", missed, examples)


def persona(extractor, path, examples):
    # [facts stated, of those found in one memory, in the memories of one turn]
    by_sentence, by_turn = [0, 0, 0], [0, 0, 0]
    missed = []
    for line in path.read_text().splitlines():
        dialogue = json.loads(line)
        for speaker, facts in dialogue["personas"].items():
            turns = [turn["text"] for turn in dialogue["conversation"] if turn["speaker"] == speaker]
            memories = [[memory["content"] for memory in extractor.memories(turn)] for turn in turns]
            sentences = [said for turn in turns for said in re.split(r"(?<=[.!?])\s+", turn) if not said.endswith("?")]
            for fact in facts:
                wanted = content_words(fact)
                if not wanted:
                    continue
                alone = any(holds(memory, wanted) for turn in memories for memory in turn)
                together = any(holds(" ".join(turn), wanted) for turn in memories)
                for counts, said in ((by_sentence, sentences), (by_turn, turns)):
                    if any(holds(statement, wanted) for statement in said):
                        for at, one in enumerate((True, alone, together)):
                            counts[at] += one
                said = [statement for statement in sentences if holds(statement, wanted)]
                if said and not alone:
                    missed.append(f"{fact} <- {said[0]}")
    print(f"{path.name}: persona facts stated in a dialogue")
    for name, (stated, alone, together) in (("a sentence that is no question", by_sentence), ("a whole turn, questions too", by_turn)):
        print(f"  stated by {name}: found in one memory {share(alone, stated)}, in those of one turn {share(together, stated)}", flush=True)
    show("missed", missed, examples)


def nothing(extractor, name, texts, role, examples):
    found = [(text, memory["content"], memory["rule"]) for text in texts for memory in extractor.memories(text, role)]
    some = len({text for text, _, _ in found})
    print(f"{name}: nothing to remember\n  something stored {share(some, len(texts))}; {len(found) / len(texts):.4f} memories each", flush=True)
    show("stored", [f"{content!r} ({rule}) <- {text[:200]}" for text, content, rule in found], examples)


def labelled(extractor, path, examples):
    """Memories are compared by their words, then by their exact form."""
    expected = found = right = exact = 0
    wrong = []
    for line in path.read_text().splitlines():
        case = json.loads(line)
        memories = [memory["content"] for memory in extractor.memories(case["message"], at="2026-11-23T12:00:00Z")]
        left = list(case["memories"])
        expected, found = expected + len(left), found + len(memories)
        for memory in memories:
            match = next((one for one in left if one == memory), None) or next(
                (one for one in left if content_words(one) and holds(memory, content_words(one))), None
            )
            if match:
                left.remove(match)
                right += 1
                exact += match == memory
        if memories != case["memories"]:
            wrong.append(f"{case['message']!r}\n      expected {case['memories']}\n      found    {memories}")
    print(f"{path.name}: messages with the memories that they hold")
    print(f"  precision {share(right, found)}\n  recall    {share(right, expected)}\n  exact form of those found {share(exact, right)}", flush=True)
    show("different", wrong, examples)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", nargs="*", type=pathlib.Path, help="conversations (.json) and dialogues (.jsonl) to measure besides")
    arguments.add_argument("--maia", default="target/release/maia")
    arguments.add_argument("--examples", type=int, default=0, metavar="N", help="print up to N mistakes of each kind")
    arguments = arguments.parse_args()
    maia = Maia(arguments.maia)
    extractor = Extractor(maia)
    data = HERE / "data"
    try:
        labelled(extractor, data / "extraction.jsonl", arguments.examples)
        prompts = [line for name in ("general_prompts", "unrelated_prompts") for line in (data / f"{name}.txt").read_text().splitlines() if line]
        nothing(extractor, "general instructions and questions", prompts, "user", arguments.examples)
        answers = (data / "assistant_answers.txt").read_text().strip().split("\n\n")
        nothing(extractor, "assistant answers", answers, "assistant", arguments.examples)
        for path in arguments.data:
            (persona if path.suffix == ".jsonl" else locomo)(extractor, path, arguments.examples)
    finally:
        maia.stop()
    times = sorted(extractor.times)
    print(f"{len(times)} calls, from outside: median {times[len(times) // 2] * 1000:.2f} ms, 99th {times[int(len(times) * 0.99)] * 1000:.2f} ms")


if __name__ == "__main__":
    main()
