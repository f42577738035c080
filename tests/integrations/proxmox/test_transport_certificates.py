from __future__ import annotations

from pathlib import Path

import pytest

from integrations.base.errors import Permanent
from integrations.proxmox.errors import CertificateRefused
from tests.integrations.proxmox.conftest import transport_make
from tests.integrations.proxmox.scripted import (
    Certificate,
    Reply,
    ScriptedApi,
    always,
    certificate_make,
)


def test_ca_of_somebody_else_is_refused_before_anything_is_sent(
    api: ScriptedApi, tmp_path: Path
) -> None:
    other = certificate_make(tmp_path, "other")
    with pytest.raises(CertificateRefused):
        transport_make(api, ca_pem=other.ca_pem).write("POST", "x")
    assert api.requests == []


def test_pinned_certificate_is_accepted(api: ScriptedApi, certificate: Certificate) -> None:
    transport = transport_make(api, fingerprints=(certificate.fingerprint,))
    api.script = always(Reply(data=3))
    assert transport.read("version") == 3


def test_another_certificate_than_the_pinned_one_is_refused_unsent(api: ScriptedApi) -> None:
    with pytest.raises(CertificateRefused):
        transport_make(api, fingerprints=("AA:" * 31 + "AA",)).write("POST", "x")
    assert api.requests == []


def test_ca_that_is_none_is_refused(api: ScriptedApi) -> None:
    with pytest.raises(Permanent, match="CA certificate"):
        transport_make(api, ca_pem="-----BEGIN NONSENSE").read("version")


def test_fingerprint_that_is_none_is_refused(api: ScriptedApi) -> None:
    with pytest.raises(Permanent, match="SHA-256"):
        transport_make(api, fingerprints=("AA:BB",)).read("version")
