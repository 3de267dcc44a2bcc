"""What a REST resource is: its class, filters and columns. `catalogue` lists them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["thing", "text", "integer", "decimal", "date", "boolean", "class", "link"]
FilterType = Literal["thing", "choice", "text", "boolean", "date", "year", "class"]


@dataclass(frozen=True)
class Column:
    """One property of an item.

    `property` is a compact name, inverse when it starts with `^`. A column with `many` is always
    a list; another one is a single value or null. Type `class` gives the classes of the item
    below the one of the resource; `boolean` with a class name in `property` says whether the
    item is one. `of_class` keeps the values of that class only.
    """

    name: str
    property: str
    type: ColumnType = "text"
    many: bool = False
    description: str = ""
    shown: str = ""
    """The heading on the list page; blank leaves the column out of it."""
    of_class: str = ""


@dataclass(frozen=True)
class Nested:
    """A column whose values are objects: nodes reached by `property` with columns of their own."""

    name: str
    property: str
    columns: tuple[Column, ...]
    description: str
    of_class: str = ""
    order: str = "id"


@dataclass(frozen=True)
class Filter:
    """One query parameter; several values mean any of them.

    `pattern` is SPARQL that binds `?item` by `?f`, the value; `kinds` are the id types a `thing`
    may have, `of_class` the class it must have.
    """

    name: str
    type: FilterType
    pattern: str
    description: str
    example: str
    kinds: tuple[str, ...] = ()
    of_class: str = ""


@dataclass(frozen=True)
class Resource:
    """One collection under `/api/v1/<name>`; items are ordered by label, or by `order` = key."""

    name: str
    title: str
    description: str
    of_class: str
    kinds: tuple[str, ...]
    """The id types of its items, the usual one first."""
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    nested: tuple[Nested, ...] = ()
    order: Literal["label", "key"] = "label"
    places: bool = False
    """Whether items have coordinates and so may be had as GeoJSON."""
    computed: tuple[Column, ...] = field(default=())
    """Columns that the server works out from others."""

    @property
    def every_column(self) -> tuple[Column | Nested, ...]:
        """All columns in the order in which an item has them."""
        return (*self.columns, *self.computed, *self.nested)
