"""Link prediction on graphs whose truth is planted, and its parts against plain Python."""

from __future__ import annotations

import doctest
import json
import math
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clusterloom import cli
from clusterloom.discovery import evaluation, evaluation_figures, evaluation_ties, network
from clusterloom.discovery.columns import QUERIES
from clusterloom.discovery.evaluation import Evaluation, HeldOut, evaluate
from clusterloom.discovery.evaluation_figures import (
    METRICS,
    Figure,
    Scored,
    best_of,
    interval,
    metrics,
    told_apart,
)
from clusterloom.discovery.evaluation_places import METHODS, OURS, places
from clusterloom.discovery.evaluation_table import allows, report, rows, says, table
from clusterloom.discovery.evaluation_ties import (
    newest,
    some_ties,
    some_undertakings,
    ties_of,
    without,
)
from clusterloom.discovery.filters import Filters
from clusterloom.discovery.index import Index, assemble
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners
from clusterloom.discovery.profile import of_cluster, partners_of
from clusterloom.settings import Settings
from clusterloom.store.release import Release

ID = "https://w3id.org/clusterloom/id/"


def index_of(
    members: list[list[int]],
    clusters: int,
    years: list[str] | None = None,
    capabilities: dict[int, list[int]] | None = None,
    seed: int = 0,
) -> Index:
    """Clusters by undertakings, with capabilities where given and random region figures."""
    rng = random.Random(seed)
    rows: dict[str, list[tuple[str, ...]]] = {name: [] for name in QUERIES}
    rows["clusters"] = [(f"{ID}org/c{n:04d}", f"Cluster {n}") for n in range(clusters)]
    codes = [f"{n + 10}" for n in range(8)]
    rows["capabilities"] = [(f"{ID}nace2/{c}", f"Activity {c}", c) for c in codes]
    for n in range(30):
        region = f"{ID}region/R{n:02d}"
        rows["regions"].append((region, f"R{n:02d}", "2", f"Region {n}", ""))
        rows["vintages"].append((region, "2021"))
        for code in codes:
            status = rng.choice(["specialised", "not"])
            rows["region_division"].append((region, f"{ID}nace2/{code}", status, "", "", "2020"))
    for cluster, has in (capabilities or {}).items():
        rows["cluster_capability"] += [
            (f"{ID}org/c{cluster:04d}", f"{ID}nace2/{codes[n]}") for n in has
        ]
    for n, of in enumerate(members):
        iri = f"{ID}partnership/p{n:04d}"
        rows["undertakings"].append((iri, f"Partnership {n}", years[n] if years else "2020"))
        rows["cluster_undertaking"] += [(f"{ID}org/c{m:04d}", iri) for m in of]
    return Index("r", *assemble(rows))


def blocks(seed: int, many: int = 6, size: int = 15) -> Index:
    """Ties of two within blocks only; what a cluster can do has nothing to do with its block."""
    rng = random.Random(seed)
    members = [
        [block * size + m for m in rng.sample(range(size), 2)]
        for block in range(many)
        for _ in range(60)
    ]
    has = {n: rng.sample(range(8), rng.randint(1, 4)) for n in range(many * size)}
    return index_of(members, many * size, capabilities=has, seed=seed)


def small(seed: int) -> Index:
    rng = random.Random(seed)
    clusters = rng.randint(5, 14)
    members = [rng.sample(range(clusters), rng.randint(1, 4)) for _ in range(rng.randint(1, 14))]
    years = [rng.choice(["", "2019", "2020", "2021", "2022"]) for _ in members]
    has = {n: rng.sample(range(8), rng.randint(0, 3)) for n in range(clusters)}
    return index_of(members, clusters, years, has, seed)


def figure(found: HeldOut, method: str, metric: str) -> Figure:
    return next(s for s in found.scored if s.method == method).figures[metric]


# planted truth


def test_network_is_told_to_find_ties_within_blocks() -> None:
    for seed in range(3):
        # enough clusters for a hundred to be few
        for held in evaluate(blocks(seed, many=16), seed).hold_outs[:2]:
            for metric in METRICS:
                assert [metric, "network", "random"] in held.apart, (seed, held.name, metric)
            assert figure(held, "network", "AUC").value > 0.8


def test_complementarity_without_meaning_is_not_told_to_find_any() -> None:
    above = 0
    for seed in range(10):
        held = evaluate(blocks(seed), seed).hold_outs[0]
        found = figure(held, "complementarity", "AUC")
        assert 0.35 < found.value < 0.65
        above += ["AUC", "complementarity", "random"] in held.apart
        assert ["AUC", "network", "complementarity"] in held.apart
        assert all(held.best[metric] != "complementarity" for metric in METRICS)
    assert above <= 1


def test_a_default_follows_only_from_the_same_best_everywhere() -> None:
    found = evaluate(blocks(0), 0)
    first = found.hold_outs[0]
    best = dict.fromkeys(METRICS, "network")
    other = best | {"AUC": "supply"}
    same = replace(found, hold_outs=[replace(first, best=best), replace(first, best=best)])
    assert same.default == best
    differ = replace(found, hold_outs=[replace(first, best=best), replace(first, best=other)])
    assert differ.default == best | {"AUC": ""}
    assert evaluate(index_of([[0, 1]], 3)).default == dict.fromkeys(METRICS, "")


# parts against plain Python


def pairs(index: Index) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = {}
    many = len(index.things["clusters"])
    for one in range(many):
        for other in range(one + 1, many):
            both = set(index.row("cluster_undertaking", one)) & set(
                index.row("cluster_undertaking", other)
            )
            if both:
                found[one, other] = sorted(int(u) for u in both)
    return found


def test_ties_are_the_pairs_that_share_an_undertaking() -> None:
    for seed in range(40):
        index = small(seed)
        found = ties_of(index)
        assert found == pairs(index)
        assert list(found) == sorted(found)


def test_nothing_that_is_held_out_is_left_in_training() -> None:
    held_ties = 0
    for seed in range(60):
        index = small(seed)
        ties = ties_of(index)
        before = {name: array.copy() for name, array in index.arrays.items()}
        years = index.things["undertakings"].facts["year"]
        for held in (some_ties(ties, seed, 0.3), some_undertakings(ties, seed),
                     newest(ties, years)[0]):  # fmt: skip
            training = without(index, held)
            assert set(pairs(training)) == set(ties) - set(held)
            projected = network.projection(training.relation("cluster_undertaking")).tocoo()
            left = {(int(a), int(b)) for a, b in zip(projected.row, projected.col, strict=True)}
            for one, other in held:
                assert (one, other) not in left
                assert (other, one) not in left
                assert other not in partners_of(training, one)
                assert not set(training.row("cluster_undertaking", one)) & set(
                    training.row("cluster_undertaking", other)
                )
            held_ties += len(held)
            for name, array in index.arrays.items():
                assert np.array_equal(array, before[name], equal_nan=array.dtype.kind == "f")
                if "undertaking" not in name:
                    assert training.arrays[name] is array
    assert held_ties > 200


def test_training_without_hold_out_answers_as_before() -> None:
    for seed in range(20):
        index = small(seed)
        one, other = Model(index), Model(without(index, []))
        for n in range(len(index.things["clusters"])):
            key = index.things["clusters"].key(n)
            for axis in OURS:
                answers = [
                    [(i.id, i.value) for i in
                     partners(m, of_cluster(m.index, key), axis, limit=50).items]
                    for m in (one, other)
                ]  # fmt: skip
                assert answers[0] == answers[1]


def test_undertakings_are_held_out_whole_and_no_more_than_needed() -> None:
    for seed in range(30):
        ties = ties_of(small(seed))
        joint = sorted({u for of in ties.values() for u in of})
        order = [joint[n] for n in np.random.default_rng(seed).permutation(len(joint))]
        for many in range(len(order) + 1):
            lost = [t for t, of in ties.items() if set(of) <= set(order[:many])]
            if len(lost) >= 0.2 * len(ties):
                break
        assert some_undertakings(ties, seed, 0.2) == lost


def test_years_part_old_ties_from_new() -> None:
    parted = 0
    for seed in range(60):
        index = small(seed)
        ties, years = ties_of(index), index.things["undertakings"].facts["year"]
        held, year = newest(ties, years)
        if year is None:
            assert held == []
            continue
        for tie, of in ties.items():
            new = all(years[u] and int(years[u]) >= year for u in of)
            assert (tie in held) == new
        shares = []
        for cut in range(2018, 2024):
            new_ties = sum(all(years[u] and int(years[u]) >= cut for u in of)
                           for of in ties.values())  # fmt: skip
            if 0 < new_ties < len(ties):
                shares.append(abs(new_ties / len(ties) - evaluation_ties.NEWEST))
        assert abs(len(held) / len(ties) - evaluation_ties.NEWEST) == pytest.approx(min(shares))
        parted += 1
    assert parted > 20


def common_partners(index: Index, asker: int) -> dict[int, float]:
    """Adamic-Adar by its definition."""
    near = {c: set(partners_of(index, c).tolist()) for c in range(len(index.things["clusters"]))}
    return {
        c: sum(1 / math.log(len(near[m])) for m in sorted(near[asker] & near[c]))
        if c != asker
        else 0
        for c in near
    }


def walked(index: Index, asker: int) -> dict[int, float]:
    """PageRank with restarts at one cluster, as the solution of its linear equations."""
    many = len(index.things["clusters"])
    step = np.zeros((many, many))
    for c in range(many):
        near = partners_of(index, c).tolist()
        for m in near:
            step[m, c] = 1 / len(near)
        if not near:
            step[asker, c] = 1.0
    start = np.zeros(many)
    start[asker] = 0.15
    found = np.linalg.solve(np.eye(many) - 0.85 * step, start)
    return dict(enumerate(found.tolist()))


def test_ranks_are_those_of_a_search_without_partners() -> None:
    tried = 0
    for seed in range(25):
        index = small(seed)
        ties = ties_of(index)
        held = some_ties(ties, seed, 0.3)
        model = Model(without(index, held))
        ranks, others, valued = places(model, held)
        clusters = index.things["clusters"]
        for n, tie in enumerate(held):
            for end in (0, 1):
                asker, partner = tie[end], tie[1 - end]
                strangers = [
                    c for c in range(len(clusters))
                    if c != asker and (min(c, asker), max(c, asker)) not in ties
                ]  # fmt: skip
                assert others[n, end] == len(strangers)
                profile = of_cluster(model.index, clusters.key(asker))
                for method in METHODS:
                    if method == "degree":
                        value = {c: float(len(partners_of(model.index, c)))
                                 for c in range(len(clusters))}  # fmt: skip
                    elif method == "random":
                        value = {}
                    elif method == "adamic-adar":
                        value = common_partners(model.index, asker)
                    elif method == "pagerank":
                        walk = walked(model.index, asker)
                        value = {c: round(share, 9) for c, share in walk.items()}
                    else:
                        answer = partners(
                            model, profile, method, Filters(exclude_partners=True), limit=99
                        )
                        value = {clusters.place[i.iri]: float(i.value or 0) for i in answer.items}
                        assert valued[method][n, end] == (partner in value)
                    if method in ("adamic-adar", "pagerank"):
                        assert valued[method][n, end] == (value[partner] > 0)
                    mine = value.get(partner, -1.0)
                    ahead = sum(value.get(c, -1.0) > mine for c in strangers)
                    level = sum(value.get(c, -1.0) == mine for c in strangers)
                    assert ranks[method][n, end] == 1 + ahead + level / 2
                    tried += 1
    assert tried > 500


def test_metrics_by_hand() -> None:
    rng = random.Random(4)
    for _ in range(200):
        others = [rng.randint(0, 5) for _ in range(rng.randint(0, 150))]
        mine = rng.randint(0, 5)
        ahead, level = sum(o > mine for o in others), sum(o == mine for o in others)
        rank = 1 + ahead + level / 2
        got = {k: float(v[0]) for k, v in
               metrics(np.array([rank]), np.array([float(len(others))])).items()}  # fmt: skip
        assert got["MRR"] == 1 / rank
        assert got["Hits@10"] == (rank <= 10)
        assert got["Hits@100"] == (rank <= 100)
        if others:
            won = [1.0 if mine > o else 0.5 if mine == o else 0.0 for o in others]
            assert got["AUC"] == pytest.approx(sum(won) / len(won))
        else:
            assert np.isnan(got["AUC"])


def test_random_is_the_mean_over_every_place() -> None:
    for many in (0, 1, 5, 40, 150):
        size = np.array([float(many)])
        mean = {k: float(v[0]) for k, v in metrics(size, size, at_random=True).items()}
        each = [metrics(np.array([float(r)]), size) for r in range(1, many + 2)]
        for metric in METRICS:
            wanted = np.mean([float(e[metric][0]) for e in each])
            assert mean[metric] == pytest.approx(wanted, nan_ok=True)


# intervals


def test_intervals_hold_the_estimate_and_narrow_with_ties() -> None:
    for held in evaluate(blocks(1), 1).hold_outs[:2]:
        assert [s.method for s in held.scored] == list(METHODS)
        for scored in held.scored:
            for f in scored.figures.values():
                assert 0 <= f.low <= f.value <= f.high <= 1
                assert 0 <= f.low_by_undertaking <= f.value <= f.high_by_undertaking <= 1
        assert figure(held, "network", "AUC").low < figure(held, "network", "AUC").high
    chance = np.random.default_rng(0)
    widths = []
    for many in (20, 2000):
        values = chance.random(many)
        weights = chance.multinomial(many, np.full(many, 1 / many), 1000)
        low, high = interval(values, weights, float(values.mean()))
        # the mean of uniform numbers: its standard error is known
        assert high - low == pytest.approx(2 * 1.96 * np.sqrt(1 / 12 / many), rel=0.25)
        widths.append(high - low)
    assert widths[1] < widths[0] / 5


def test_undefined_values_take_no_part() -> None:
    weights = np.ones((10, 3), dtype=np.int64)
    assert interval(np.array([0.2, np.nan, 0.4]), weights, 0.3) == pytest.approx((0.3, 0.3))
    low, high = interval(np.full(3, np.nan), weights, float("nan"))
    assert np.isnan(low)
    assert np.isnan(high)


def test_only_intervals_that_do_not_overlap_tell_apart() -> None:
    def scored(method: str, *bounds: float) -> Scored:
        return Scored(method, dict.fromkeys(METRICS, Figure(0.5, *bounds)), 1.0)

    low, high = scored("random", 0.1, 0.2, 0.1, 0.2), scored("network", 0.3, 0.4, 0.3, 0.4)
    assert told_apart([low, high]) == [[m, "network", "random"] for m in METRICS]
    assert told_apart([low, scored("network", 0.2, 0.4, 0.3, 0.4)]) == []
    assert told_apart([low, scored("network", 0.3, 0.4, 0.15, 0.6)]) == []
    assert told_apart([low, scored("network", 0.3, 0.4, 0.25, 0.6)]) == told_apart([low, high])


def test_the_best_is_apart_from_every_method_of_other_figures() -> None:
    def scored(method: str, *bounds: float) -> Scored:
        return Scored(method, dict.fromkeys(METRICS, Figure(0.5, *bounds)), 1.0)

    network_, same = (scored(m, 0.3, 0.4, 0.3, 0.4) for m in ("network", "adamic-adar"))
    random_ = scored("random", 0.1, 0.2, 0.1, 0.2)
    near = scored("pagerank", 0.35, 0.5, 0.35, 0.5)
    for rows_, best in (
        ([network_, same, random_], "network"),
        ([network_, same, random_, near], ""),
        ([random_, scored("pagerank", 0.3, 0.4, 0.3, 0.4)], ""),
    ):
        assert best_of(rows_, told_apart(rows_)) == dict.fromkeys(METRICS, best)


def test_what_the_figures_allow_is_said_in_a_sentence() -> None:
    found = evaluate(blocks(0), 0)
    first = replace(found.hold_outs[0], best=dict.fromkeys(METRICS, "network"))
    assert allows(first) == "network is apart from all others by MRR, Hits@10, Hits@100, AUC"
    partly = replace(first, best=first.best | {"AUC": ""})
    assert allows(partly).endswith("; by AUC no axis is apart from all others")
    assert "default that follows: network by MRR" in says(replace(found, hold_outs=[first]))
    nothing: Evaluation = replace(
        found, hold_outs=[replace(first, best=dict.fromkeys(METRICS, ""))]
    )
    assert "none is chosen where intervals overlap" in says(nothing)
    assert f"{found.ties} ties by {found.undertakings} undertakings are too few" in says(nothing)


def test_the_report_has_every_method_with_the_interval_that_decides() -> None:
    found = evaluate(blocks(3), 3)
    told = report(found)
    assert json.loads(json.dumps(told)) == told
    cells = {(row["hold_out"], row["method"]): row for row in rows(told)}
    assert len(cells) == len(METHODS) * sum(not held.reason for held in found.hold_outs)
    for held in found.hold_outs:
        for scored in held.scored:
            row = cells[held.name, scored.method]
            assert (row["ties"], row["undertakings"]) == (held.ties, held.undertakings)
            for metric, of in scored.figures.items():
                ends = min(of.low, of.low_by_undertaking), max(of.high, of.high_by_undertaking)
                assert [row[metric], row[f"{metric}_low"], row[f"{metric}_high"]] == pytest.approx(
                    [of.value, *ends], abs=1e-6
                )
                assert f"{of.value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]" in table(report(found))
    assert "above" not in table(report(found), comparisons=False)
    assert "above" in table(report(found))


def test_of_many_ties_some_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluate(blocks(1), 1)
    monkeypatch.setattr(evaluation, "MOST_ASKED", 12)
    some = evaluate(blocks(1), 1)
    for one, held in zip(some.hold_outs, whole.hold_outs, strict=True):
        assert (one.ties, one.training_ties) == (held.ties, held.training_ties)
        assert one.asked == min(12, held.ties)
        assert held.asked == held.ties
    assert "12 of them looked for" in table(report(some))
    assert some.as_dict() == evaluate(blocks(1), 1).as_dict()


# the whole


def test_the_same_seed_gives_the_same_figures() -> None:
    index = blocks(2)
    one, again, other = evaluate(index, 5), evaluate(index, 5), evaluate(index, 6)
    assert one.as_dict() == again.as_dict()
    assert table(report(one)) == table(report(again))
    assert one.hold_outs[0].scored != other.hold_outs[0].scored


@pytest.mark.parametrize("members", [[], [[0]], [[0, 1]], [[0, 1, 2], [3, 4]]])
def test_too_little_to_hold_out_is_said(members: list[list[int]]) -> None:
    found = evaluate(index_of(members, 6, ["2020"] * len(members)))
    for held in found.hold_outs:
        assert f"only {held.ties} ties could be held out" in held.reason
        assert held.scored == []
        assert held.apart == []
    assert "not measured" in table(report(found))
    assert "default that follows: none" in table(report(found))


def test_few_undertakings_are_measured_and_not_compared() -> None:
    members = [[n, n + 1] for n in range(60)] + [list(range(70, 76))]
    years = ["2010"] * 60 + ["2020"]
    held = evaluate(index_of(members, 80, years)).hold_outs[2]
    assert held.first_year == 2020
    assert (held.ties, held.undertakings, held.without_partner) == (15, 1, 15)
    assert held.scored
    assert held.apart == []


def test_undertakings_of_unknown_year_stay_and_are_counted() -> None:
    members = [[n, n + 1] for n in range(100)]
    years = ["2010"] * 60 + [""] * 25 + ["2020"] * 15
    found = evaluate(index_of(members, 101, years))
    assert found.undated == 25
    assert (found.hold_outs[2].ties, found.hold_outs[2].training_ties) == (15, 85)


# the default release


def test_the_command_on_the_default_release(
    default_release: Release, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(settings.data_dir))
    file = tmp_path / "figures.json"
    assert cli.main(["evaluate", "--json", str(file), "--seed", "1"]) == 0
    printed = capsys.readouterr().out
    told: dict[str, Any] = json.loads(file.read_text())
    assert told["release"] == default_release.id
    assert told["ties"] > 500
    assert [held["name"] for held in told["hold_outs"]] == [
        "random ties", "random undertakings", "temporal",
    ]  # fmt: skip
    for held in told["hold_outs"]:
        assert held["reason"] == ""
        assert held["ties"] + held["training_ties"] == told["ties"]
        assert 0.09 < held["ties"] / told["ties"] < 0.2
        for row in held["scored"]:
            value = row["figures"]["AUC"]
            low = min(value["low"], value["low_by_undertaking"])
            high = max(value["high"], value["high_by_undertaking"])
            assert f"{value['value']:.3f} [{low:.3f}, {high:.3f}]" in printed
    tied = told["hold_outs"][0]
    assert ["MRR", "network", "random"] in tied["apart"]


def test_the_command_refuses_what_it_cannot_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(tmp_path))
    assert cli.main(["evaluate"]) == 1
    assert "clusterloom build" in capsys.readouterr().err
    run = subprocess.run(
        [sys.executable, "-m", "clusterloom.cli", "evaluate", "--seed", "x"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert "no seed" in run.stderr


def test_doctests() -> None:
    for module in (evaluation_figures, evaluation_ties):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0
