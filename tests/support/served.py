"""Every method that Central serves, from its servicers' tables and the descriptors.

Generated tests walk it, so that a new method is tested without anybody thinking of it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import cast

from google.protobuf import descriptor_pool, message_factory

import services.central
from pyrox.rpc.authz import Unserved
from pyrox.rpc.methods import Method, Servicer


def servicers() -> list[type[Servicer]]:
    """All servicer classes of Central's domains."""
    found: dict[str, type[Servicer]] = {}
    for module in pkgutil.walk_packages(services.central.__path__, "services.central."):
        if module.name.rpartition(".")[2] != "service":
            continue
        for _, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if value.__module__ == module.name and hasattr(value, "SERVICE") and hasattr(value, "AUTHZ"):
                found[value.SERVICE] = cast("type[Servicer]", value)
    return [found[name] for name in sorted(found)]


def methods() -> Iterator[Method]:
    """All methods with a rule that lets anybody in, without their functions."""
    pool = descriptor_pool.Default()
    for servicer in servicers():
        for descriptor in pool.FindServiceByName(servicer.SERVICE).methods:
            rule = servicer.AUTHZ[descriptor.name]
            if not isinstance(rule, Unserved):
                yield Method(
                    descriptor=descriptor,
                    rule=rule,
                    request=message_factory.GetMessageClass(descriptor.input_type),
                    response=message_factory.GetMessageClass(descriptor.output_type),
                )
