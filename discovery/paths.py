"""Value paths: the strongest supply paths from one product group to another, and who is on them.

The value of a path is the product of the input coefficients of its hops, so the parts of these
answers are factors and not summands; `method.parameters["operation"]` says so.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom import terms
from clusterloom.discovery.answers import Answer, Item, Method, Part, ranked
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.strongest_path import SupplyPath, TooManyPaths, strongest_paths
from clusterloom.errors import UsageError
from clusterloom.nearest import hint, nearest

METHOD = Method(
    "product of the input coefficients along a path",
    "implements the direct influence of Defourny and Thorbecke (1984), deviations as in Yen "
    "(1971); input coefficients (Leontief 1936), Czechia 2015, Eurostat naio_10_cp1700",
)
MOST_PATHS, MOST_STEPS, NAMED = 50, 12, 5
CAVEATS = (
    "one economy's technology of 2015, whatever the countries of those on the path",
    "a cluster named at a product has a capability of its sectors; that it supplies the next is "
    "not known, and the five named are the first by id",
)


def value_paths(model: Model, source: str, target: str, k: int = 5, longest: int = 6) -> Answer:
    """The `k` paths of supply from `source` to `target` with the greatest product of coefficients.

    Both are keys of product groups (`C20`) or NACE codes (`27`, `27.2`), of which the product
    group that comprises the division is taken. `longest` is the number of hops. `total` counts
    the paths that were looked for; `coverage.more` tells whether there are others.
    UsageError for a product that is not known or not one, and for numbers out of range. The same
    product twice, a product without figures, no path at all, and circles of supply that gain so
    much that the paths are not found, give no items and the reason.
    """
    _within("k", k, MOST_PATHS)
    _within("longest", longest, MOST_STEPS)
    index = model.index
    products = index.things["products"]
    ends = {name: product_of(model, word, name)
            for name, word in (("source", source), ("target", target))}  # fmt: skip
    without: NDArray[np.bool_] = np.asarray(np.isnan(index.arrays["supply"]).all(axis=0))
    coverage: dict[str, Any] = {
        "products": len(products),
        "without_figures": int(without.sum()),
        "clusters": len(index.things["clusters"]),
        "clusters_without_products": int((np.diff(model.products.indptr) == 0).sum()),
    }
    parameters = {"source": source, "target": target, "k": k, "longest": longest,
                  "operation": "product"}  # fmt: skip
    method = Method(METHOD.name, METHOD.citation, METHOD.version, parameters)
    about: dict[str, Any] = {
        name: {"id": products.key(n), "label": products.labels[n]} if n >= 0 else {"asked": word}
        for (name, n), word in zip(ends.items(), (source, target), strict=True)
    }
    caveats = list(CAVEATS)
    if without.any():
        caveats.append(
            f"{coverage['without_figures']} products have no figures of what goes into them: no "
            "path leads through them, and the share is at most what is given"
        )

    def answer(items: list[Item], reason: str) -> Answer:
        told = {**coverage, "reason": reason}
        return Answer(items, len(items), method, told, index.release, caveats=caveats, about=about)

    one, other = ends["source"], ends["target"]
    for word, n in ((source, one), (target, other)):
        if n < 0:
            return answer([], f"{word} lies in no product group of the supply table")
    if one == other:
        return answer([], f"source and target are the same product group, {products.key(one)}")
    if without[other]:
        return answer([], f"no figures of what goes into {products.key(other)} are known")
    if without[one] and not model.coefficients[one].any():
        return answer([], f"no figures of {products.key(one)} are known")
    inverse = model.requirements
    if inverse is None:
        caveats.append(
            "the table has no inverse, since what its circles of supply need is more than they "
            "make: no share of the total requirement is told"
        )
    try:
        found = strongest_paths(model.coefficients, one, other, k + 1, longest, inverse)
    except TooManyPaths as error:
        return answer([], str(error))
    coverage["more"] = len(found) > k
    if inverse is not None:
        about["total_requirement"] = float(inverse[one, other])
    if not found:
        route = f"from {products.key(one)} to {products.key(other)}"
        return answer([], f"no path of at most {longest} hops leads {route}")
    items = [_item(model, path) for path in found[:k]]
    return answer(ranked(items, [path.product for path in found[:k]]), "")


def product_of(model: Model, word: str, name: str) -> int:
    """The product group of a key or a NACE code; -1 for a NACE code that lies in none.

    UsageError, which names the nearest values, where nothing is known by that name, and where a
    NACE code comprises several product groups or lies in several.
    """
    products = model.index.things["products"]
    asked = word.strip().upper()
    for key in (word.strip(), asked):
        if key in products.by_key:
            return int(products.by_key[key])
    place = model.index.nace_codes.get(asked.removeprefix("NACE").strip())
    if place is None:
        labels = {products.key(n): products.labels[n] for n in range(len(products))}
        raise UsageError(
            f"{name}: {word[:60]!r} is neither a product group nor a NACE code"
            f"{hint(word, labels)}",
            parameter=name, nearest=nearest(word, labels),
        )  # fmt: skip
    above = np.unique(model.comprised[[place]].indices).tolist()
    if len(above) == 1:
        return int(above[0])
    parts = above or _below(model.index, place)
    if not parts:
        return -1
    keys = [products.key(n) for n in parts]
    told = ", ".join(keys[:10]) + (" ..." if len(keys) > 10 else "")
    raise UsageError(
        f"{name}: NACE {word[:60]} is not one product group; name one of {told}",
        parameter=name, nearest=keys[:10],
    )  # fmt: skip


def _below(index: Index, place: int) -> list[int]:
    """The product groups that comprise a part of a capability."""
    parts = set(index.related_to("within", place).tolist())
    return [
        n for n in range(len(index.things["products"]))
        if parts & set(index.row("product_capability", n).tolist())
    ]  # fmt: skip


def _within(name: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise UsageError(f"{name}: {number} is not between 1 and {most}", parameter=name)


def _item(model: Model, path: SupplyPath) -> Item:
    products = model.index.things["products"]
    iris = [products.iris[n] for n in path.nodes]
    hops = list(zip(path.nodes, path.nodes[1:], strict=False))
    parts = [
        Part("supplies", f"{products.labels[p]}, for {products.labels[q]}",
             float(model.coefficients[p, q]), {"from": products.iris[p], "to": products.iris[q]},
             (products.iris[p], products.iris[q]))
        for p, q in hops
    ]  # fmt: skip
    return Item(
        ">".join(products.key(n) for n in path.nodes), "",
        " > ".join(products.labels[n] for n in path.nodes), path.product, parts,
        {"share": None if math.isnan(path.share) else path.share, "steps": len(hops)},
        {"organisations": [_makers(model, n) for n in path.nodes]}, iris,
        query=_query(model, hops),
    )  # fmt: skip


def _makers(model: Model, product: int) -> dict[str, Any]:
    index = model.index
    clusters, countries = index.things["clusters"], index.things["countries"]
    start, end = model.makers.indptr[product : product + 2]
    found = model.makers.indices[start:end].tolist()
    named = [
        {"id": clusters.key(n), "label": clusters.labels[n],
         "country": countries.key(c) if (c := int(index.country[n])) >= 0 else None}
        for n in found[:NAMED]
    ]  # fmt: skip
    key = index.things["products"].key(product)
    return {"product": key, "count": len(found), "clusters": named}


def _query(model: Model, hops: list[tuple[int, int]]) -> str:
    """The coefficients of the hops."""
    iris = model.index.things["products"].iris
    pairs = " ".join(f"({terms.iri(iris[p])} {terms.iri(iris[q])})" for p, q in hops)
    return (
        "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
        f"SELECT ?from ?to ?coefficient WHERE {{ VALUES (?from ?to) {{ {pairs} }}\n"
        "  ?link cloom:fromProduct ?from ; cloom:toProduct ?to ; cloom:coefficient ?coefficient\n"
        "} ORDER BY ?from ?to"
    )
