"""Reviews asked for without a pause, and when each was refused: the gaps of an admission controller."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.support.cluster import Json, api_proxy

_PAUSE_SECONDS = 0.05


@dataclass
class Reviews:
    """Dry-run creations of a workload that a policy refuses."""

    refused: list[float] = field(default_factory=list)
    """When each refusal came, in seconds since the start."""
    allowed: list[float] = field(default_factory=list)
    """When the API server took it, because nobody refused."""
    others: list[str] = field(default_factory=list)
    """Answers that are neither."""

    @property
    def longest_gap(self) -> float:
        """Seconds without a refusal around something that was let through, at most."""
        return max((self._gap(moment) for moment in self.allowed), default=0)

    def _gap(self, moment: float) -> float:
        before = max((one for one in self.refused if one < moment), default=0)
        after = min((one for one in self.refused if one > moment), default=math.inf)
        return after - before

    @property
    def longest_pause(self) -> float:
        """Seconds between two refusals, at most; a slow machine makes them long too."""
        return max(
            (later - earlier for earlier, later in zip(self.refused, self.refused[1:], strict=False)),
            default=0,
        )

    def ask(self, port: int, body: Json, stop: threading.Event) -> None:
        """Ask again and again until told to stop."""
        namespace = body["metadata"]["namespace"]
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"
        begun = time.monotonic()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            while not stop.is_set():
                answer = client.post(path, json=body)
                moment = time.monotonic() - begun
                if answer.status_code == httpx.codes.CREATED:
                    self.allowed.append(moment)
                elif "denied the request" in answer.text:
                    self.refused.append(moment)
                else:
                    self.others.append(f"{answer.status_code}: {answer.text[:300]}")
                time.sleep(_PAUSE_SECONDS)


@contextmanager
def reviews(body: Json) -> Iterator[Reviews]:
    """Ask while the block runs."""
    seen, stop = Reviews(), threading.Event()
    with api_proxy() as port:
        asking = threading.Thread(target=seen.ask, args=(port, body, stop))
        asking.start()
        try:
            yield seen
        finally:
            stop.set()
            asking.join(timeout=30)
