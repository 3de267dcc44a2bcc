"""The short lists by which cluster policy speaks: emerging industries, industrial ecosystems,
traded cluster categories and strategic value chains. Each row is one concept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.loaders.concepts import Scheme, concept
from clusterloom.loaders.contract import Confidence, Required, Row, Skip, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

INDUSTRIES = Scheme(
    "emerging-industries", "Emerging industries", "EmergingIndustry", "emerging-industry"
)
ECOSYSTEMS = Scheme("ecosystems", "Industrial ecosystems", "IndustrialEcosystem", "ecosystem")
CATEGORIES = Scheme(
    "traded-categories", "Traded cluster categories", "TradedCategory", "traded-category"
)
CHAINS = Scheme(
    "strategic-value-chains",
    "Strategic value chains of the European Union",
    "StrategicValueChain",
    "strategic-value-chain",
)


class ConceptRow(Row):
    """One concept of a numbered list."""

    n: Annotated[str, Field(pattern=r"^\d+$")]
    name: Required
    source: Required
    confidence: Confidence


class CategoryRow(ConceptRow):
    """A traded category, with the name in the United States where it differs."""

    us_name_if_different: str


class ChainRow(ConceptRow):
    """A strategic value chain, with the round in which the Strategic Forum put it forward."""

    wave: Required


def _concept(scheme: Scheme, row: ConceptRow) -> Node:
    if row.confidence == "low":
        raise Skip("confidence low")
    node = concept(scheme, ns.slug(row.name), row.name, row.n)
    return node.cite(row.source, row.confidence)


def industry(row: ConceptRow, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:EmergingIndustry`."""
    return _concept(INDUSTRIES, row)


def ecosystem(row: ConceptRow, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:IndustrialEcosystem`."""
    return _concept(ECOSYSTEMS, row)


def category(row: CategoryRow, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:TradedCategory`, also under its American name."""
    return _concept(CATEGORIES, row).text("skos:altLabel", row.us_name_if_different, "en-us")


def chain(row: ChainRow, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:StrategicValueChain` with its wave."""
    return _concept(CHAINS, row).text("wave", row.wave)


SOURCES = (
    Source("emerging-industries", ConceptRow, csv_of(ConceptRow), industry),
    Source("industrial-ecosystems", ConceptRow, csv_of(ConceptRow), ecosystem),
    Source("traded-categories", CategoryRow, csv_of(CategoryRow), category),
    Source("strategic-value-chains", ChainRow, csv_of(ChainRow), chain),
)
