"""A guest's configuration in the words of the API, for tests that read it."""

from __future__ import annotations

from typing import Any

UUID = "1a822993-56c0-4f15-a65c-c36f86e36912"
CONFIG: dict[str, Any] = {
    "digest": "75d713422b6cb847c38f1c3a266cd07bfe05b3c0",
    "cores": 1,
    "agent": "1",
    "serial0": "socket",
    "memory": "512",
    "net0": "virtio=BC:24:11:B9:D5:85,bridge=vmbr0,tag=12",
    "description": "uhub:0192f0c1:n0nce\nput here by hand\n",
    "vmgenid": "74a9f1e7-f011-4914-8600-183f2c2c6443",
    "ide2": "local:101/vm-101-cloudinit.qcow2,media=cdrom,size=4M",
    "name": "web-1",
    "boot": "order=scsi0;ide2;net0",
    "scsihw": "virtio-scsi-pci",
    "scsi0": "local:101/vm-101-disk-0.qcow2,size=1G",
    "smbios1": f"uuid={UUID}",
    "tags": "prod;web",
}
