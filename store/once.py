"""A property that is worked out at its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """As `functools.cached_property`, without its lock.

    That of Python 3.11 is one for all objects: while a thread works out the tokens of a long text,
    the event loop would wait for those of a short one.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = ""
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, of: Any, kind: type | None = None) -> T:
        value = self._make(of)
        of.__dict__[self._name] = value
        return value
