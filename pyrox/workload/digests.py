"""What live pods tell about the images of their workload.

Part of the deployment conversion: a name with a tag gets its digest from the status of
the newest pod that runs that very image. It must not talk to registries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.workload import objects
from pyrox.workload.images import digest_of_status, id_v2, is_pullable, parse_image
from pyrox.workload.objects import Object

_STATUS_LISTS = ("initContainerStatuses", "containerStatuses")


def learn_digests(deployment: Deployment, pods: Sequence[Object], *, with_image_ids: bool) -> None:
    """Set id, `id_v2` and `not_pullable` of every image that a pod's status explains."""
    newest_first = sorted(pods, key=_created, reverse=True)
    for container in deployment.containers:
        if container.image.id:
            continue
        image_id = _image_id(container.name, container.image.name.full_name, newest_first)
        if not image_id:
            continue
        container.image.not_pullable = not is_pullable(image_id)
        container.image.id = digest_of_status(image_id)
        if with_image_ids:
            container.image.id_v2 = id_v2(container.image.name.full_name, container.image.id)


def _created(pod: Object) -> str:
    """RFC 3339 in UTC, as the API server writes it, sorts as text."""
    return objects.text(objects.metadata(pod), "creationTimestamp")


def _image_id(container: str, full_name: str, pods: Sequence[Object]) -> str:
    """The `imageID` of the newest pod whose spec names the same image."""
    for pod in pods:
        if not _names(pod, container, full_name):
            continue
        for status in _statuses(pod):
            if objects.text(status, "name") == container and objects.text(status, "imageID"):
                return objects.text(status, "imageID")
    return ""


def _names(pod: Object, container: str, full_name: str) -> bool:
    spec = objects.child(pod, "spec")
    for key in ("initContainers", "containers"):
        for item in objects.children(spec, key):
            if objects.text(item, "name") == container:
                return _same(objects.text(item, "image"), full_name)
    return False


def _same(text: str, full_name: str) -> bool:
    """Equal names, whatever registry replaced Docker Hub in ours."""
    try:
        name = parse_image(text).name
    except Invalid:
        return False
    return name.full_name == full_name or full_name.endswith(f"/{name.remote}:{name.tag}")


def _statuses(pod: Object) -> Iterator[Object]:
    status = objects.child(pod, "status")
    for key in _STATUS_LISTS:
        yield from objects.children(status, key)
