"""Requests made up from the OpenAPI document, against the real service.

Every answer must have a status code that its operation documents by number, a documented media
type, a body that fits the schema, and never be a failure of the server. `make fuzz` makes up more.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fixtures_api import make_release
from service_process import Service, running

EXAMPLES = int(os.environ.get("FUZZ", "4"))
"""Requests made up for each operation; a query of the library, one of many alike, gets half."""

LIBRARY = "/api/v1/queries/"
SECONDS = 10.0
UNAVAILABLE = {503, 504, 507}
"""Documented answers of a server that has enough to do; they are no failure of it."""

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

TAGS = {
    "SPARQL", "Linked data", "Vocabulary", "Dumps", "Resources", "Query library", "Operation",
    "Search", "Releases", "Reconciliation", "Discovery",
}  # fmt: skip
"""Groups of operations, each a test of its own."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("openapi")
    make_release(folder / "releases")
    with running(folder, workers=4, query_timeout=5) as service:
        yield service


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    """The OpenAPI document, without the answer `default` that would let any status pass."""
    found: dict[str, Any] = httpx.get(f"{service.url}/openapi.json").json()
    for path in found["paths"].values():
        for operation in path.values():
            operation["responses"].pop("default", None)
    return found


@pytest.fixture(scope="module")
def operations(service: Service, document: dict[str, Any]) -> dict[str, list[Any]]:
    """Every operation under its first tag."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=service.url)
    found = defaultdict(list)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        found[(operation.tags or ["none"])[0]].append(operation)
    return dict(found)


def test_every_operation_has_a_known_tag(operations: dict[str, list[Any]]) -> None:
    assert set(operations) <= TAGS
    assert sum(map(len, operations.values())) >= 100


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_made_up_requests(service: Service, operations: dict[str, list[Any]], tag: str) -> None:
    if tag not in operations:
        pytest.fail(f"no operation has the tag {tag}: take it off the list")
    complaints = []
    for operation in operations[tag]:
        examples = max(1, EXAMPLES // 2) if operation.path.startswith(LIBRARY) else EXAMPLES
        for kind in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            complaints += _tried(service, operation, examples, kind)
    assert not complaints, f"{len(complaints)} complaints:\n" + "\n".join(complaints)


def _tried(
    service: Service, operation: Any, examples: int, kind: schemathesis.GenerationMode
) -> list[str]:
    """What is wrong with the answers of an operation, one line for each kind of complaint."""
    found: dict[str, str] = {}

    # derandomised: the same requests every time; more of them by `make fuzz`
    @seed(int(os.environ.get("FUZZ_SEED", "1")))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=kind))
    def attempt(case: Any) -> None:
        answer = case.call(timeout=SECONDS, allow_redirects=False)
        checks = list(CHECKS)
        if answer.status_code not in UNAVAILABLE:
            checks.append(not_a_server_error)
        try:
            case.validate_response(answer, checks=checks)
        except BaseExceptionGroup as group:
            for error in group.exceptions:
                text = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")[:300]
                line = f"{operation.label}: {answer.status_code}: {text}"
                found.setdefault(f"{answer.status_code} {type(error).__name__}",
                                 f"{line}\n    {case.as_curl_command()[:400]}")  # fmt: skip

    with suppress(Unsatisfiable):  # an operation that takes nothing cannot be given wrong things
        attempt()
    assert service.process.poll() is None, "the server is gone"
    return list(found.values())
