"""Pages from templates: escaped, and with a policy that lets nothing load from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Request
from starlette.responses import Response

from clusterloom import __version__
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.negotiation import accept_of, wants_html
from clusterloom.api.pin import PIN, keep
from clusterloom.api.rows import compact, key_of, local
from clusterloom.ontology import vocabulary

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every page."""

_FOREIGN = {
    "rdf:type": "kind of thing",
    "rdfs:label": "label",
    "rdfs:comment": "comment",
    "rdfs:seeAlso": "see also",
    "skos:altLabel": "other name",
    "skos:prefLabel": "preferred name",
    "skos:notation": "code",
    "skos:definition": "definition",
    "skos:broader": "broader",
    "skos:inScheme": "in scheme",
    "skos:topConceptOf": "top concept of",
    "dcterms:source": "source",
    "dcterms:description": "description",
    "dcterms:license": "licence",
    "dcterms:publisher": "publisher",
    "foaf:page": "page about it",
    "geo:hasCentroid": "centre point",
    "geo:asWKT": "geometry",
    "owl:sameAs": "same as",
}


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("clusterloom.api"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "page": page_path,
        "web": web_address,
        "label": property_label,
        "definition": property_definition,
        "number": _number,
        "local": local,
        "key": key_of,
        "keep": _keep,
        "words": lambda text: text.replace("_", " "),
        "urlencode_pairs": urlencode,
    }
    environment.globals |= {"resources": RESOURCES, "version": __version__, "pin": PIN.get}
    return environment


@jinja2.pass_context  # else a filter of a constant is worked out once, for whoever came first
def _keep(context: jinja2.runtime.Context, address: str) -> str:  # noqa: ARG001
    return keep(address)


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The page of a template; values are escaped where they are put in."""
    html = _environment().get_template(template).render(path=request.url.path, **values)
    return Response(
        html,
        status,
        {**SECURITY, "Vary": "Accept", **(headers or {})},
        media_type="text/html",
    )


def likes_pages(request: Request) -> bool:
    """Whether the client would rather have a page than data."""
    return wants_html(accept_of(request.headers), graph=True)


def page_path(iri: str) -> str:
    """The address of the page of a thing of ours; blank for an IRI of others."""
    name = local(iri)
    # IRIs hold keys percent-encoded already
    return keep(f"/page/{quote(name, safe='/-._~()%')}") if name else ""


def web_address(text: str) -> str:
    """The text when it is a web address, else blank: nothing else may become a link."""
    return text if text.startswith(("https://", "http://")) else ""


def property_label(iri: str) -> str:
    """A property or class in words."""
    name = compact(iri)
    if name in vocabulary.terms():
        return vocabulary.label(name)
    return _FOREIGN.get(name, name)


def property_definition(iri: str) -> str:
    """What a property or class of ours means; blank for others."""
    name = compact(iri)
    return vocabulary.definition(name) if name in vocabulary.terms() else ""


def _number(value: float) -> str:
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else str(value)
