"""AES-256-GCM for the embedded secret store, one key per tenant derived from the master key.

The tenant, path and version are authenticated with the ciphertext: a row moved to another place in the
table does not decrypt.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class SealBroken(Exception):
    """The ciphertext does not belong to this tenant, path, version and master key."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


def key_id(master: str) -> str:
    """A name for a master key that says nothing about it."""
    return hashlib.sha256(b"uhub-key-id:" + master.encode()).hexdigest()[:16]


def seal(master: str, *, tenant_id: UUID, path: str, version: int, data: dict[str, str]) -> Sealed:
    """Encrypts a secret's fields."""
    nonce = os.urandom(NONCE_BYTES)
    box = AESGCM(_tenant_key(master, tenant_id))
    ciphertext = box.encrypt(nonce, orjson.dumps(data), _associated(tenant_id, path, version))
    return Sealed(key_id(master), nonce, ciphertext)


def unseal(
    master: str, sealed: Sealed, *, tenant_id: UUID, path: str, version: int
) -> dict[str, str]:
    """Decrypts. Raises SealBroken."""
    box = AESGCM(_tenant_key(master, tenant_id))
    try:
        plain = box.decrypt(sealed.nonce, sealed.ciphertext, _associated(tenant_id, path, version))
    except InvalidTag as error:
        raise SealBroken(f"secret {path} version {version} cannot be decrypted") from error
    return {str(key): str(value) for key, value in orjson.loads(plain).items()}


def _tenant_key(master: str, tenant_id: UUID) -> bytes:
    derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=tenant_id.bytes, info=b"uhub-dek")
    return derivation.derive(master.encode())


def _associated(tenant_id: UUID, path: str, version: int) -> bytes:
    return f"{tenant_id}|{path}|{version}".encode()
