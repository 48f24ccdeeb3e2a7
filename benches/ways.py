"""What is asked, of whom, and what was measured."""
import collections
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


LATENCY = {body: Kind(body, ANSWER, 1, 0.1) for body in BODIES}
THROUGHPUT = {body: Kind(body, ANSWER, 16, 0.3) for body in BODIES}
PACED = {body: Kind(body, PACED_CHUNKS, 1, 0.3) for body in BODIES}
FAST = Kind(SMALL, CHUNKS, 1, 0.1)
# One round. Where the scheduler puts two programs that talk to each other makes the largest difference to one connection, so that has more turns.
ROUND = [*LATENCY.values(), *THROUGHPUT.values(), *LATENCY.values(), *PACED.values(), *LATENCY.values(), FAST]
WARM_UP = [*LATENCY.values(), *THROUGHPUT.values()]
STREAMED = [*PACED.values(), FAST]


@dataclasses.dataclass
class Way:
    """A way to the backend."""
    name: str
    process: subprocess.Popen | None
    port: int
    path: str = PATH
    headers: dict = dataclasses.field(default_factory=dict)
    model: str = "static"
    # By kind, a list of turns, each a list of (seconds to the first byte, seconds to the last, memories).
    turns: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    # By kind, the requests a second in each turn.
    rates: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    # By kind, seconds of processor time in all turns.
    processor: dict = dataclasses.field(default_factory=collections.Counter)
    # Kinds that it does not answer.
    fails: set = dataclasses.field(default_factory=set)
    resident: dict = dataclasses.field(default_factory=dict)

    def processor_time(self):
        """Of the program in the way, so far."""
        return processor_time(self.process.pid) if self.process else 0.0

    def measure_resident(self, when):
        if self.process:
            self.resident[when] = resident_memory(self.process.pid)

    def percentiles(self, kind, part=0.5, column=1):
        """One for each turn, in seconds."""
        return [percentile([sample[column] for sample in samples], part) for samples in self.turns[kind]]

    def percentile(self, kind, part=0.5, column=1):
        """The median of the turns; nothing where it fails."""
        if kind in self.fails:
            return None
        return statistics.median(self.percentiles(kind, part, column))

    def processor_time_each(self, kind):
        """Seconds of processor time for each request; nothing where it fails."""
        if kind in self.fails:
            return None
        return self.processor[kind] / sum(map(len, self.turns[kind]))


def percentile(values, part):
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def over(way, floor, kind, column=1):
    """What a way adds to the floor's median: the median of the turns, in seconds; nothing where it fails."""
    if kind in way.fails:
        return None
    return statistics.median(a - b for a, b in zip(way.percentiles(kind, column=column), floor.percentiles(kind, column=column)))


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
