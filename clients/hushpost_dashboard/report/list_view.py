"""A list that the server sorts, searches and pages: its query parameters, links and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from hushpost_dashboard.search_text import search_text

__all__ = ["PAGE_SIZE", "Column", "ListQuery", "ListView"]

PAGE_SIZE = 25
_MAX_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list.

    Attributes:
        title: Its heading.
        order: The field by which the authority sorts; None if it can't.
        is_number: Whether to align its cells to the right and to sort them descending first.
    """

    title: str
    order: str | None = None
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a person wants to see of a list, from the query parameters `<name>_sort`, … of a page.

    Attributes:
        name: The name of the list, such as "groups".
        order: The field to sort by.
        is_descending: Whether the greatest value comes first.
        search: The text to search for; empty for all.
        page: 1…n.
    """

    name: str
    order: str
    is_descending: bool
    search: str = ""
    page: int = 1

    @classmethod
    def of_parameters(
        cls, name: str, columns: Sequence[Column], default: str, parameters: Mapping[str, str]
    ) -> Self:
        """Read the parameters of a list; invalid ones are ignored."""
        orders = {column.order for column in columns if column.order}
        sort = parameters.get(f"{name}_sort", "")
        if sort.removeprefix("-") not in orders:
            sort = default
        page = parameters.get(f"{name}_page", "")
        is_page = page.isascii() and page.isdecimal() and 0 < int(page[:9]) <= _MAX_PAGE
        return cls(
            name,
            sort.removeprefix("-"),
            is_descending=sort.startswith("-"),
            search=search_text(parameters.get(f"{name}_q", "")),
            page=int(page) if is_page else 1,
        )

    @property
    def order_by(self) -> str:
        """The order as the authority takes it."""
        return f"{self.order} desc" if self.is_descending else self.order

    @property
    def sort(self) -> str:
        """The order as a query parameter has it."""
        return f"-{self.order}" if self.is_descending else self.order

    @property
    def skip(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * PAGE_SIZE

    def parameters(self, *, sort: str | None = None, page: int | None = None) -> dict[str, str]:
        """Return the parameters of this list, with another order or page."""
        found = {"sort": sort or self.sort, "q": self.search, "page": str(page or 1)}
        if found["page"] == "1":
            del found["page"]
        return {f"{self.name}_{key}": value for key, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class ListView:
    """A page of a list, with the links to its other pages and orders.

    Attributes:
        query: What is shown.
        columns: The columns.
        total: How many items match the search.
        path: The path of the page that has the list.
        others: The parameters of the page's other lists, which links keep.
    """

    query: ListQuery
    columns: tuple[Column, ...]
    total: int
    path: str
    others: Mapping[str, str]

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(-(-self.total // PAGE_SIZE), 1)

    @property
    def first(self) -> int:
        """The position of the first item that is shown; 0 if there is none."""
        return self.query.skip + 1 if self.total > self.query.skip else 0

    @property
    def last(self) -> int:
        """The position of the last item that is shown."""
        return min(self.query.skip + PAGE_SIZE, self.total)

    def page_href(self, page: int) -> str:
        """Return the address of another page of the list."""
        return self._href(self.query.parameters(page=page))

    def sort_href(self, column: Column) -> str:
        """Return the address of the list sorted by a column, the other way if it already is."""
        is_descending = column.is_number
        if column.order == self.query.order:
            is_descending = not self.query.is_descending
        return self._href(
            self.query.parameters(sort=f"{'-' if is_descending else ''}{column.order}")
        )

    def clear_href(self) -> str:
        """Return the address of the list without a search."""
        name = f"{self.query.name}_q"
        return self._href(
            {key: text for key, text in self.query.parameters().items() if key != name}
        )

    def sorted(self, column: Column) -> str | None:
        """Return "ascending" or "descending" if the list is sorted by a column."""
        if column.order is None or column.order != self.query.order:
            return None
        return "descending" if self.query.is_descending else "ascending"

    @property
    def kept(self) -> Mapping[str, str]:
        """The parameters that a search keeps: all but the text and the page."""
        name = self.query.name
        own = self.query.parameters()
        return {**self.others, f"{name}_sort": own[f"{name}_sort"]}

    def _href(self, parameters: Mapping[str, str]) -> str:
        return f"{self.path}?{urlencode({**self.others, **parameters})}#{self.query.name}"
