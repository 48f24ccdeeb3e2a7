"""A clock that is set ten years forward and back while maia works. Time-outs go by the clock that cannot be set."""

import glob
import sys
import threading
import time

from drill import MEMORIES, Maia, backend, main

DAY = 86_400


def drill(verdict, binary, folder):
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")))
    clock = folder / "clock"
    clock.write_text("+0\n")
    environment = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with backend() as quick, backend(delay=20) as slow, Maia(binary, folder, "--backend", quick, environment=environment) as maia, \
            Maia(binary, folder, "--backend", slow, "--set", "proxy.timeout_first_byte=1s", environment=environment) as waiting:
        years = set()
        for jump in ["+0", f"+{3653 * DAY}", f"-{3653 * DAY}", f"+{100 * DAY}", "+0"]:
            took = []

            def hang():
                begun = time.monotonic()
                took.append((waiting.chat("Hello")[0], time.monotonic() - begun))

            hanging = threading.Thread(target=hang)
            hanging.start()
            time.sleep(0.3)
            clock.write_text(f"{jump}\n")
            status, memory = maia.call("POST", MEMORIES, {"content": f"User said {jump} to the clock"})
            years.add(memory.get("created_at", "")[:4])
            verdict.check(status == 201, f"{jump} s: a memory is made at {memory.get('created_at')}")
            status, _ = maia.chat(f"I have {jump} apples.")
            verdict.check(status == 200 and maia.call("GET", "/ready")[0] == 200, f"{jump} s: chat and /ready answer")
            hanging.join()
            verdict.check(took[0][0] == 504 and 0.9 < took[0][1] < 2, f"{jump} s: a time-out of 1 s that was running took {took[0][1]:.2f} s")
        verdict.check(len(years) >= 3, f"the clock did jump: {sorted(years)}")
        verdict.check(len(maia.contents()) >= 5, "nothing was deleted by the jumps")
        panics = [line for line in maia.log + waiting.log if "panicked" in line]
        verdict.check(not panics, f"no panic {panics or ''}")
        verdict.check(maia.stop() == 0 and waiting.stop() == 0, "both stop with 0")


if __name__ == "__main__":
    sys.exit(main(__doc__, drill, [("faketime", "faketime")]))
