"""The plan before a submit and the submit itself are one decision."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from billing.models import Quota
from provisioning.models import Deployment, Template
from tests.api.conftest import Caller, caller_of
from tests.api.test_bad_input import errors_of
from tests.calls import witnessed
from tests.conftest import World

_leaf = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70)
)
_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_any = st.recursive(
    _leaf,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_body = st.fixed_dictionaries(
    {},
    optional={
        "template": st.just("wordpress") | _any,
        "name": st.from_regex(r"\A[a-z]{1,6}-[0-9]{1,3}\Z") | _any,
        "cpu_cores": st.integers(-1, 10) | _any,
        "memory_mb": st.integers(0, 20_000) | _any,
        "disk_gb": st.integers(0, 300) | _any,
        "ttl_hours": st.integers(-1, 800) | _any,
        "hostname": _any,
        "parameters": st.dictionaries(
            st.sampled_from(["database", "redis", "motd"]) | st.text(max_size=8), _any, max_size=3
        )
        | _any,
        "tags": st.lists(st.text(max_size=41), max_size=3) | _any,
        "extra": _any,
    },
)


def _is_answered(ask: Caller, body: dict[str, Any]) -> None:
    text = json.dumps(body)
    with witnessed() as witness:
        plan = ask("post", "deployments?dry_run=true", text)
        answer = ask("post", "deployments", text)
    assert plan.status_code in {200, 400}
    if answer.status_code == 202:
        assert json.loads(plan.content)["is_allowed"] is True
    else:
        assert answer.status_code in {400, 403, 409}
        assert errors_of(answer)
        if plan.status_code == 200:
            assert json.loads(plan.content)["is_allowed"] is False
    assert witness.calls == []


@examples(max_examples=25, deadline=None, suppress_health_check=_SLOW)
@given(body=_body)
def test_no_body_is_ever_a_server_error(
    world: World, catalogue: Template, ask: Caller, body: dict[str, Any]
) -> None:
    _is_answered(ask, body)


@pytest.mark.soak
@pytest.mark.timeout(600)
@examples(max_examples=400, deadline=None, suppress_health_check=_SLOW)
@given(body=_body)
def test_no_body_of_many_is_a_server_error(
    world: World, catalogue: Template, ask: Caller, body: dict[str, Any]
) -> None:
    _is_answered(ask, body)


_plausible = st.fixed_dictionaries(
    {
        "template": st.just("wordpress"),
        "name": st.from_regex(r"\A[a-z]{1,3}-[0-9]{1,2}\Z"),
        "cpu_cores": st.integers(1, 9),
        "memory_mb": st.integers(1, 34).map(lambda n: n * 500),
        "disk_gb": st.integers(8, 210),
    },
    optional={
        "ttl_hours": st.integers(1, 800),
        "tags": st.lists(st.sampled_from(["web", "x-1", "no tag"]), max_size=2),
        "parameters": st.just({"database": "mariadb"}) | st.just({"database": "oracle"}),
    },
)


def _is_as_planned(world: World, ask: Caller, body: dict[str, Any]) -> None:
    Quota.objects.using("platform").get_or_create(
        tenant=world.north, defaults={"deployments": 8, "cpu_cores": 30, "memory_mb": 40_000}
    )
    plan = json.loads(ask("post", "deployments?dry_run=true", body).content)
    answer = ask("post", "deployments", body)
    assert (answer.status_code == 202) is plan["is_allowed"]
    if answer.status_code == 202:
        shown = json.loads(answer.content)
        assert shown["price_hour"] == plan["cost"]["per_hour"]
        assert (shown["hostname"], shown["tags"]) == (plan["hostname"], plan["tags"])
    elif plan["faults"]:
        named = {error["attr"] for error in errors_of(answer)}
        assert named == {fault["attr"] for fault in plan["faults"]}
    else:
        assert errors_of(answer)[0]["code"] == "quota_exceeded"


@examples(max_examples=15, deadline=None, suppress_health_check=_SLOW)
@given(body=_plausible)
def test_what_the_plan_allows_is_accepted_and_nothing_else(
    world: World, catalogue: Template, ask: Caller, body: dict[str, Any]
) -> None:
    _is_as_planned(world, ask, body)


@pytest.mark.soak
@pytest.mark.timeout(600)
@examples(max_examples=240, deadline=None, suppress_health_check=_SLOW)
@given(body=_plausible)
def test_what_many_plans_allow_is_accepted(
    world: World, catalogue: Template, ask: Caller, body: dict[str, Any]
) -> None:
    _is_as_planned(world, ask, body)


def test_a_quota_refusal_names_dimension_limit_used_and_requested(
    world: World, catalogue: Template, ask: Caller
) -> None:
    Quota.objects.using("platform").create(
        tenant=world.north, deployments=None, cpu_cores=5, memory_mb=None, disk_gb=0
    )
    body = {"template": "wordpress", "name": "web-1", "cpu_cores": 6, "disk_gb": 20}
    plan = json.loads(ask("post", "deployments?dry_run=true", body).content)
    verdicts = {one["dimension"]: one for one in plan["quota"]}
    assert verdicts["cpu_cores"] == {
        "dimension": "cpu_cores",
        "limit": 5,
        "used": 0,
        "requested": 6,
        "after": 6,
        "is_allowed": False,
    }
    assert (verdicts["deployments"]["limit"], verdicts["deployments"]["is_allowed"]) == (None, True)
    refusal = json.loads(ask("post", "deployments", body).content)
    assert refusal["data"]["verdicts"] == [
        {"dimension": "cpu_cores", "limit": 5, "used": 0, "requested": 6},
        {"dimension": "disk_gb", "limit": 0, "used": 0, "requested": 20},
    ]
    assert refusal["errors"] == [
        {
            "code": "quota_exceeded",
            "detail": "Over quota. cpu_cores: 6 vCPU requested, 0 of 5 used; "
            "disk_gb: 20 GiB requested, 0 of 0 used. "
            "A platform administrator can raise the limit.",
            "attr": "cpu_cores",
        }
    ]


@pytest.mark.parametrize("role", ["viewer", "dev", "projets"])
def test_a_plan_is_for_those_who_may_create(world: World, catalogue: Template, role: str) -> None:
    asked = caller_of(world.people[role])("post", "deployments?dry_run=true", {"name": "web-1"})
    assert asked.status_code == 403
    assert not Deployment.across_tenants.exists()
