"""Where secrets live and which clusters the environment names."""

from __future__ import annotations

from config import env

VAULT_ADDR = env.text("VAULT_ADDR", "")
VAULT_TOKEN = env.secret("VAULT_TOKEN", "")
VAULT_ROLE_ID = env.text("VAULT_ROLE_ID", "")
VAULT_SECRET_ID = env.secret("VAULT_SECRET_ID", "")
VAULT_MOUNT = env.text("VAULT_MOUNT", "kv")
PROXMOX_ENVIRONMENT = env.proxmox()
PROXMOX_SECOND_ENVIRONMENT = env.proxmox("PROXMOX_SECOND")
NAME_SERVER_ENVIRONMENT = env.name_server()
CALL_OBSERVER = ""
# Scripts that hooks may run, by file name; empty: none.
HOOK_SCRIPTS_DIR = env.text("HOOK_SCRIPTS_DIR", "")
