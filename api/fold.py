"""Names as they are compared: lower-case Latin letters and digits, one space between words.

What a person types and what a source wrote become the same text: without diacritics, with Greek
and Cyrillic letters written in Latin ones, with no difference between punctuation marks.
"""

from __future__ import annotations

import re
import unicodedata

_LATIN = {
    "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
    "ı": "i", "ħ": "h", "ŋ": "n", "ŧ": "t", "ſ": "s",
}  # fmt: skip
_GREEK = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i",
    "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s",
    "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_GREEK_PAIRS = (
    ("ου", "ou"), ("αυ", "av"), ("ευ", "ev"), ("γγ", "ng"), ("γκ", "gk"), ("μπ", "b"),
    ("ντ", "nt"),
)  # fmt: skip
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "yo", "є": "ye",
    "ж": "zh", "з": "z", "и": "i", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m",
    "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h",
    "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ъ": "a", "ы": "y", "ь": "", "э": "e",
    "ю": "yu", "я": "ya", "ђ": "dj", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz",
    "ѓ": "gj", "ќ": "kj", "ѕ": "dz",
}  # fmt: skip

_BEFORE = str.maketrans(_CYRILLIC)
"""Before accents are taken off: `й` would lose its breve and become another letter."""
_AFTER = str.maketrans(_LATIN | _GREEK)
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_MARKS = re.compile(r"[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """The words of the text as they are compared; blank for a text without letters and digits.

    >>> fold("Łódź, Hàbitat & Køge"), fold("Αθήνα"), fold("Харківський")
    ('lodz habitat koge', 'athina', 'harkivskii')
    """
    return " ".join(_words(text.lower()))


def spellings(text: str) -> tuple[str, ...]:
    """The text folded, then with German and Nordic letters written as two where it has such.

    >>> spellings("Düsseldorf"), spellings("Bonn")
    (('dusseldorf', 'duesseldorf'), ('bonn',))
    """
    low = unicodedata.normalize("NFC", text.lower())
    plain = " ".join(_words(low))
    written_out = low.translate(_DIGRAPHS)
    return (plain,) if written_out == low else (plain, " ".join(_words(written_out)))


def compounds(text: str) -> list[str]:
    """Words that a hyphen or the like divides, written as one.

    >>> compounds("the agri-food sector of l'Anoia")
    ['agrifood', 'lanoia']
    """
    parts = [_words(part) for part in text.lower().split()]
    return ["".join(words) for words in parts if len(words) > 1]


def trigrams(word: str) -> list[str]:
    """The three-letter parts of a word whose ends count as letters, in order.

    >>> trigrams("gold")
    ['_go', 'gol', 'old', 'ld_']
    """
    padded = f"_{word}_"
    return [padded[i : i + 3] for i in range(len(padded) - 2)]


def _words(low: str) -> list[str]:
    if not low.isascii():
        low = unicodedata.normalize("NFC", low).translate(_BEFORE)
        low = _MARKS.sub("", unicodedata.normalize("NFKD", low))
        for pair, latin in _GREEK_PAIRS:
            low = low.replace(pair, latin)
        low = low.translate(_AFTER)
    return _WORD.findall(low)
