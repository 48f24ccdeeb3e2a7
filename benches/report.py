"""The tables of the benchmark of the proxy."""
import datetime
import os
import pathlib
import statistics

from ways import BIG, BODIES, FAST, LATENCY, PACED, SMALL, THROUGHPUT, over, percentile

NAMED_PEERS = ("TensorZero", "liter-llm")


def micro(seconds):
    return "fails" if seconds is None else f"{seconds * 1e6:,.0f}"


def megabytes(count):
    return f"{count / 1e6:.1f}" if count else "-"


def table(head, rows):
    """Aligned, and Markdown too."""
    rows = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]

    def line(row):
        return "| " + " | ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))) + " |"

    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    print("\n".join(map(line, [rows[0], rule, *rows[1:]])))


def spread(values):
    """The middle half of the turns."""
    return f"{percentile(values, 0.25):.2f} to {percentile(values, 0.75):.2f} in half of the turns"


def show(ways, rounds, load):
    direct, nginx, skipped, memory, *peers = ways
    machine = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    print(f"{datetime.date.today()}, {os.cpu_count()} cores of {machine}, {rounds} rounds, load average before the run {load:.1f}\n")

    print("One connection, times in µs:\n")
    rows = []
    for body in BODIES:
        kind = LATENCY[body]
        for way in ways:
            added = over(way, direct, kind)
            ratio = f"{added / over(nginx, direct, kind):.2f}" if way not in (direct, nginx) else "-"
            rows.append([f"{way.name}, {body}", micro(way.percentile(kind)), micro(way.percentile(kind, 0.95)),
                         "-" if way is direct else micro(added), ratio])
    table(["way, body", "p50", "p95", "added", "× nginx's"], rows)

    print("\n16 connections, requests a second, and the proxy's processor time for each request, in µs:\n")
    rows = []
    for way in ways:
        row = [way.name]
        for kind in THROUGHPUT.values():
            rate = statistics.median(way.rates[kind])
            row += [f"{rate:,.0f}", f"{rate_ratio(way, nginx, kind):.2f}", "-" if way is direct else micro(way.processor_time_each(kind))]
        rows.append(row)
    table(["way", SMALL, "× nginx's", "time", BIG, "× nginx's", "time"], rows)

    print("\nFrom the small to the big body, one connection:\n")
    rows = []
    for way in ways:
        rows.append([way.name, f"{growth(way):.2f}", "-" if way is direct else micro(slope(way, direct))])
    table(["way", "p50 grows by ×", "added grows by µs"], rows)

    print("\nStreams of 500 chunks, one connection, times in µs. A chunk every 0.2 ms, then as fast as they are taken:\n")
    rows = []
    for way in ways:
        row = [way.name]
        for kind in PACED.values():
            row += [micro(way.percentile(kind, column=0)), "-" if way is direct else micro(over(way, direct, kind, 0))]
        small = PACED[SMALL]
        row += [micro(way.percentile(small)), "-" if way is direct else micro(over(way, direct, small)), micro(way.percentile(FAST))]
        rows.append(row)
    table(["way", f"first, {SMALL}", "added", f"first, {BIG}", "added", f"last, {SMALL}", "added", "last, fast"], rows)

    print("\nResident memory, in MB:\n")
    table(["program", "idle", "after the run", "1,000 idle streams"],
          [["maia" if way is memory else way.name, *(megabytes(way.resident.get(when)) for when in ("idle", "after", "streams"))]
           for way in ways if way not in (direct, skipped)])

    used = [sample[2] for kind in LATENCY.values() for samples in memory.turns[kind] for sample in samples]
    some = [count for count in used if count]
    print(f"\nMemories injected with memory on: in {len(some) / len(used):.0%} of the requests, {statistics.median(some):.0f} in the median of these, "
          f"{percentile(some, 0.1)} to {percentile(some, 0.9)} in eight of ten.\n")
    show_aims(direct, nginx, skipped, memory, peers)


def rate_ratio(way, floor, kind):
    return statistics.median(a / b for a, b in zip(way.rates[kind], floor.rates[kind]))


def growth(way):
    return statistics.median(big / small for small, big in zip(way.percentiles(LATENCY[SMALL]), way.percentiles(LATENCY[BIG])))


def slope(way, direct):
    return over(way, direct, LATENCY[BIG]) - over(way, direct, LATENCY[SMALL])


def show_aims(direct, nginx, skipped, memory, peers):
    rows = []

    def aim(what, target, found, reached):
        rows.append([what, target, found, {True: "reached", False: "not reached", None: "unknown"}[reached]])

    for body, kind in LATENCY.items():
        ratios = [(a - d) / (n - d) for a, n, d in zip(skipped.percentiles(kind), nginx.percentiles(kind), direct.percentiles(kind))]
        ratio = over(skipped, direct, kind) / over(nginx, direct, kind)
        aim(f"added, memory skipped, {body}", "at most 1.5 × nginx's", f"{ratio:.2f} × ({spread(ratios)})", ratio <= 1.5)
    for (body, kind), limit in zip(LATENCY.items(), (250e-6, 350e-6)):
        added = over(memory, direct, kind)
        fastest = min(((over(peer, direct, kind), peer.name) for peer in peers), default=None)
        beside = f"; fastest peer {micro(fastest[0])} µs, {fastest[1]}" if fastest else ""
        aim(f"added, memory on, {body}", f"below {micro(limit)} µs or every peer", f"{micro(added)} µs{beside}",
            added < limit or (added < fastest[0] if fastest else False))
    for body, kind in THROUGHPUT.items():
        ratios = [a / b for a, b in zip(skipped.rates[kind], nginx.rates[kind])]
        ratio = rate_ratio(skipped, nginx, kind)
        aim(f"requests/s, 16 connections, memory skipped, {body}", "at least 0.6 × nginx", f"{ratio:.2f} × ({spread(ratios)})", ratio >= 0.6)
    for body, kind in THROUGHPUT.items():
        rate = statistics.median(memory.rates[kind])
        rates = {peer.name: statistics.median(peer.rates[kind]) for peer in peers if peer.name.startswith(NAMED_PEERS)}
        beside = "".join(f"; {name} {other:,.0f}" for name, other in rates.items()) or "; neither is installed"
        slower = [rate > other for other in rates.values()]
        aim(f"requests/s, 16 connections, memory on, {body}", "more than TensorZero and liter-llm", f"{rate:,.0f}{beside}",
            all(slower) if len(slower) == len(NAMED_PEERS) or not all(slower) else None)
    for way in (skipped, memory):
        for body, kind in PACED.items():
            added = over(way, direct, kind, 0)
            aim(f"first streamed byte, {way.name.removeprefix('maia, ')}, {body}", "within 1,000 µs of direct", f"{micro(added)} µs", added < 1e-3)
    for way in (skipped, memory):
        name = way.name.removeprefix("maia, ")
        aim(f"growth of the median, {name}", "at most 2 × nginx's", f"{growth(way):.2f}; nginx {growth(nginx):.2f}", growth(way) <= 2 * growth(nginx))
        aim(f"growth of what is added, {name}", "at most 2 × nginx's", f"{micro(slope(way, direct))} µs; nginx {micro(slope(nginx, direct))} µs",
            slope(way, direct) <= 2 * slope(nginx, direct))
    for what, when, limit in (("idle", "idle", 20e6), ("1,000 idle streams", "streams", 60e6)):
        found = memory.resident.get(when)
        aim(f"resident memory, {what}", f"below {megabytes(limit)} MB", f"{megabytes(found)} MB", found is not None and found < limit)
    table(["what", "aim", "found", "so"], rows)
