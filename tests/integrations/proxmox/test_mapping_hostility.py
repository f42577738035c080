from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.base.errors import ProviderError
from integrations.proxmox import mapping
from tests.integrations.proxmox.recorded import CONFIG

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
KEYS = (
    "type vmid node status lock template upid t exitstatus result ip-addresses ip-address uptime "
    "maxmem storage content quorate version"
)
known_keys = st.sampled_from([*CONFIG, *KEYS.split()])
hostile = st.dictionaries(known_keys, junk) | st.lists(st.dictionaries(known_keys, junk)) | junk


@pytest.mark.parametrize(
    "parse",
    [
        lambda data: mapping.guest_config("pve1", 101, data),
        lambda data: mapping.storage_summaries("pve1", data),
        mapping.guest_summaries,
        mapping.node_summaries,
        mapping.guest_status,
        mapping.guest_addresses,
        mapping.listed_tasks,
        mapping.task_progress,
        mapping.log_lines,
        mapping.permissions,
        mapping.version,
        mapping.is_quorate,
    ],
)
@settings(max_examples=25, deadline=None)
@given(data=hostile)
def test_parsers_give_a_value_or_a_provider_error_for_anything(parse: Any, data: object) -> None:
    try:
        parse(data)
    except ProviderError:
        pass
