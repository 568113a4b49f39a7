"""The expressions that criterion values must match when a policy is saved.

Read by `pyrox.policy.fields` and `pyrox.policy.validate`, whose messages show them, so
their text is exact (upstream pkg/booleanpolicy/value_regex.go). It must not know criteria.
"""

from __future__ import annotations

_CAPABILITIES = (
    "AUDIT_CONTROL|AUDIT_READ|AUDIT_WRITE|BLOCK_SUSPEND|CHOWN|DAC_OVERRIDE|DAC_READ_SEARCH|FOWNER|FSETID|"
    "IPC_LOCK|IPC_OWNER|KILL|LEASE|LINUX_IMMUTABLE|MAC_ADMIN|MAC_OVERRIDE|MKNOD|NET_ADMIN|NET_BIND_SERVICE|"
    "NET_BROADCAST|NET_RAW|SETGID|SETFCAP|SETPCAP|SETUID|SYS_ADMIN|SYS_BOOT|SYS_CHROOT|SYS_MODULE|SYS_NICE|"
    "SYS_PACCT|SYS_PTRACE|SYS_RAWIO|SYS_RESOURCE|SYS_TIME|SYS_TTY_CONFIG|SYSLOG|WAKE_ALARM"
)
_INSTRUCTIONS = (
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|{from_}"
    "LABEL|MAINTAINER|ONBUILD|RUN|STOPSIGNAL|USER|VOLUME|WORKDIR|^"
)
_HEX = "((?:[0-9A-Fa-f]{1,4}))"
_COLON_HEX = "((?::[0-9A-Fa-f]{1,4}))"
_IPV4 = r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})"
_IPV6 = f"({_HEX}{_COLON_HEX}*::{_HEX}{_COLON_HEX}*|{_HEX}{_COLON_HEX}{{7}})"


def _whole(expression: str) -> str:
    return f"((?m)^{expression}$)"


KEY_VALUE = _whole("[^=]+=.*")
BOOLEAN = _whole("(?i:(true|false))")
STRING = _whole(".*[^[:space:]]+.*")
INTEGER = _whole("([[:digit:]]+)")
COMPARISON = _whole(r"(<|>|<=|>=)?[[:space:]]*[[:digit:]]*\.?[[:digit:]]+")
ENVIRONMENT = _whole("(?i:(UNSET|RAW|SECRET_KEY|CONFIG_MAP_KEY|FIELD|RESOURCE_FIELD|UNKNOWN|^)=[^=]*=.*)")
ENVIRONMENT_STRICT = _whole(
    "(?i:(UNSET|RAW|UNKNOWN|^)=([^=]*)=.*)|((SECRET_KEY|CONFIG_MAP_KEY|FIELD|RESOURCE_FIELD)=([^=]*)=$)"
)
DOCKERFILE = _whole(f"(?i:({_INSTRUCTIONS.format(from_='FROM|')})=).*")
DOCKERFILE_WITHOUT_FROM = _whole(f"(?i:({_INSTRUCTIONS.format(from_='')})=).*")
DROP_CAPABILITIES = _whole(f"(?i:(ALL|{_CAPABILITIES}))")
ADD_CAPABILITIES = _whole(f"(?i:({_CAPABILITIES}))")
RBAC = _whole("(?i:DEFAULT|ELEVATED_IN_NAMESPACE|ELEVATED_CLUSTER_WIDE|CLUSTER_ADMIN)")
PORT_EXPOSURE = _whole("(?i:UNSET|EXTERNAL|NODE|HOST|INTERNAL|ROUTE)")
KUBERNETES_RESOURCE = _whole("(?i:PODS_EXEC|PODS_PORTFORWARD|PODS_ATTACH)")
AUDIT_RESOURCE = _whole(
    "(?i:SECRETS|CONFIGMAPS|CLUSTER_ROLES|CLUSTER_ROLE_BINDINGS|NETWORK_POLICIES|"
    "SECURITY_CONTEXT_CONSTRAINTS|EGRESS_FIREWALLS)"
)
AUDIT_VERB = _whole("(?i:CREATE|DELETE|GET|PATCH|UPDATE)")
KUBERNETES_NAME = _whole("(?i:[a-z0-9])(?i:[-:a-z0-9]*[a-z0-9])?")
IP_ADDRESS = _whole(f"({_IPV4})|{_IPV6}")
MOUNT_PROPAGATION = _whole("(?i:NONE|HOSTTOCONTAINER|BIDIRECTIONAL)")
SECCOMP = _whole("(?i:UNCONFINED|RUNTIME_DEFAULT|LOCALHOST)")
SEVERITY = _whole("(<|>|<=|>=)?[[:space:]]*(?i:UNKNOWN|LOW|MODERATE|IMPORTANT|CRITICAL)")
SIGNATURE_INTEGRATION = _whole(
    r"io\.stackrox\.signatureintegration\."
    "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
FILE_OPERATION = _whole("(?i:OPEN|CREATE|RENAME|UNLINK|OWNERSHIP_CHANGE|PERMISSION_CHANGE|XATTR_CHANGE)")
# A path is checked by rules and not by one expression.
FILE_PATH = "path"
