"""What the operations compute once of an index: relatedness of divisions, ties, incidences."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clusterloom.discovery import input_output, network, relatedness
from clusterloom.discovery.index import Index
from clusterloom.discovery.profile import Profile

Floats = NDArray[np.float64]


class Model:
    """Matrices of one index, each made when it is first asked for."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.last_gains: tuple[Profile, Floats] | None = None
        """Whom complementarity was worked out for last: one question asks for it several times."""

    def warm(self) -> None:
        """Makes every matrix now, so that no question waits for one."""
        for matrix in (
            self.products,
            self.shares,
            self.degrees,
            self.known,
            self.coefficients,
            self.figured,
            self.division_labels,
            self.expected,
            self.requirements,
            self.makers,
            self.undertaking_divisions,
        ):
            _ = matrix
        for name in (
            "cluster_stage",
            "cluster_region",
            "cluster_capability",
            "cluster_undertaking",
            "within",
        ):
            self.index.backwards(name)

    @cached_property
    def capabilities(self) -> sparse.csr_array:
        """Clusters by capabilities, 0/1."""
        return self.index.relation("cluster_capability")

    @cached_property
    def divisions(self) -> sparse.csr_array:
        """Clusters by NACE divisions (those that are measured in regions), 0/1.

        A cluster has a division when one of its capabilities is the division or a part of it.
        """
        own = self.index.arrays["capability_division"]
        kept = np.flatnonzero(own >= 0)
        ones = np.ones(len(kept))
        shape = len(own), len(self.index.arrays["divisions"])
        comprised = sparse.csr_array((ones, (kept, own[kept])), shape=shape)
        return _binary(self.capabilities @ comprised)

    @cached_property
    def products(self) -> sparse.csr_array:
        """Clusters by product groups of the supply table, 0/1."""
        return _binary(self.capabilities @ self.comprised)

    @cached_property
    def comprised(self) -> sparse.csr_array:
        """Capabilities by the product groups that comprise them or what they are a part of, 0/1.

        The divisions of product groups are more than those that are measured in regions.
        """
        within = self.index.relation("within")
        itself = sparse.eye_array(within.shape[0], format="csr")
        return _binary((itself + within) @ self.index.relation("product_capability").T)

    @cached_property
    def measured(self) -> NDArray[np.int64]:
        """Places of the NUTS 2 regions with employment figures, each once whatever its vintages.

        Extra-regio territory (`ELZZ`) is no region, though it has figures.
        """
        index = self.index
        regions = index.things["regions"]
        now = np.array(
            [
                "2021" in vintages.split() and not regions.key(place).endswith("ZZ")
                for place, vintages in enumerate(regions.facts["vintages"])
            ],
            dtype=bool,
        )
        known = (index.arrays["region_status"] >= 0).any(axis=1)
        return np.flatnonzero(now & known & (index.arrays["region_level"] == 2))

    @cached_property
    def relatedness(self) -> Floats:
        """Divisions by divisions: how much more often regions are specialised in both than by
        chance (van Eck and Waltman 2009, Steijn 2017), zero on the diagonal."""
        status = self.index.arrays["region_status"][self.measured]
        return relatedness.steijn(relatedness.cooccurrences((status == 1).astype(np.float64)))

    @cached_property
    def shares(self) -> Floats:
        """`relatedness` with columns that add up to 1."""
        return relatedness.shares(self.relatedness)

    @cached_property
    def ties(self) -> sparse.csr_array:
        """Clusters by clusters: 1 where two take part in something together."""
        return network.projection(self.index.incidence)

    @cached_property
    def expected(self) -> Floats:
        """Clusters by divisions as the bipartite configuration model expects them."""
        return relatedness.bicm(self.divisions)

    @cached_property
    def degrees(self) -> NDArray[np.int64]:
        """The number of other clusters that each has a tie with."""
        found: NDArray[np.int64] = np.diff(self.ties.indptr).astype(np.int64)
        return found

    @cached_property
    def coefficients(self) -> Floats:
        """Input coefficients product by product, 0 for those of products without figures."""
        return np.nan_to_num(np.asarray(self.index.arrays["supply"], dtype=np.float64))

    @cached_property
    def figured(self) -> NDArray[np.bool_]:
        """The products of which the supply table has figures on what goes into them."""
        return np.asarray(~np.isnan(self.index.arrays["supply"]).all(axis=0), dtype=np.bool_)

    @cached_property
    def product_alphabet(self) -> NDArray[np.int64]:
        """The place of each product in the order of their labels."""
        return _alphabet(self.index.things["products"].labels)

    @cached_property
    def division_alphabet(self) -> NDArray[np.int64]:
        """The place of each division in the order of their labels."""
        return _alphabet(self.division_labels)

    @cached_property
    def known(self) -> dict[str, NDArray[np.bool_]]:
        """Of which clusters any capability, division, tie or product is known."""
        return {
            name: np.diff(getattr(self, name).indptr) > 0
            for name in ("capabilities", "divisions", "ties", "products")
        }

    @cached_property
    def requirements(self) -> Floats | None:
        """Total requirements product by product; None where the table has no inverse."""
        try:
            return input_output.leontief(self.coefficients)
        except ValueError:
            return None

    @cached_property
    def makers(self) -> sparse.csr_array:
        """Product groups by clusters, 0/1: `products` the other way round."""
        return _binary(sparse.csr_array(self.products.T))

    @cached_property
    def undertaking_divisions(self) -> sparse.csr_array:
        """Undertakings by divisions, 0/1: those that one of the clusters taking part has."""
        return _binary(self.index.backwards("cluster_undertaking") @ self.divisions)

    @cached_property
    def division_labels(self) -> list[str]:
        """Code and name of each division."""
        things = self.index.things["capabilities"]
        places = self.index.arrays["divisions"].tolist()
        return [f"{things.facts['code'][place]} {things.labels[place]}" for place in places]

    def division_label(self, number: int) -> str:
        """Code and name of a division."""
        return self.division_labels[number]

    def country_of(self, cluster: int) -> dict[str, str] | None:
        """Key and label of the country; None where none or several are stated."""
        place = int(self.index.country[cluster])
        return self._named("countries", place) if place >= 0 else None

    def region_of(self, cluster: int) -> dict[str, str] | None:
        """Key and label of the NUTS 2 region, else of the widest known one."""
        places = self.index.row("cluster_region", cluster).tolist()
        level = self.index.arrays["region_level"]
        if not places:
            return None
        return self._named("regions", min(places, key=lambda place: abs(level[place] - 2)))

    def _named(self, kind: str, place: int) -> dict[str, str]:
        things = self.index.things[kind]
        return {"id": things.key(place), "label": things.labels[place]}


def _alphabet(labels: list[str]) -> NDArray[np.int64]:
    found = np.empty(len(labels), dtype=np.int64)
    found[sorted(range(len(labels)), key=labels.__getitem__)] = np.arange(len(labels))
    return found


def _binary(matrix: sparse.csr_array) -> sparse.csr_array:
    found = sparse.csr_array(matrix)
    found.data[:] = 1.0
    found.sort_indices()
    return found
