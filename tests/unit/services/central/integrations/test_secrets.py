"""Secrets of integrations: hidden, kept, and never sent elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.errors import Invalid
from pyrox.pb.storage.image_integration_pb2 import ImageIntegration
from services.central.integrations.secrets import DEPENDENT, HIDDEN, SECRETS, hidden, keep_stored
from tests.conftest import shared_folder


def put(integration: ImageIntegration, path: str, value: Any) -> ImageIntegration:
    owner: Any = integration
    *above, last = path.split(".")
    for name in above:
        owner = getattr(owner, name)
    setattr(owner, last, value)
    return integration


def get(integration: ImageIntegration, path: str) -> Any:
    found: Any = integration
    for name in path.split("."):
        found = getattr(found, name)
    return found


def made(path: str, value: str = "s3cret") -> ImageIntegration:
    return put(ImageIntegration(id="i", name="n", type="t"), path, value)


@pytest.mark.parametrize("path", SECRETS)
def test_hidden_shows_that_there_is_a_secret_and_not_which(path: str) -> None:
    given = made(path)
    shown = hidden(given)
    assert get(shown, path) == HIDDEN == "******"
    assert "s3cret" not in json_format.MessageToJson(shown)
    assert b"s3cret" not in shown.SerializeToString()
    assert get(given, path) == "s3cret"


def test_hidden_leaves_empty_secrets_and_the_rest() -> None:
    given = made("docker.endpoint", "registry.example")
    assert hidden(given) == given
    assert hidden(ImageIntegration()) == ImageIntegration()


@pytest.mark.parametrize("path", SECRETS)
def test_keep_stored_puts_the_secret_into_a_change_that_hides_it(path: str) -> None:
    stored = made(path)
    changed = hidden(stored)
    changed.name = "new name"
    keep_stored(changed, stored)
    assert (get(changed, path), changed.name) == ("s3cret", "new name")


@pytest.mark.parametrize("path", DEPENDENT)
def test_keep_stored_secret_is_not_sent_to_another_place_or_user(path: str) -> None:
    owner, _, field = path.rpartition(".")
    secret = next(one for one in SECRETS if one.startswith(owner))
    stored = made(secret)
    boolean = isinstance(get(stored, path), bool)
    put(stored, path, False if boolean else "right.example")
    for value in [True] if boolean else ["evil.example", ""]:
        changed = put(hidden(stored), path, value)
        with pytest.raises(Invalid, match=f"credentials required to update field '{field}'") as refused:
            keep_stored(changed, stored)
        assert "s3cret" not in refused.value.message
        assert "s3cret" not in str(changed)


def test_keep_stored_secret_of_one_kind_is_not_given_to_another() -> None:
    stored = put(made("docker.password"), "docker.endpoint", "registry.example")
    changed = ImageIntegration(id="i", name="n", type="azure")
    changed.azure.endpoint, changed.azure.password = "registry.example", HIDDEN
    with pytest.raises(Invalid, match="credentials required"):
        keep_stored(changed, stored)


@pytest.mark.needs("shared")
def test_secret_fields_are_all_that_upstream_scrubs() -> None:
    tags = json.loads((shared_folder() / "reference" / "wire" / "field_tags.json").read_text())
    rows = (
        tags if isinstance(tags, list) else next(value for value in tags.values() if isinstance(value, list))
    )
    scrubbed = {(row["message"], row["field"]) for row in rows if row.get("scrub") == "always"}
    ours = set()
    for path in SECRETS:
        *above, last = path.split(".")
        owner = get(ImageIntegration(), ".".join(above))
        ours.add((owner.DESCRIPTOR.full_name, last))
    reachable = {message for message, _ in ours}
    assert ours == {pair for pair in scrubbed if pair[0] in reachable}
