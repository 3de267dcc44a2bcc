"""Filters of a search against the triples."""

from __future__ import annotations

import numpy as np
import pytest

from clusterloom.discovery import partners
from clusterloom.discovery.filters import Filters, look
from clusterloom.discovery.profile import Profile
from clusterloom.errors import UsageError
from discovery_help import ID, ONTOLOGY, Graph
from discovery_partners_help import ALL, ask, by_iri, others, profiles, same, wide, worlds


def fitting(graph: Graph, who: Profile, asked: Filters) -> tuple[set[str], dict[str, int]]:
    """The clusters that fit, and for one filter alone what is not known of how many."""
    regions = {r for r in graph.of("Region") if graph.values(r, "level")
               and graph.values(r, "nutsCode")}  # fmt: skip
    two = {r for r in regions if graph.one(r, "level") == 2}
    own_countries = graph.all(who.iri, "inCountry")
    kept, unknown = set(), dict.fromkeys(("country", "region", "capability"), 0)
    kinds = {ONTOLOGY + kind for kind in asked.kind}
    joint = {ONTOLOGY + "Partnership", ONTOLOGY + "Project"}
    for iri in others(graph, who):
        country, placed = graph.all(iri, "inCountry"), graph.all(iri, "locatedIn") & regions
        has = graph.all(iri, "hasCapability")
        joined = {u for u, m in graph.pairs("participant")
                  if m == iri and graph.all(u, "a") & joint}  # fmt: skip
        fits, lacks = [], set()
        if asked.country:
            lacks |= set() if len(country) == 1 else {"country"}
            fits.append(bool(country & {f"{ID}country/{c}" for c in asked.country}))
        if asked.elsewhere == "country":
            lacks |= set() if len(country) == 1 else {"country"}
            fits.append(len(own_countries) != 1 or country != own_countries)
        if asked.region:
            lacks |= set() if placed else {"region"}
            fits.append(bool(placed & {f"{ID}region/{c}" for c in asked.region}))
        if asked.elsewhere == "region":
            lacks |= set() if placed & two else {"region"}
            fits.append(not placed & two & graph.all(who.iri, "locatedIn"))
        for word in asked.capability:
            lacks |= set() if has else {"capability"}
            one = f"{ID}{'euroscivoc' if word.startswith('k') else 'nace2'}/{word}"
            fits.append(one in wide(graph, has))
        for key in asked.area:
            lacks |= set() if has else {"capability"}
            mapped = {str(graph.one(m, "mapsTo")) for m, a in graph.pairs("mapsFrom")
                      if a == f"{ID}area/{key}"}  # fmt: skip
            fits.append(bool(wide(graph, has) & mapped))
        if asked.kind:
            fits.append(any(graph.all(u, "a") & kinds for u in joined))
        for code in asked.third_country:
            aimed = f"{ID}country/{code}"
            fits.append(any(aimed in graph.all(u, "targetCountry") for u in joined))
        if asked.labelled:
            fits.append(bool(graph.all(iri, "label")))
        if asked.exclude_partners:
            fits.append(iri not in graph.all(who.iri, "coParticipantWith"))
        for what in lacks:
            unknown[what] += 1
        if all(fits) and not lacks:
            kept.add(iri)
    return kept, {what: n for what, n in unknown.items() if n}


def asked_of(graph: Graph) -> list[Filters]:
    """One of each filter with values that the graph has, and some together."""
    found = [Filters(country=[code]) for code in ("AA", "CC")]
    found += [Filters(country=["AA", "BB"]), Filters(elsewhere="country"),
              Filters(elsewhere="region"), Filters(labelled=True),
              Filters(exclude_partners=True), Filters(third_country=["AA"]),
              Filters(third_country=["AA", "BB"])]  # fmt: skip
    taken = [str(graph.one(r, "nutsCode")) for r in graph.of("Region")
             if graph.values(r, "level") and graph.values(r, "nutsCode")
             and graph.all(r, "vintage") != {"2013"}
             and graph.all(r, "vintage") != {"2016"}
             and graph.all(r, "vintage") != {"2013", "2016"}]  # fmt: skip
    found += [Filters(region=[code]) for code in taken[:3]]
    found += [Filters(region=taken[:2])] if taken else []
    nace = [str(graph.one(c, "naceCode")) for c in graph.of("Capability") if "/nace2/" in c]
    found += [Filters(capability=[word]) for word in (*nace[:4], "k0", "k3")]
    found += [Filters(capability=[nace[0], "k0"])] if nace else []
    areas = [iri.rsplit("/", 1)[1] for iri in graph.of("ThematicArea")]
    found += [Filters(area=[key]) for key in areas]
    used = {k for k in ("Partnership", "Project") if graph.of(k)}
    found += [Filters(kind=[kind]) for kind in sorted(used)]
    found += [Filters(kind=sorted(used))] if used else []
    found.append(Filters(country=["AA", "BB"], labelled=True, exclude_partners=True))
    found.append(Filters(elsewhere="country", capability=["k0"]))
    return found


def test_filters_against_the_triples() -> None:
    some = dict.fromkeys(vars(Filters()), 0)
    for graph, model in worlds(2):
        clusters = model.index.things["clusters"]
        for who in profiles(model)[:4]:
            every = by_iri(ask(model, who, "similarity"))
            for asked in asked_of(graph):
                kept, unknown = fitting(graph, who, asked)
                looked = look(model.index, who, asked)
                found = {clusters.iris[n] for n in np.flatnonzero(looked.mask)}
                assert found == kept, asked
                names = [name for name, value in vars(asked).items() if value]
                for name in names:
                    some[name] += 0 < len(kept) < len(others(graph, who))
                if len(names) == 1 and len(asked.capability) < 2:
                    assert looked.unknown == unknown, asked
                answer = partners.partners(model, who, "similarity", asked, limit=ALL)
                assert same(by_iri(answer), {i: v for i, v in every.items() if i in kept})
                assert answer.coverage["clusters"] == len(kept)
                if not answer.coverage["reason"]:
                    assert answer.coverage["left_out_as_unknown"] == looked.unknown
                fused = partners.partners(model, who, "borda", asked, limit=ALL)
                assert {item.iri for item in fused.items} <= kept
    assert min(some.values()) > 5, some


def test_a_country_in_lower_case_is_the_same() -> None:
    _, model = next(w for w in worlds() if len(profiles(w[1])) > 4)
    who = profiles(model)[0]
    upper, lower = (look(model.index, who, Filters(country=[c])).mask for c in ("AA", "aa"))
    assert upper.tolist() == lower.tolist()


# profiles of a request


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        (Filters(country=["AAA"]), "AA"),
        (Filters(third_country=["AAB"]), "AA"),
        (Filters(capability=["10.1x"]), "10.1"),
        (Filters(capability=["k33"]), "k3"),
        (Filters(region=["AA1111"]), "AA111"),
        (Filters(kind=["Projects"]), "Project"),
        (Filters(elsewhere="planet"), "neither country nor region"),
        (Filters(area=["a00"]), "a0"),
    ],
)
def test_unknown_values_of_filters_are_refused_with_the_nearest(asked: Filters, near: str) -> None:
    tried = 0
    for graph, model in worlds():
        keys = {iri.rsplit("/", 1)[1] for kind in ("Country", "Region", "Capability",
                "ThematicArea") for iri in graph.of(kind)}  # fmt: skip
        keys |= {"Project"} if graph.of("Project") else set()
        if (near in keys or " " in near) and profiles(model):
            for axis in ("similarity", "borda"):
                with pytest.raises(UsageError, match=near):
                    partners.partners(model, profiles(model)[0], axis, asked)
            tried += 1
        if tried == 5:
            return
    raise AssertionError("no graph had the value")
