"""kill -9 while clients write, again and again, with a ledger that is on the disk before the next write begins."""

import random
import sys
import time

from drill import MEMORIES, Maia, Writers, main, sound, READY_WITHIN

ROUNDS = 25


def drill(verdict, binary, folder):
    ledger_file = folder / "ledger.tsv"
    ledger, lost, unsound, slowest_start = {}, 0, [], 0.0
    for _ in range(ROUNDS):
        with Maia(binary, folder) as maia:
            slowest_start = max(slowest_start, maia.ready_after)
            kept = maia.contents()
            lost += sum(kept.get(id) != content for id, content in ledger.items())
            writers = Writers(maia, 8, ledger_file)
            time.sleep(random.uniform(0.05, 0.6))
            maia.kill()
            ledger |= writers.stop()
        if (answer := sound(folder / "maia.db")) != "ok":
            unsound.append(answer)
    with Maia(binary, folder) as maia:
        kept = maia.contents()
        lost += sum(kept.get(id) != content for id, content in ledger.items())
        words = {"query": "thread 3"}
        status, found = maia.call("POST", f"{MEMORIES}/search", words)
        verdict.check(status == 200 and found["data"], "the index answers")
        verdict.check(maia.stop() == 0, "a stop after all this ends with 0")
    on_disk = sum(1 for _ in ledger_file.open())
    verdict.saw(f"{ROUNDS} kills, {len(ledger)} memories acknowledged ({on_disk} in the ledger's file), {len(kept)} kept")
    verdict.check(lost == 0 and on_disk == len(ledger), f"{lost} acknowledged memories were lost")
    verdict.check(not unsound, f"integrity_check was ok after each kill {unsound or ''}")
    verdict.check(slowest_start < READY_WITHIN, f"the slowest start was ready after {slowest_start:.2f} s")


if __name__ == "__main__":
    sys.exit(main(__doc__, drill))
