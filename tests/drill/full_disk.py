"""A disk that fills up while maia writes, and is given room again while it runs."""

import subprocess
import sys
import time

from drill import MEMORIES, Maia, Writers, backend, main, mounted, sound, wait_until


def drill(verdict, binary, folder):
    with backend() as url, mounted("tmpfs", folder / "disk", "-t", "tmpfs", "-o", "size=6m") as disk:
        with Maia(binary, disk, "--backend", url) as maia:
            maia.call("POST", MEMORIES, {"content": "User likes green tea"})
            writers = Writers(maia, 4, words="word " * 100 + "line")
            wait_until(lambda: writers.other_answers)
            ledger = writers.stop()
            for status, body in writers.other_answers.items():
                verdict.saw(f"a write was answered with {status}: {body['error']['message']}")
            verdict.check(set(writers.other_answers) <= {503, 507} and writers.other_answers, "writes are answered with 507 or 503")
            big = {"content": "User has a long story: " + "word " * 1_900}
            status, _ = maia.call("POST", MEMORIES, big)
            verdict.check(status in (503, 507), f"so is one more ({status})")
            status, ready = maia.call("GET", "/ready")
            verdict.saw(f"/ready: {status} {ready}")
            verdict.check(status == 503 and "full" in ready["store"], "/ready says what is wrong")
            begun = time.monotonic()
            status, _ = maia.chat("I am vegetarian. My dog is called Biscuit.")
            verdict.check(status == 200, f"chat goes on ({time.monotonic() - begun:.3f} s)")
            verdict.check(len(maia.contents()) >= len(ledger), "memories are read")
            status, found = maia.call("POST", f"{MEMORIES}/search", {"query": "green tea"})
            verdict.check(status == 200 and found["data"], "memories are found")
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            status, _ = maia.call("POST", MEMORIES, {"content": "User has room again"})
            verdict.check(status == 201, f"with room again, writes go on without a restart ({status})")
            verdict.check(wait_until(lambda: maia.call("GET", "/ready")[0] == 200), "/ready says so")
            remembered = wait_until(lambda: "User is vegetarian" in maia.contents().values())
            verdict.check(remembered, "what was said meanwhile is remembered")
            kept = maia.contents()
            lost = sum(kept.get(id) != content for id, content in ledger.items())
            verdict.check(lost == 0, f"{lost} of {len(ledger)} acknowledged memories were lost")
            verdict.check(maia.stop() == 0, "it stops with 0")
        verdict.check(sound(disk / "maia.db") == "ok", "integrity_check is ok")


if __name__ == "__main__":
    sys.exit(main(__doc__, drill, root=True))
