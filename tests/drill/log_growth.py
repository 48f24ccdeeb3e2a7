"""20,000 writes while others read all the time and some take their answers slowly: the write-ahead log stays below 64 MiB."""

import socket
import sys
import threading
import time

from drill import MEMORIES, Maia, Writers, main

WRITES = 20_000
LIMIT = 64 << 20


def drill(verdict, binary, folder):
    with Maia(binary, folder) as maia:
        for number in range(400):
            maia.call("POST", MEMORIES, {"content": f"Long note {number}: " + "word " * 1_900})
        ended = threading.Event()
        reads = [0]

        def read():
            client = maia.client()
            while not ended.is_set():
                client.call("POST", f"{MEMORIES}/search", {"query": "Which line of which thread was a long note?"})
                client.call("GET", f"{MEMORIES}?limit=20")
                reads[0] += 2

        def idle():
            """Asks for 4 MB and takes a few bytes a second."""
            with socket.create_connection(("127.0.0.1", maia.port)) as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                slow.sendall(f"GET {MEMORIES}?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                while not ended.wait(0.5):
                    slow.recv(64)

        readers = [threading.Thread(target=read) for _ in range(6)] + [threading.Thread(target=idle) for _ in range(8)]
        for reader in readers:
            reader.start()
        writers = Writers(maia, 16)
        largest, begun = 0, time.monotonic()
        while len(writers.ledger) < WRITES and time.monotonic() - begun < 300:
            time.sleep(0.02)
            largest = max(largest, (folder / "maia.db-wal").stat().st_size)
        took = time.monotonic() - begun
        count = len(writers.stop())
        ended.set()
        for reader in readers:
            reader.join(30)
        verdict.saw(f"{count} writes in {took:.0f} s, the slowest {writers.slowest:.2f} s, beside {reads[0]} reads and 8 slow clients")
        verdict.check(count >= WRITES and not writers.other_answers, "all writes were acknowledged")
        verdict.check(largest < LIMIT, f"the log grew to {largest / (1 << 20):.1f} MiB at most")
        verdict.check(maia.stop() == 0, "it stops with 0")


if __name__ == "__main__":
    sys.exit(main(__doc__, drill))
