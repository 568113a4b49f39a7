"""Prometheus metrics: naming and the registry of one process.

Each `app.py` makes one `Metrics`; components receive it and declare their metrics in
their constructors. Names are `rox_<process>_<what>`, upstream's where it has one.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The metrics of one process."""

    def __init__(self, process: str) -> None:
        self._prefix = f"rox_{process}"
        self.registry = CollectorRegistry()

    def counter(self, name: str, about: str, labels: Sequence[str] = ()) -> Counter:
        """A count that only grows; `name` without prefix and without `_total`."""
        return Counter(f"{self._prefix}_{name}", about, labels, registry=self.registry)

    def gauge(self, name: str, about: str, labels: Sequence[str] = ()) -> Gauge:
        """A value that goes up and down."""
        return Gauge(f"{self._prefix}_{name}", about, labels, registry=self.registry)

    def histogram(
        self,
        name: str,
        about: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS,
    ) -> Histogram:
        """A distribution, in seconds or bytes as `about` says; the default buckets are for seconds."""
        return Histogram(f"{self._prefix}_{name}", about, labels, registry=self.registry, buckets=buckets)

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
