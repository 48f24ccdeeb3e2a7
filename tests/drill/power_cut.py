"""Power cuts while clients write: what a disk holds at one instant, without what the kernel still had in memory.

The database lies in a file system inside a file, and that file on XFS, where a reflink copies it in one step. The copy is what a disk would hold had the
power gone in that moment: everything that was flushed, and nothing that only waited to be. It is mounted, maia is started on it, and every memory that was
acknowledged before the copy must be there. The negative control does the same to a maia whose flushes do nothing, and must find losses: else these
cuts would cut nothing off.
"""

import random
import sys
import time

from drill import Maia, Writers, image, main, mounted, run, sound

CUTS = 12
CONTROL_CUTS = 4
NO_FLUSH = """
int fsync(int descriptor) { (void) descriptor; return 0; }
int fdatasync(int descriptor) { (void) descriptor; return 0; }
"""


def drill(verdict, binary, folder):
    (folder / "no_flush.c").write_text(NO_FLUSH)
    library = folder / "no_flush.so"
    run("cc", "-shared", "-fPIC", "-o", str(library), str(folder / "no_flush.c"))
    with image(folder / "store.img", 1 << 30, "mkfs.xfs", "-q", "-m", "reflink=1") as store, \
            mounted(store, folder / "store", "-o", "loop"):
        acknowledged, lost, refused = cuts(binary, folder, CUTS, {})
        verdict.saw(f"{CUTS} cuts, {acknowledged} memories acknowledged before them")
        verdict.check(acknowledged > 0 and lost == 0, f"{lost} acknowledged memories were lost")
        verdict.check(not refused, f"maia started on every copy, and each was sound {refused or ''}")
        acknowledged, lost, refused = cuts(binary, folder, CONTROL_CUTS, {"LD_PRELOAD": str(library)})
        verdict.saw(f"control without flushes: {CONTROL_CUTS} cuts, {acknowledged} memories acknowledged, {lost} lost, {len(refused)} unusable copies")
        verdict.check(lost > 0 or refused, "the control loses what was not flushed, so the cuts cut")


def cuts(binary, folder, count, environment):
    """Cuts the power so often while clients write; how much was acknowledged, how much of it is lost, and copies that maia or SQLite refuse."""
    disk = folder / "store" / "disk.img"
    acknowledged, lost, refused = 0, 0, []
    with image(disk, 200 << 20, "mkfs.ext4", "-q"):
        copies = []
        with mounted(disk, folder / "disk", "-o", "loop"), \
                Maia(binary, folder / "disk", environment=environment) as maia:
            writers = Writers(maia, 8)
            for number in range(count):
                time.sleep(random.uniform(0.2, 0.7))
                before = writers.acknowledged()
                copy = folder / "store" / f"copy{number}.img"
                run("cp", "--reflink=always", str(disk), str(copy))
                copies.append((copy, before))
            writers.stop()
        for copy, before in copies:
            acknowledged += len(before)
            try:
                with mounted(copy, folder / "after", "-o", "loop") as after:
                    with Maia(binary, after) as maia:
                        kept = maia.contents()
                        maia.stop()
                    lost += sum(kept.get(id) != content for id, content in before.items())
                    if (answer := sound(after / "maia.db")) != "ok":
                        refused.append(answer)
            except RuntimeError as error:
                lost += len(before)
                refused.append(str(error))
            copy.unlink()
    return acknowledged, lost, refused


if __name__ == "__main__":
    tools = [("mkfs.xfs", "xfsprogs"), ("mkfs.ext4", "e2fsprogs"), ("cc", "gcc")]
    sys.exit(main(__doc__, drill, tools, root=True))
