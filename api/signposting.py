"""`Link` headers: what a page, a document or a redirect says of its neighbours (FAIR Signposting).

A page says how to cite the thing, of which type it is, under which licence, what describes it
and which list holds it; data say which thing they describe; a list names its items.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.describe import Description
from clusterloom.api.negotiation import HTML
from clusterloom.api.rdf import TYPES
from clusterloom.api.rows import local
from clusterloom.namespaces import BASE, ID

RESERVED = ("graph", "release", "problems")
"""First parts of IRIs of ours that stand beside `id/`: no type of thing has such a name."""

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

ITEMS = 50
"""Items that a list names in its header; a longer list leaves them to its data."""


def in_header(text: str) -> str:
    """The text as a header can hold it: what is not printable ASCII is percent-encoded.

    >>> in_header("<http://example.org/é>, more")
    '<http://example.org/%C3%A9>, more'
    """
    return quote(text, safe=_PRINTABLE)


def iri_at(kind: str, key: str) -> str:
    """The IRI that `/<route>/<kind>/<key>` is about.

    >>> iri_at("area", "photonics"), iri_at("graph", "clusters/asserted")
    ('https://w3id.org/clusterloom/id/area/photonics', \
'https://w3id.org/clusterloom/graph/clusters/asserted')
    """
    if kind in RESERVED:
        return f"{BASE}{kind}/{quote(key, safe='/-._~()')}"
    return f"{ID}{kind}/{quote(key, safe='-._~()')}"


def address(kind: str, key: str) -> str:
    """`<type>/<key>` as it stands in an address of this server."""
    return f"{quote(kind)}/{quote(key, safe='/-._~()' if kind in RESERVED else '-._~()')}"


def link_header(
    public_url: str,
    kind: str,
    key: str,
    suffix: str = "",
    description: Description | None = None,
) -> str:
    """The `Link` header of a page (no suffix) or of data about a thing.

    It leads to this server's address of the IRI, the page, every data format and the canonical
    address of what is sent; with the description also to its licences and, from a page, to its
    type and its list.
    """
    name, thing = address(kind, key), iri_at(kind, key)
    own = f"/data/{name}.{suffix}" if suffix else f"/page/{name}"
    route = f"/{name}" if kind in RESERVED else f"/id/{name}"
    links = [
        f'<{public_url}{route}>; rel="alternate"',
        f'<{public_url}{own}>; rel="canonical"',
        f'<{thing}>; rel="{"describes" if suffix else "cite-as"}"',
    ]
    if suffix:
        links.append(f'<{public_url}/page/{name}>; rel="alternate"; type="{HTML}"')
    for other, media_type in TYPES.items():
        if other != suffix:
            at = f"<{public_url}/data/{name}.{other}>"
            relation = "alternate" if suffix else "describedby"
            links.append(f'{at}; rel="{relation}"; type="{media_type}"')
    if description is not None:
        links += _about(public_url, description, page=not suffix)
    return ", ".join(links)


def _about(public_url: str, description: Description, page: bool) -> Iterable[str]:
    for licence in sorted(description.licences):
        yield f'<{in_header(licence)}>; rel="license"'
    if page:
        yield '<https://schema.org/AboutPage>; rel="type"'
        kind = local(description.iri).partition("/")[0]
        for resource in RESOURCES.values():
            if kind in resource.kinds and resource.of_class in description.types:
                yield f'<{public_url}/{resource.name}>; rel="collection"'


def list_header(public_url: str, name: str, items: Iterable[str], following: str) -> str:
    """The `Link` header of the page of a list: its items, its data and the next page."""
    links = [
        '<https://schema.org/CollectionPage>; rel="type"',
        f'<{public_url}/api/v1/{name}>; rel="describedby"; type="application/json"',
    ]
    if following:
        links.append(f'<{public_url}{following}>; rel="next"')
    listed = list(items)
    if len(listed) <= ITEMS:
        links += [f'<{public_url}/id/{local(iri)}>; rel="item"' for iri in listed if local(iri)]
    return ", ".join(links)


def home_header(public_url: str, release: str) -> str:
    """The `Link` header of the home page: the dataset, what describes it, its licence."""
    return ", ".join(
        [
            f'<{BASE}release/{release}>; rel="cite-as"',
            '<https://schema.org/Dataset>; rel="type"',
            '<https://creativecommons.org/licenses/by/4.0/>; rel="license"',
            f'<{public_url}/catalog>; rel="describedby"; type="text/turtle"',
            f'<{public_url}/.well-known/void>; rel="describedby"; type="text/turtle"',
            f'<{public_url}/sparql>; rel="service"',
            f'<{public_url}/openapi.json>; rel="service-desc"; type="application/json"',
            f'<{public_url}/docs>; rel="service-doc"; type="text/html"',
            f'<{public_url}/dumps/{release}/>; rel="item"; type="text/html"',
        ]
    )
