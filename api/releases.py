"""`/api/v1/releases`: what is kept, what each release holds, and what changed between two."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from clusterloom.api import release_answers as answers
from clusterloom.api.differences import Differences
from clusterloom.api.discovery_index import folder_of
from clusterloom.api.release_answers import Table
from clusterloom.api.release_changes import changes
from clusterloom.api.release_schema import CHANGES, LIST, ONE, PARTS
from clusterloom.api.serving import NotReady, Serving, served_now
from clusterloom.api.spreadsheet import Maker
from clusterloom.discovery import evaluation_kept, evaluation_table
from clusterloom.errors import NotFound, UsageError
from clusterloom.nearest import hint
from clusterloom.settings import Settings
from clusterloom.store import history
from clusterloom.store.release import (
    Release,
    current_release,
    open_release,
    previous,
    published,
    releases,
)

PREFIX = "/api/v1/releases"

Id = Annotated[str, Path(description="id of a release (16 hex digits), or `current`")]


def releases_router(settings: Settings, serving: Serving, maker: Maker) -> APIRouter:
    """The list of releases, one of them, and the difference of two."""
    router = APIRouter(prefix=PREFIX, tags=["Releases"])
    differences = Differences()

    @router.get("", operation_id="list_releases", summary="The releases that are kept",
                response_class=Response, openapi_extra=LIST)  # fmt: skip
    async def listed(request: Request) -> Response:
        """`?release=<id>` on any data route answers from one of these."""
        form = answers.form_of(request, ("json", "csv", "xlsx"))
        items, pruned = await asyncio.to_thread(_list, settings)
        served = current_release(settings.releases)
        body = {"items": items, "total": len(items), "next": None, "pruned": pruned,
                "release": served.id if served else None}  # fmt: skip
        table = Table("releases", "The releases that are kept", _COLUMNS, items)
        return await answers.answer(request, settings, form, body, table, maker)

    @router.get("/{before}..{after}", operation_id="get_difference",
                summary="What changed between two releases", response_class=Response,
                openapi_extra=CHANGES)  # fmt: skip
    async def compared(request: Request, before: Id, after: Id) -> Response:
        """JSON: statements added and removed by family and graph, and the statements themselves,
        paged. N-Quads with `side=added` or `side=removed`: all statements of that side. With
        `query`: the rows of a library query that only one of the releases has, all of them, each
        as often as it is there more often. Families of sources that may not be redistributed are
        left out and named in `withheld`."""
        pair = _named(settings, before), _named(settings, after)
        return await changes(request, settings, serving, differences, maker, *pair)

    @router.get("/{id}", operation_id="get_release", summary="What a release holds",
                response_class=Response, openapi_extra=ONE)  # fmt: skip
    async def one(request: Request, id: Id) -> Response:
        """Its build report in short: what was read of each source and what became of it,
        instances by class, coverage, checks, and how well each axis of partner search finds ties
        that are hidden from it (null where that was not measured). As a table: its sources, or
        that evaluation with `part=evaluation`."""
        form = answers.form_of(request, ("json", "csv", "xlsx"), ("part",))
        part = _part(request)
        release = _named(settings, id)
        body = await asyncio.to_thread(_report, settings, release)
        table = _evaluation(release, body["evaluation"]) if part == "evaluation" else Table(
            f"release-{release.id}", f"The sources of release {release.id}", _SOURCE,
            body["sources"],
        )  # fmt: skip
        return await answers.answer(request, settings, form, body, table, maker)

    return router


_COLUMNS = ("id", "built", "published", "triples", "partial", "software", "families", "served",
            "previous", "address")  # fmt: skip
_SOURCE = ("source", "read", "mapped", "rejected", "skipped", "statements", "seconds")


def _part(request: Request) -> str:
    part = request.query_params.get("part", PARTS[0])
    if part not in PARTS:
        raise UsageError(
            f"parameter 'part': {part[:40]!r} is not one of {', '.join(PARTS)}{hint(part, PARTS)}",
            parameter="part",
        )
    return part


def _evaluation(release: Release, told: dict[str, Any] | None) -> Table:
    return Table(
        f"release-{release.id}-evaluation",
        f"How well each axis of partner search finds ties hidden from release {release.id}",
        evaluation_table.COLUMNS,
        evaluation_table.rows(told) if told else [],
        caveats=(told["says"] if told else "not measured; `clusterloom build` measures it",),
    )


def _named(settings: Settings, release_id: str) -> Release:
    if release_id != "current":
        return open_release(settings.releases, release_id)
    try:
        return served_now().release
    except NotReady:
        raise NotFound("no release is served; run `clusterloom build`") from None


def _list(settings: Settings) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    kept = [_summary(settings, release) for release in releases(settings.releases)]
    gone = [
        {"id": past.id, "published": past.published, "pruned": past.pruned}
        for past in reversed(history.read(settings.releases).values())
        if past.pruned and not any(item["id"] == past.id for item in kept)
    ]
    return kept, gone


def _summary(settings: Settings, release: Release) -> dict[str, Any]:
    report = release.report()
    served = current_release(settings.releases)
    return {
        "id": release.id,
        "built": report.get("built"),
        "published": published(settings.releases, release),
        "triples": report.get("triples"),
        "partial": bool(report.get("partial", False)),
        "software": report.get("software"),
        "families": len(report.get("families", {})),
        "served": served is not None and served.id == release.id,
        "previous": previous(settings.releases, release.id),
        "address": f"{settings.public_url}{PREFIX}/{release.id}",
    }


def _report(settings: Settings, release: Release) -> dict[str, Any]:
    report = release.report()
    summary = report.get("summary", {})
    sources = [
        {
            "source": name,
            **{key: told.get(key) for key in ("read", "mapped", "rejected")},
            "skipped": sum(told.get("skipped", {}).values()),
            "skipped_for": told.get("skipped", {}),
            **{key: told.get(key) for key in ("statements", "seconds")},
        }
        for name, told in sorted(report.get("sources", {}).items())
    ]
    return _summary(settings, release) | {
        "families": report.get("families", {}),
        "sources": sources,
        "rules": report.get("rules", {}),
        "classes": summary.get("classes", {}),
        "coverage": summary.get("coverage", {}),
        "checks": report.get("checks", {}),
        "evaluation": evaluation_kept.read(folder_of(settings.data_dir), release.id),
    }
