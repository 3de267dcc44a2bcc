"""Stage matching and coverage: what counts as covering, and that no list gives a false no."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clusterloom.loaders.stage_coverage import assess
from clusterloom.loaders.stage_matching import Actors, Match, answers, best

MATCHES: st.SearchStrategy[Match] = st.sampled_from(("exact", "narrow", "broad"))
STATUS = st.sampled_from(["specialised", "borderline", "not", "unknown"])


def test_two_clusters_tagged_digital_do_not_cover_the_same_stage() -> None:
    actors = Actors({}, {})
    actors.add("games", "62", "broad")
    actors.add("software", "62", "exact")
    assert actors.of_stage({"62": "broad"}) == {"games": "weak", "software": "covered"}


def test_the_closest_of_several_matches_counts() -> None:
    actors = Actors({}, {})
    actors.add("one", "62", "exact")
    actors.add("one", "62", "broad")
    assert actors.of_stage({"62": "broad"}) == {"one": "covered"}
    assert best(["broad", "narrow"]) == "narrow"


@given(MATCHES, MATCHES)
def test_a_wider_field_never_covers(has: Match, requires: Match) -> None:
    assert answers(has, requires, "whole") == "weak"


@given(MATCHES)
def test_a_code_that_is_the_stage_is_covered_by_all_who_have_it(has: Match) -> None:
    assert answers(has, "exact", "same") == "covered"
    assert answers(has, "narrow", "part") == "covered"


@given(st.dictionaries(st.sampled_from("abc"), STATUS, min_size=1))
def test_missing_needs_every_division_measured(measured: dict[str, str]) -> None:
    required: dict[str, Match] = {"a": "broad", "b": "exact", "c": "broad"}
    division = {c: c for c in required}
    found = assess(None, required, division, measured)
    if found[0] == "missing":
        assert all(measured.get(code) == "not" for code in required)
    if any(measured.get(code, "unknown") == "unknown" for code in required):
        assert found[0] != "missing"


@given(STATUS)
def test_no_measure_for_a_field_of_science(status: str) -> None:
    found = assess(None, {"laser": "exact"}, {}, {"26": status})
    assert found == ("unknown", "")
