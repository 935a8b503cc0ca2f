"""Lists that the server sorts, searches and pages."""

import pytest

from hushpost_dashboard.report.list_view import ListQuery, ListView
from hushpost_dashboard.report.rows import GROUP_COLUMNS


def _query(**parameters: str) -> ListQuery:
    return ListQuery.of_parameters("groups", GROUP_COLUMNS, "-sent", parameters)


def _view(query: ListQuery, total: int) -> ListView:
    return ListView(query, GROUP_COLUMNS, total, "/campaigns/c", {"links_q": "a&b"})


def test_a_query_is_read_from_the_address() -> None:
    """Order, text and page."""
    query = _query(groups_sort="open_rate", groups_q=" north ", groups_page="3")
    assert (query.order_by, query.search, query.page, query.skip) == ("open_rate", "north", 3, 50)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"groups_sort": "nonsense desc; drop", "groups_page": "0"},
        {"groups_sort": "--sent", "groups_page": "-1"},
        {"groups_sort": "", "groups_page": "²"},
        {"groups_page": "9" * 5_000},
        {"groups_q": "\x00\u202e\n"},
    ],
)
def test_nonsense_is_ignored(parameters: dict[str, str]) -> None:
    """A mistyped address shows the first page in the usual order."""
    assert _query(**parameters) == ListQuery("groups", "sent", is_descending=True)


def test_a_long_search_is_cut_to_what_the_authority_accepts() -> None:
    """Between characters, not within one."""
    assert len(_query(groups_q="ä" * 500).search.encode()) == 256
    assert len(_query(groups_q="x" + "ä" * 500).search.encode()) == 255


def test_links_keep_the_other_list_and_the_search() -> None:
    """Text in addresses is encoded."""
    view = _view(_query(groups_q="n&m", groups_page="2"), 60)
    assert view.page_href(3) == (
        "/campaigns/c?links_q=a%26b&groups_sort=-sent&groups_q=n%26m&groups_page=3#groups"
    )
    assert "groups_q" not in view.clear_href()
    assert view.kept == {"links_q": "a&b", "groups_sort": "-sent"}


def test_sorting_by_the_same_column_again_turns_the_order() -> None:
    """Numbers are sorted descending first, names ascending; a new order begins at page 1."""
    name, sent, opened = GROUP_COLUMNS[:3]
    view = _view(_query(groups_page="2"), 60)
    assert "groups_sort=sent&" not in view.sort_href(name)
    assert "groups_sort=group_id" in view.sort_href(name)
    assert "groups_sort=sent#" in view.sort_href(sent)
    assert "groups_sort=-opens" in view.sort_href(opened)
    assert "page" not in view.sort_href(opened)
    assert (view.sorted(sent), view.sorted(name)) == ("descending", None)


@pytest.mark.parametrize(
    ("total", "page", "pages", "shown"),
    [(0, 1, 1, (0, 0)), (25, 1, 1, (1, 25)), (26, 2, 2, (26, 26)), (2_000, 80, 80, (1_976, 2_000))],
)
def test_pages(total: int, page: int, pages: int, shown: tuple[int, int]) -> None:
    """A pager says which items are shown."""
    view = _view(_query(groups_page=str(page)), total)
    assert (view.pages, (view.first, view.last)) == (pages, shown)
