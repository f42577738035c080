"""Between the API's JSON and our dataclasses: pure, and suspicious of everything that comes in.

Numbers arrive as numbers or strings, keys may be missing, and anybody with a login can put any text
into a guest. What identifies a thing must be right or the whole answer is refused; the rest falls
back to "not known".
"""

from __future__ import annotations

from integrations.proxmox.mapping.agents import agent_pid, agent_run
from integrations.proxmox.mapping.cluster import (
    guest_summaries,
    is_quorate,
    listing,
    node_summaries,
    permissions,
    storage_summaries,
    version,
)
from integrations.proxmox.mapping.drives import drives, snapshot_names, stored_volumes
from integrations.proxmox.mapping.guests import (
    cloud_init_params,
    guest_addresses,
    guest_config,
    guest_status,
)
from integrations.proxmox.mapping.tasks import (
    ListedTask,
    clone_target,
    listed_tasks,
    log_lines,
    task_progress,
    task_ref,
)
from integrations.proxmox.mapping.values import (
    flag,
    integer,
    marker_build,
    marker_parse,
    properties,
    size_bytes,
    text,
)

__all__ = [
    "ListedTask",
    "agent_pid",
    "agent_run",
    "clone_target",
    "cloud_init_params",
    "drives",
    "flag",
    "guest_addresses",
    "guest_config",
    "guest_status",
    "guest_summaries",
    "integer",
    "is_quorate",
    "listed_tasks",
    "listing",
    "log_lines",
    "marker_build",
    "marker_parse",
    "node_summaries",
    "permissions",
    "properties",
    "size_bytes",
    "snapshot_names",
    "storage_summaries",
    "stored_volumes",
    "task_progress",
    "task_ref",
    "text",
    "version",
]
