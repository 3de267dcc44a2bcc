"""Things by the address of their IRI: found, moved, withdrawn or unknown."""

from __future__ import annotations

import re

from clusterloom import terms
from clusterloom.api.aliases import moved_to
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.describe import Description, describe
from clusterloom.api.gate import open_select
from clusterloom.api.named import named
from clusterloom.api.rows import local
from clusterloom.api.serving import Served
from clusterloom.api.signposting import RESERVED
from clusterloom.errors import NotFound
from clusterloom.namespaces import ID, PREFIXES, term, thing
from clusterloom.nearest import hint

_KIND = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LABEL = terms.iri(PREFIXES["rdfs"] + "label")
_KEYS_LIMIT = 5_000
"""Keys that are looked through for the nearest ones."""


async def exists(served: Served, kind: str, key: str) -> bool:
    """Whether this release says anything of the thing that may be given away."""
    if kind in RESERVED:
        await named(served, kind, key)
        return True
    _check(kind, key)
    return bool(await open_select(served, f"ASK {{ {terms.iri(thing(kind, key))} ?p ?o }}"))


async def description_of(served: Served, kind: str, key: str) -> Description:
    """The description of the thing, or of a graph, release or error type by the first part of
    its IRI; Gone or NotFound where there is none."""
    if kind in RESERVED:
        return await named(served, kind, key)
    _check(kind, key)
    found = await describe(served, thing(kind, key))
    if found is None:
        raise await missing(served, kind, key)
    return found


def _check(kind: str, key: str) -> None:
    """NotFound for a type that no IRI of ours has; a key is percent-encoded, so any will do."""
    if not _KIND.fullmatch(kind):
        raise NotFound(f"this release has no {kind}/{key}", kind=kind, key=key)


async def missing(served: Served, kind: str, key: str) -> NotFound:
    """The error for a thing that is not there, with the nearest keys where they are cheap."""
    near = ""
    resource = next((r for r in RESOURCES.values() if kind in r.kinds), None)
    if resource is not None:
        near = hint(key, await _keys(served, kind, resource.of_class))
    return NotFound(f"this release has no {kind}/{key}{near}", kind=kind, key=key)


async def _keys(served: Served, kind: str, of_class: str) -> dict[str, str]:
    async def read(served: Served) -> dict[str, str]:
        rows = await open_select(
            served,
            f"SELECT DISTINCT ?s ?label WHERE {{ ?s a <{term(of_class)}> ; {_LABEL} ?label }} "
            f"LIMIT {_KEYS_LIMIT}",
        )
        start = f"{ID}{kind}/"
        return {
            local(row["s"].value).partition("/")[2]: row["label"].value
            for row in rows
            if row["s"].value.startswith(start)
        }

    return await served.once(("keys", kind, of_class), read)


def new_address(kind: str, key: str) -> tuple[str, str] | None:
    """The type and key that an old name leads to; None when it is current. Raises Gone."""
    moved = moved_to(f"{kind}/{key}")
    if moved is None:
        return None
    new_kind, _, new_key = moved.partition("/")
    return new_kind, new_key
