"""From a request's `v1.Pagination` to a page of the search compiler.

Stores call it; servicers hand the message through. It must not know any table.
"""

from __future__ import annotations

from pyrox.errors import Invalid
from pyrox.pb.api.v1.pagination_pb2 import Pagination
from services.central.db.search import Page, Sort


def page_of(
    pagination: Pagination | None, *, limit: int = 0, default_sort: tuple[str, bool] | None = None
) -> Page:
    """The page; limit 0, or one above `limit`, means `limit` (0 = no limit).

    `default_sort` is a search label and whether it runs backwards. Raises `Invalid` for
    negative numbers.
    """
    asked = pagination if pagination is not None else Pagination()
    if asked.limit < 0 or asked.offset < 0:
        raise Invalid.because(
            f"pagination limit {asked.limit} and offset {asked.offset} must not be negative"
        )
    size = asked.limit
    if limit and (size == 0 or size > limit):
        size = limit
    return Page(limit=size, offset=asked.offset, sort=_sort(asked, default_sort))


def _sort(asked: Pagination, default: tuple[str, bool] | None) -> tuple[Sort, ...]:
    options = list(asked.sort_options) or ([asked.sort_option] if asked.sort_option.field else [])
    if options:
        return tuple(Sort(option.field, option.reversed) for option in options)
    return (Sort(*default),) if default is not None else ()
