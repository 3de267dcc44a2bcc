"""The parts of the README that come from the running program; `make docs` renews them.

They speak of the release that CLUSTERLOOM_DATA_DIR serves, so that every figure and answer was
really given. `cog --check` in the tests fails where the README has fallen behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx

from clusterloom import cli
from clusterloom.api.app import create_app
from clusterloom.loaders import registry
from clusterloom.queries.library import library
from clusterloom.settings import Settings
from clusterloom.store.release import Release, current_release

BASE = "http://127.0.0.1:8000"


@cache
def _settings() -> Settings:
    return Settings(public_url=BASE, workers=3)


@cache
def _release() -> Release:
    release = current_release(_settings().releases)
    if release is None:
        raise SystemExit("no release: run `make build` first")
    return release


@cache
def _report() -> dict[str, Any]:
    return _release().report()


async def _answer(path: str, accept: str, params: Mapping[str, str]) -> httpx.Response:
    app = create_app(_settings())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client,
    ):
        answer = await client.get(path, headers={"Accept": accept}, params=params or None)
        return answer.raise_for_status()


def first_item(path: str) -> str:
    """A curl command and the first item of its real answer, with what stands beside the items."""
    answer = asyncio.run(_answer(path, "application/json", {})).json()
    items = answer.pop("items")
    shown = {"items": [{k: v for k, v in items[0].items() if v is not None}, "..."]}
    beside = {k: answer[k] for k in ("total", "release")}
    text = json.dumps({**shown, **beside}, ensure_ascii=False, indent=1)
    return _block([f"$ curl -s '{BASE}{path}'", text])


def sparql(query: str, rows: int) -> str:
    """A query, how to send it, and the first rows of its real answer."""
    answer = asyncio.run(_answer("/sparql", "text/csv", {"query": query}))
    lines = answer.text.replace("\r\n", "\n").rstrip("\n").split("\n")
    command = f"$ curl -s -H 'Accept: text/csv' {BASE}/sparql --data-urlencode query@first.rq"
    text = "```sparql\n" + query.strip() + "\n```\n\n"
    return text + _block([command, *lines[: rows + 1], f"... {len(lines) - rows - 1} more rows"])


def _block(lines: list[str]) -> str:
    return "```console\n" + "\n".join(lines) + "\n```\n"


def headline() -> str:
    """Release, triples and the figures of the report, as a table."""
    report = _report()
    rows = [f"| {name} | {count:,} |" for name, count in report["summary"]["coverage"].items()]
    head = f"Release `{report['id']}`, {report['triples']:,} triples.\n\n| | |\n|---|---:|\n"
    return head + "\n".join(rows) + "\n"


def classes() -> str:
    """Instances of each class."""
    found = _report()["summary"]["classes"]
    cells = [f"{name} {count:,}" for name, count in sorted(found.items(), key=lambda c: -c[1])]
    return ", ".join(cells) + ".\n"


def sources() -> str:
    """The table of sources: rows read, mapped, rejected, skipped, statements, what is missing."""
    lines = [
        "| source | read | mapped | rejected | skipped | statements | what is missing |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for name, entry in sorted(_report()["sources"].items()):
        metadata = registry.metadata_of(name, registry.data_folder())
        skipped = sum(entry["skipped"].values())
        lines.append(
            f"| {name} | {entry['read']:,} | {entry['mapped']:,} | {entry['rejected']:,} "
            f"| {skipped:,} | {entry['statements']:,} | {metadata.completeness.strip()} |"
        )
    return "\n".join(lines) + "\n"


def queries() -> str:
    """The questions of the library."""
    return "\n".join(f"- `{name}`: {q.summary}" for name, q in library().items()) + "\n"


def commands() -> str:
    """Every command with its help."""
    parser = cli.parser()
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    helps = {a.dest: a.help for a in action._choices_actions}
    lines = ["| command | what it does |", "|---|---|"]
    lines += [f"| `clusterloom {name}` | {helps[name]} |" for name in action.choices]
    return "\n".join(lines) + "\n"


def settings() -> str:
    """Every setting with its meaning."""
    lines = ["| variable | meaning |", "|---|---|"]
    for name, field in Settings.model_fields.items():
        lines.append(f"| `CLUSTERLOOM_{name.upper()}` | {field.description} |")
    return "\n".join(lines) + "\n"
