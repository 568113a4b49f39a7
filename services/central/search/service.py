"""`v1.SearchService`: search over everything, its labels, and completion of what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from pyrox.errors import Invalid
from pyrox.pb.api.v1 import search_service_pb2
from pyrox.rpc.authz import AUTHENTICATED, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Access
from services.central.search.categories import options
from services.central.search.store import SearchStore


class SearchService:
    """`v1.SearchService`; what the caller may not read is not found."""

    SERVICE: ClassVar[str] = "v1.SearchService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "Search": AUTHENTICATED,
        "Options": AUTHENTICATED,
        "Autocomplete": AUTHENTICATED,
    }

    def __init__(self, *, store: SearchStore) -> None:
        self._store = store

    async def Search(
        self, request: search_service_pb2.RawSearchRequest, call: Call
    ) -> search_service_pb2.SearchResponse:
        """What the categories hold that matches."""
        scope_of = partial(call.scope, access=Access.READ_ACCESS)
        answer = search_service_pb2.SearchResponse()
        for found in await self._store.search(request.query, tuple(request.categories), scope_of):
            answer.counts.add(category=found.category, count=found.count)
            for result in found.results:
                answer.results.add(
                    id=result.id, name=result.name, category=result.category, location=result.location
                )
        return answer

    async def Options(
        self, request: search_service_pb2.SearchOptionsRequest, _: Call
    ) -> search_service_pb2.SearchOptionsResponse:
        """The labels of the categories."""
        return search_service_pb2.SearchOptionsResponse(options=options(tuple(request.categories)))

    async def Autocomplete(
        self, request: search_service_pb2.RawSearchRequest, call: Call
    ) -> search_service_pb2.AutocompleteResponse:
        """Values for the last label of the query."""
        if not request.query:
            raise Invalid.because("query cannot be empty")
        scope_of = partial(call.scope, access=Access.READ_ACCESS)
        values = await self._store.complete(request.query, tuple(request.categories), scope_of)
        return search_service_pb2.AutocompleteResponse(values=values)
