"""A file system that turns read-only under a running maia, as Linux does to a disk with errors."""

import subprocess
import sys
import time

from drill import MEMORIES, Maia, Writers, backend, image, main, mounted, run, sound


def drill(verdict, binary, folder):
    with image(folder / "disk.img", 100 << 20, "mkfs.ext4", "-q") as disk, backend() as url:
        with mounted(disk, folder / "disk", "-o", "loop,errors=remount-ro") as mount, Maia(binary, mount, "--backend", url) as maia:
            writers = Writers(maia, 4)
            time.sleep(0.5)
            device = run("findmnt", "-no", "SOURCE", str(mount)).strip().removeprefix("/dev/")
            with open(f"/sys/fs/ext4/{device}/trigger_fs_error", "w") as trigger:
                trigger.write("a drill")
            time.sleep(0.5)
            ledger = writers.stop()
            for status, body in writers.other_answers.items():
                verdict.saw(f"a write was answered with {status}: {body['error']['message']}")
            verdict.check(set(writers.other_answers) == {503}, "writes are answered with 503")
            status, ready = maia.call("GET", "/ready")
            verdict.saw(f"/ready: {status} {ready}")
            verdict.check(status == 503, "/ready says what is wrong")
            begun = time.monotonic()
            verdict.check(maia.chat("I am vegetarian.")[0] == 200, f"chat goes on ({time.monotonic() - begun:.3f} s)")
            verdict.check(maia.call("GET", MEMORIES)[0] == 200, "memories are read")
            verdict.check(maia.stop() == 0, "it stops with 0")
            try:
                Maia(binary, mount).kill()
                started = "it started"
            except RuntimeError as error:
                started = str(error).strip()
            verdict.saw(started)
            verdict.check(str(mount) in started and "read" in started, "a start says in a sentence why it cannot be")
        subprocess.run(["e2fsck", "-fp", str(disk)], capture_output=True, check=False)
        with mounted(disk, folder / "disk", "-o", "loop") as mount:
            with Maia(binary, mount) as maia:
                kept = maia.contents()
                lost = sum(kept.get(id) != content for id, content in ledger.items())
                verdict.check(ledger and lost == 0, f"after a check of the disk {lost} of {len(ledger)} acknowledged memories were lost")
                maia.stop()
            verdict.check(sound(mount / "maia.db") == "ok", "integrity_check is ok")


if __name__ == "__main__":
    sys.exit(main(__doc__, drill, [("mkfs.ext4", "e2fsprogs"), ("e2fsck", "e2fsprogs")], root=True))
