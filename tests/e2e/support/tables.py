"""The results as one page: what each client did in each scenario, and what the judges said."""

from .scenarios import CLIENTS, SCENARIOS

BACKENDS = {"test_scripted": "scripted", "test_no_backend": "no backend", "test_aimock": "aimock", "test_real_model": "real model"}


def _properties(reports, name):
    """What tests noted under `name`, with whether they passed; a test that could not be set up has failed."""
    found = {}
    for report in reports:
        for key, value in report.user_properties:
            if key == name:
                value = tuple(value)
                found[value] = found.get(value, True) and report.outcome == "passed"
    return found


def _rows(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def client_table(reports):
    cells = {}
    for (test, client, scenario), passed in _properties(reports, "cell").items():
        cells.setdefault((client, scenario), {})[BACKENDS[test]] = passed
    clients = [name for name in CLIENTS if any(client == name for client, _ in cells)]
    title = "clients: the same direct, through maia, and through maia with a memory"
    if not clients:
        return title, []

    def cell(client, scenario):
        if scenario in CLIENTS[client].lacks:
            return "-"
        results = cells.get((client, scenario), {})
        failed = [backend for backend, passed in results.items() if not passed]
        return "FAILED: " + ", ".join(failed) if failed else "ok" if results else ""

    rows = [["", *SCENARIOS], *([client, *(cell(client, scenario) for scenario in SCENARIOS)] for client in clients)]
    reasons = [f"- not offered: {client}, {scenario}: {reason}" for client in clients for scenario, reason in CLIENTS[client].lacks.items()]
    return title, [*_rows(rows), "", "ok: on the scripted backend and on aimock; chat and stream on the real model too", *reasons]


def conformance_table(reports):
    """`results` of a judge: for each of its tests what it said on each way."""
    rows = []
    for (judge, backend, results), _ in _properties(reports, "conformance").items():
        for test, verdicts in results:
            rows.append([judge, backend, test, *verdicts, "same" if len(set(verdicts) - {""}) == 1 else "DIFFERENT"])
    title = "conformance: what the judges say direct, through maia, and through maia with a memory"
    return title, _rows([["judge", "backend", "test", "direct", "maia", "memory", ""], *rows]) if rows else []
