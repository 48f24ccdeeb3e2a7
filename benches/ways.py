"""What is asked, of whom, and what was measured."""
import dataclasses
import os
import pathlib
import resource
import statistics
import subprocess

SMALL, BIG = "0.5 KB", "114 KB"
# Bytes and messages of each body.
BODIES = {SMALL: (500, 1), BIG: (114 << 10, 51)}
# What the backend is to do, said by `max_tokens`, which no gateway drops: see benches/traffic/backend.rs.
ANSWER, CHUNKS, PACED_CHUNKS, SILENCE = (False, 500), (True, 500), (True, 501), (True, 502)
PATH = "/v1/chat/completions"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of request, asked over so many connections for so long in each turn."""
    body: str
    mode: tuple
    connections: int
    seconds: float


LATENCY = {body: Kind(body, ANSWER, 1, 0.25) for body in BODIES}
THROUGHPUT = {body: Kind(body, ANSWER, 16, 0.4) for body in BODIES}
PACED = {body: Kind(body, PACED_CHUNKS, 1, 0.35) for body in BODIES}
FAST = Kind(SMALL, CHUNKS, 1, 0.2)
KINDS = [*LATENCY.values(), *THROUGHPUT.values(), *PACED.values(), FAST]


@dataclasses.dataclass
class Way:
    """A way to the backend."""
    name: str
    process: subprocess.Popen | None
    port: int
    path: str = PATH
    headers: dict = dataclasses.field(default_factory=dict)
    model: str = "static"
    # By kind, a list of rounds, each a list of (seconds to the first byte, seconds to the last, memories).
    rounds: dict = dataclasses.field(default_factory=lambda: {kind: [] for kind in KINDS})
    # By kind, the requests a second of each round.
    rates: dict = dataclasses.field(default_factory=lambda: {kind: [] for kind in KINDS})
    # By kind, seconds of processor time in all rounds.
    processor: dict = dataclasses.field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    resident: dict = dataclasses.field(default_factory=dict)

    def processor_time(self):
        """Of the program in the way, so far."""
        return processor_time(self.process.pid) if self.process else 0.0

    def measure_resident(self, when):
        if self.process:
            self.resident[when] = resident_memory(self.process.pid)

    def pooled(self, kind, column=1):
        return sorted(sample[column] for samples in self.rounds[kind] for sample in samples)

    def median(self, kind, column=1):
        return statistics.median(self.pooled(kind, column))

    def medians(self, kind, column=1):
        """One for each round."""
        return [statistics.median(sample[column] for sample in samples) for samples in self.rounds[kind]]

    def processor_time_each(self, kind):
        """Seconds of processor time for each request."""
        return self.processor[kind] / sum(map(len, self.rounds[kind]))


def over(way, floor, kind, column=1):
    """What a way adds to the floor: the median of the rounds, in seconds."""
    return statistics.median(a - b for a, b in zip(way.medians(kind, column), floor.medians(kind, column)))


def children(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def resident_memory(pid):
    """Bytes of a process and of what it started, as Linux counts them."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() + sum(map(resident_memory, children(pid)))


def processor_time(pid):
    """Seconds of a process and of what it started."""
    # The name of the program, in parentheses, may hold spaces.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(map(processor_time, children(pid)))
