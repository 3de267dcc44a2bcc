"""`/docs`: every operation of the OpenAPI document, each with a request that really is answered."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Iterator

import httpx
import pytest

from clusterloom.settings import Settings
from clusterloom.store.release import Release
from fixtures_api import serving


@pytest.fixture(scope="module")
def client(default_release: Release, settings: Settings) -> Iterator[httpx.Client]:
    """A client of the service over the default release."""
    with serving(settings) as client:
        yield client


@pytest.fixture(scope="module")
def text(client: httpx.Client) -> str:
    """The page."""
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert 'rel="service-desc"' in answer.headers["link"]
    return answer.text


def test_every_operation_stands_in_the_group_of_its_tag(client: httpx.Client, text: str) -> None:
    document = client.get("/openapi.json").json()
    sections = dict(re.findall(r'<h2 id="group-\d+">([^<]+)</h2>(.*?)</section>', text, re.DOTALL))
    assert [*sections] == [tag["name"] for tag in document["tags"]]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            section = html.unescape(sections[operation["tags"][0]])
            assert f"<code>{method.upper()} {path}</code> {operation['summary']}" in section
            assert f'id="{operation["operationId"]}"' in section
    assert "<script" not in text
    assert "{version}</pre>" not in text


def test_every_sample_is_answered(client: httpx.Client, text: str, settings: Settings) -> None:
    samples = [html.unescape(found) for found in re.findall(r"<pre>(curl .*?)</pre>", text)]
    assert len(samples) > 100
    for sample in samples:
        words = shlex.split(sample)[1:]
        (address,) = (word for word in words if word.startswith(settings.public_url))
        pairs = [(name, value) for name, _, value in (
            word.partition("=") for word in words if "=" in word and word != address
        )]  # fmt: skip
        path = address.removeprefix(settings.public_url)
        if "--data" in words:
            body = words[words.index("--data") + 1]
            answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        elif pairs and "-G" not in words:
            answer = client.post(path, data=dict(pairs))
        else:
            answer = client.get(path, params=httpx.QueryParams(tuple(pairs)), follow_redirects=True)
            assert "-L" in words or not answer.history, sample
        assert answer.status_code == 200, (sample, answer.text[:500])
        assert len(answer.content) > 10, sample


def test_the_pages_and_the_manifest_of_reconciliation_lead_to_it(client: httpx.Client) -> None:
    assert 'href="/docs"' in client.get("/", headers={"accept": "text/html"}).text
    address = client.get("/reconcile").json()["documentation"]
    assert client.get(httpx.URL(address).path).status_code == 200
