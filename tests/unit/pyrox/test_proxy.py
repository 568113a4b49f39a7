"""The proxy configuration: which proxy for which address, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyrox.errors import Invalid
from pyrox.proxy import ProxyFile, read

WHOLE = """
url: http://every:3128
excludes: [internal.example.com, "*.corp", 10.0.0.0/8, "reg.example.org:5000"]
http: {url: http://plain:8080}
https: {url: https://tls:8443, username: ann, password: "p@ss:word"}
"""
TLS, PLAIN = "https://ann:p%40ss%3Aword@tls:8443", "http://plain:8080"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://quay.io/v2/", TLS),
        ("http://quay.io/v2/", PLAIN),
        ("https://QUAY.io:8443/v2/", TLS),
        ("https://internal.example.com/x", ""),
        ("https://a.internal.example.com/x", ""),
        ("https://notinternal.example.com/x", TLS),
        ("https://a.corp/x", ""),
        ("https://corp/x", TLS),
        ("https://10.1.2.3/x", ""),
        ("https://11.1.2.3/x", TLS),
        ("https://reg.example.org:5000/x", ""),
        ("https://reg.example.org/x", TLS),
        # What is never reached through a proxy unless that is omitted.
        ("https://central.stackrox.svc/x", ""),
        ("https://central.stackrox/x", ""),
        ("https://printer.local/x", ""),
        ("https://localhost/x", ""),
        ("https://127.8.8.8/x", ""),
        ("https://[::1]:8443/x", ""),
        ("https://10-0-0-1.kubernetes:6443/x", TLS),
        ("https://172.30.0.1:443/api", ""),
        ("https://172.30.0.1:8443/api", TLS),
        ("ftp://quay.io/x", ""),
    ],
)
def test_address_has_the_proxy_of_its_scheme_unless_it_is_excluded(url: str, proxy: str) -> None:
    environment = {"KUBERNETES_SERVICE_HOST": "172.30.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    assert read(WHOLE, environment).for_url(url) == proxy


@pytest.mark.parametrize(
    ("text", "environment", "http", "https"),
    [
        ("", {}, "", ""),
        ("url: http://p:1", {}, "http://p:1", "http://p:1"),
        ("url: p:1", {}, "http://p:1", "http://p:1"),
        ("http: {url: http://p:1}", {}, "http://p:1", "http://p:1"),
        ("https: {url: http://p:1}", {}, "", "http://p:1"),
        ("", {"HTTPS_PROXY": "http://e:1"}, "", "http://e:1"),
        ("", {"http_proxy": "http://e:1"}, "http://e:1", "http://e:1"),
        ("", {"ALL_PROXY": "http://e:1", "HTTP_PROXY": "http://h:1"}, "http://h:1", "http://h:1"),
        ("https: {url: http://p:1}", {"HTTPS_PROXY": "http://e:1"}, "", "http://p:1"),
        ("{url: http://p:1, username: u}", {}, "http://u@p:1", "http://u@p:1"),
        ("{url: http://p:1, username: u, password: ''}", {}, "http://u:@p:1", "http://u:@p:1"),
    ],
)
def test_what_the_file_leaves_open_is_the_environments(
    text: str, environment: dict[str, str], http: str, https: str
) -> None:
    found = read(text, environment)
    assert (found.http, found.https) == (http, https)


def test_default_exclusions_can_be_omitted_and_the_environment_adds_its_own() -> None:
    text = "{url: http://p:1, omitDefaultExcludes: true}"
    found = read(text, {"NO_PROXY": " a.example , .b.example,not one"})
    assert found.for_url("https://central.stackrox.svc/") == "http://p:1"
    assert [found.for_url(f"https://{host}/") for host in ("a.example", "x.b.example")] == ["", ""]
    assert found.for_url("https://b.example/") == "http://p:1"
    # This machine is never reached through a proxy.
    assert found.for_url("https://localhost/") == ""


def test_own_namespace_is_excluded_like_the_usual_one() -> None:
    found = read("url: http://p:1", {}, "security")
    assert found.for_url("https://scanner-v4-matcher.security.svc:8443/") == ""
    assert found.for_url("https://scanner-v4-matcher.other.svc:8443/") == "http://p:1"


def test_star_excludes_everything() -> None:
    assert read("{url: http://p:1, excludes: ['*']}", {}).for_url("https://quay.io/") == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "not YAML: "),
        ("[]\n- x", "not YAML: "),
        ("[x]", "expected a map with url"),
        ("excludes: x", "excludes: expected a list"),
        ("http: x", "HTTP proxy config: expected a map"),
        ("https: {url: 'socks5://p:1'}", "HTTPS proxy config: malformed proxy URL: expected http"),
        ("url: http://", "default proxy config: malformed proxy URL: expected http"),
        ("url: http://p:port", "default proxy config: malformed proxy URL: "),
        ("username: u", "default proxy config: username/password may only be set if url is set"),
        ("http: {password: u}", "HTTP proxy config: username/password may only be set if url is set"),
        ("{url: http://p:1, password: x}", "password set in config requires a non-empty username"),
        (
            "{url: 'http://a:b@p:1', username: u}",
            "username and password must not be set if the URL contains `user",
        ),
    ],
)
def test_configuration_of_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(text, {})
    assert message in caught.value.message


def test_file_that_changes_counts_from_the_next_address_on(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    proxies = ProxyFile(path, {"HTTPS_PROXY": "http://e:1"})
    assert proxies.for_url("https://quay.io/") == "http://e:1"
    path.write_text("url: http://one:1")
    assert proxies.for_url("https://quay.io/") == "http://one:1"
    path.write_text("url: http://second:2")
    assert proxies.for_url("https://quay.io/") == "http://second:2"
    # A damaged file changes nothing, one that goes away leaves the environment.
    path.write_text("url: [")
    assert proxies.for_url("https://quay.io/") == "http://second:2"
    path.unlink()
    assert proxies.for_url("https://quay.io/") == "http://e:1"


def test_damaged_file_at_the_start_leaves_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("url: [")
    assert ProxyFile(path, {"ALL_PROXY": "http://e:1"}).for_url("https://quay.io/") == "http://e:1"
    assert ProxyFile(None, {}).for_url("https://quay.io/") == ""


def test_unreadable_file_is_warned_about_and_the_environment_counts(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.mkdir()
    os.utime(path, (1, 1))
    assert ProxyFile(path, {"ALL_PROXY": "http://e:1"}).for_url("https://quay.io/") == "http://e:1"
