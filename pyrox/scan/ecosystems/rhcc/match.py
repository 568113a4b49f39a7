"""Where advisories of Red Hat's container images are looked up; the Matcher asks."""

from pyrox.scan.advisories.vex import CONTAINER_NAMESPACE
from pyrox.scan.ecosystems.rhcc.version import SCHEME
from pyrox.scan.redhat import CONTAINER_KEY, RepositoryMatcher, container_names

MATCHERS = (
    RepositoryMatcher(
        "rhel-container-matcher",
        "rhcc",
        SCHEME,
        key=CONTAINER_KEY,
        namespace=CONTAINER_NAMESPACE,
        names=container_names,
    ),
)
