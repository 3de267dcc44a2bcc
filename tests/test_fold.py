"""Folding: what counts as the same name."""

from __future__ import annotations

import pytest

from clusterloom.api.fold import fold, spellings


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Łódź", "lodz"), ("Køge", "koge"), ("Hàbitat", "habitat"), ("İstanbul", "istanbul"),
     ("Batı", "bati"), ("Αττική", "attiki"), ("Aττική", "attiki"), ("Ðakovo", "dakovo"),
     ("Għawdex", "ghawdex"), ("Врање", "vranje"), ("Straße", "strasse"), ("Ç.E.D.", "c e d"),
     ("A\u0301", "a"), ("…", ""), ("x² + y", "x2 y")],
)  # fmt: skip
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_spellings_of_german_and_nordic_letters() -> None:
    assert spellings("Købmand Ärger") == ("kobmand arger", "koebmand aerger")
    assert spellings("U\u0308ber") == ("uber", "ueber")
    assert spellings("Paris") == ("paris",)
