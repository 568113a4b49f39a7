"""The table of all methods that a server offers, made from its servicers at start-up.

The gRPC server, the REST gateway and gRPC-Web all look methods up here. It checks that
each servicer's `AUTHZ` table covers its descriptor exactly; a server with a gap does
not start. It must not know any transport.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from pyrox.errors import Unimplemented
from pyrox.rpc.authz import UNSERVED, Rule, Unserved
from pyrox.rpc.call import Call


class Servicer(Protocol):
    """What every servicer declares beside its methods."""

    SERVICE: ClassVar[str]
    """Full name of the gRPC service, `v1.AlertService`."""
    AUTHZ: ClassVar[Mapping[str, Rule]]
    """Method name to rule, for every method of the descriptor."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its descriptor, its rule and the servicer's function."""

    descriptor: MethodDescriptor
    rule: Rule
    request: type[Message]
    response: type[Message]
    function: Any = None
    """The bound servicer method, or None when this release does not serve it."""

    @property
    def path(self) -> str:
        """`/package.Service/Method`."""
        service: ServiceDescriptor = self.descriptor.containing_service
        return f"/{service.full_name}/{self.descriptor.name}"

    @property
    def client_streaming(self) -> bool:
        """Whether the caller sends a stream."""
        return bool(self.descriptor.client_streaming)

    @property
    def server_streaming(self) -> bool:
        """Whether the answer is a stream."""
        return bool(self.descriptor.server_streaming)

    def authorize(self, call: Call) -> None:
        """Raise unless the call may go on; `Unimplemented` names the method."""
        if self.function is None:
            raise Unimplemented(
                f"method {self.descriptor.name} of service "
                f"{self.descriptor.containing_service.full_name} is not implemented"
            )
        self.rule.check(call.identity)

    async def unary(self, request: Message | AsyncIterator[Message], call: Call) -> Message:
        """Authorise and answer with one message."""
        self.authorize(call)
        answer: Message = await self.function(request, call)
        return answer

    def stream(self, request: Message | AsyncIterator[Message], call: Call) -> AsyncIterator[Message]:
        """Authorise and answer with a stream of messages."""
        self.authorize(call)
        answers: AsyncIterator[Message] = self.function(request, call)
        return answers


def _methods_of(servicer: Servicer, service: ServiceDescriptor) -> Iterable[Method]:
    names = {method.name for method in service.methods}
    if missing := names - servicer.AUTHZ.keys():
        raise ValueError(f"{servicer.SERVICE}: no rule for {sorted(missing)}; add them to AUTHZ")
    if unknown := servicer.AUTHZ.keys() - names:
        raise ValueError(f"{servicer.SERVICE}: AUTHZ names unknown methods {sorted(unknown)}")
    for method in service.methods:
        rule = servicer.AUTHZ[method.name]
        function = getattr(servicer, method.name, None)
        if (function is None) != isinstance(rule, Unserved):
            raise ValueError(f"{servicer.SERVICE}: {method.name} must be served, or be UNSERVED in AUTHZ")
        yield _method(method, rule, function)


def _method(method: MethodDescriptor, rule: Rule, function: Any) -> Method:
    return Method(
        descriptor=method,
        rule=rule,
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
        function=function,
    )


def table(servicers: Iterable[Servicer], unserved: Iterable[str] = ()) -> Mapping[str, Method]:
    """All methods by gRPC path.

    `unserved` names services of which nothing is served: their methods answer
    UNIMPLEMENTED by name. The descriptors must be imported already. Raises
    `ValueError` when an authorisation table has a gap, `KeyError` for an unknown service.
    """
    pool = descriptor_pool.Default()
    methods: dict[str, Method] = {}
    for servicer in servicers:
        for method in _methods_of(servicer, pool.FindServiceByName(servicer.SERVICE)):
            methods[method.path] = method
    for name in unserved:
        for descriptor in pool.FindServiceByName(name).methods:
            method = _method(descriptor, UNSERVED, None)
            methods.setdefault(method.path, method)
    return methods
