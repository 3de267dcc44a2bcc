"""Names never change: literal IRIs, keys and slugs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterloom import namespaces as ns

LITERAL = {
    ns.thing("area", "photonics"): "https://w3id.org/clusterloom/id/area/photonics",
    ns.thing("region", "ES13"): "https://w3id.org/clusterloom/id/region/ES13",
    ns.thing("nace2", "26.1"): "https://w3id.org/clusterloom/id/nace2/26.1",
    ns.thing("org", ns.org_key("x", "AT", pic="998776991")): (
        "https://w3id.org/clusterloom/id/org/pic-998776991"
    ),
    ns.org_key("Aquitaine Croissance Verte", "FR"): "fr-aquitaine-croissance-verte-4eb208",
    ns.org_key("Logistik Cluster", "", vat="ATU37311609"): "vat-atu37311609",
    ns.org_key("Nowhere", ""): "xx-nowhere-7e3243",
    ns.graph("clusters", "curated"): "https://w3id.org/clusterloom/graph/clusters/curated",
    ns.term("SME"): "https://w3id.org/clusterloom/ontology#SME",
}


@pytest.mark.parametrize(("minted", "literal"), LITERAL.items())
def test_iris_are_what_they_have_always_been(minted: str, literal: str) -> None:
    assert minted == literal


@given(st.text())
def test_slugs_are_safe_in_any_address(text: str) -> None:
    slug = ns.slug(text)
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert len(slug) <= 60


def test_a_graph_has_a_known_kind() -> None:
    with pytest.raises(ValueError, match="guessed"):
        ns.graph("clusters", "guessed")
