"""IRIs of programmes and calls by the words that tables use for them, for every source."""

from __future__ import annotations

from clusterloom import namespaces as ns

PROGRAMME_KEYS = {
    "CIP": "cip",
    "COSME": "cosme",
    "H2020": "horizon-2020",
    "Horizon 2020": "horizon-2020",
    "HORIZON": "horizon-europe",
    "Horizon Europe": "horizon-europe",
    "SMP": "single-market-programme",
}
"""What a table calls a programme -> key of the row in `programmes.csv`."""

_SAME_CALL = {
    "INNOSUP-01-2018-2020 (2020 cut-off)": "innosup-01-2018-2020-2020-cut-off",
    "INNOSUP-01-2018-2020 (H2020-INNOSUP-2020-01-two-stage)": "innosup-01-2018-2020-2020-cut-off",
    "H2020-INNOSUP-2020-01-two-stage": "innosup-01-2018-2020-2020-cut-off",
}
"""The last round of INNOSUP-1 goes by three names in the tables."""

_ROUNDS = {
    "INNOSUP-01-2018-2020": (
        "INNOSUP-01-2018-2020 (2018 cut-off)",
        "INNOSUP-01-2018-2020 (2019 cut-off)",
        "INNOSUP-01-2018-2020 (2020 cut-off)",
    )
}


def programme_iri(name: str) -> str:
    """IRI of a programme by name or abbreviation; blank for a blank, KeyError for an unknown one.

    >>> programme_iri("H2020")
    'https://w3id.org/clusterloom/id/programme/horizon-2020'
    """
    return ns.thing("programme", PROGRAMME_KEYS[name]) if name else ""


def call_key(identifier: str) -> str:
    """Key of a call; the same for the names that mean the same round.

    >>> call_key("COS-CLUSINT-2020-3-01")
    'cos-clusint-2020-3-01'
    >>> call_key("H2020-INNOSUP-2020-01-two-stage")
    'innosup-01-2018-2020-2020-cut-off'
    """
    return _SAME_CALL.get(identifier) or ns.slug(identifier)


def call_iri(identifier: str) -> str:
    """IRI of a call by its identifier; blank stays blank."""
    return ns.thing("call", call_key(identifier)) if identifier else ""


def rounds(identifier: str) -> tuple[str, ...]:
    """Identifiers of the calls that a topic was opened in; itself when it was opened once."""
    return _ROUNDS.get(identifier, (identifier,))
