"""What the palette shows to whom: objects, commands, reasons, plans, and nothing of other tenants."""

from __future__ import annotations

from django.utils.html import escape

from portal.kernel.authz import default_permissions
from portal.kernel.commands import all_commands
from portal.models import Operation, User
from portal.selectors.operations import operation_label
from tests.conftest import World
from tests.factories.accounts import UserFactory
from tests.portal.palette.asking import asked, machine, option, quota, signed_in, template, titles

ROLES = ("viewer", "support", "ops", "dev", "projets", "admin")


def test_it_opens_with_the_page_the_recent_and_what_can_be_done(world: World) -> None:
    first, second = machine(world, "web-04"), machine(world, "web-05", status="stopped")
    page, recent = f"/deployments/{first.pk}", f"/deployments/{second.pk}"
    reply = asked(world.people["support"], "", page=page, recent=(recent, page, "/nowhere/x"))
    assert [group["key"] for group in reply["groups"]] == ["here", "recent", "commands", "nav"]
    assert titles(reply, "here")[:3] == ["Stop web-04", "Restart web-04", "Extend web-04"]
    assert titles(reply, "recent") == ["web-05"]
    assert titles(reply, "commands")[0] == "New deployment"
    assert titles(reply, "nav")[0] == "Dashboard"


def test_commands_of_other_roles_are_absent(world: World) -> None:
    for role in ROLES:
        held = {*default_permissions(role), "signed_in"}
        expected = {str(one.label) for one in all_commands() if one.permission in held}
        assert set(titles(asked(world.people[role], ""), "commands")) == expected, role


def test_a_line_does_for_a_role_what_its_permission_says(world: World) -> None:
    planned = {}
    for role in ROLES:
        machine(world, f"web-{role}", owner=world.people[role])
        planned[role] = asked(world.people[role], f"stop web-{role}")["plan"] is not None
    may = {role: "cloudpods.operate" in default_permissions(role) for role in ROLES}
    assert planned == may


def test_nothing_of_another_tenant_is_found(world: World) -> None:
    secret = machine(world, "hidden-77", tenant=world.south, owner=world.stranger)
    person = world.people["admin"]
    address = f"/deployments/{secret.pk}"
    for line in ("hidden-77", "stop hidden-77", "#hidden-77", "support-south", "@support-south"):
        reply = asked(person, line, page=address, recent=(address,))
        assert "hidden-77" not in titles(reply)
        assert reply["plan"] is None
        assert not [title for title in titles(reply) if "South" in title]
    assert titles(asked(person, "", page=address, recent=(address,)), "recent") == []
    page = signed_in(person).get("/search", {"q": "hidden", "kind": "deployment"})
    assert b"hidden-77" not in page.content


FOUND = {
    "web-04": "web-04",
    "WEB": "web-04",
    "web04": "web-04",
    "wbe-04": "web-04",
    "10.20.4.7": "web-04",
    "linux util": "Linux utility VM",
    "linx-utility": "Linux utility VM",
    "@elodie": "Élodie Ångström",
    "Élod": "Élodie Ångström",
    "#web-04": "{operation} · web-04",
    "#pod.stop": "{operation} · web-04",
    "pod.stop web-04": "{operation} · web-04",
}


def test_objects_are_found(world: World) -> None:
    User.objects.using("platform").filter(pk=world.people["dev"].pk).update(
        display_name="Élodie Ångström"
    )
    template()
    row = machine(world, "web-04", ip_addresses=["10.20.4.7"])
    Operation.across_tenants.create(
        tenant=world.north,
        queue="cloudpods",
        type="pod.stop",
        target_type="deployment",
        target_id=row.pk,
    )
    label = operation_label("pod.stop")
    missed = {
        line: listed
        for line, found in FOUND.items()
        if found.format(operation=label) not in (listed := titles(asked(world.people["ops"], line)))
    }
    assert missed == {}


def test_settings_are_found_by_platform_staff_alone(world: World) -> None:
    line = "cloudpods.lease.grace_hours"
    assert line not in titles(asked(world.people["admin"], line))
    User.objects.using("platform").filter(pk=world.people["admin"].pk).update(
        is_platform_admin=True
    )
    assert line in titles(asked(world.people["admin"], line), "setting")


def test_what_the_state_forbids_says_why(world: World) -> None:
    machine(world, "web-04", status="stopping")
    found = option(asked(world.people["support"], "stop web-04"), "Stop web-04")
    assert found["reason"] == "Wait until the current action has ended."
    assert found["line"] is None


def test_what_the_state_excludes_is_said_when_it_is_named(world: World) -> None:
    machine(world, "web-04", status="running")
    reply = asked(world.people["support"], "start web-04")
    assert option(reply, "Start web-04")["reason"] == "Its state does not allow it: running."
    assert titles(asked(world.people["support"], "start")) == []


def test_a_colleagues_machine_says_whose_it_is_and_who_can_help(world: World) -> None:
    User.objects.using("platform").filter(username="admin-north").update(display_name="Ada")
    User.objects.using("platform").filter(username="ops-north").update(display_name="Grace")
    machine(world, "web-04", role="dev")
    found = option(asked(world.people["support"], "stop web-04"), "Stop web-04")
    assert found["reason"] == f"It belongs to {world.people['dev']}."
    assert found["helpers"] == "Who can help: Ada, Grace"
    assert titles(asked(world.people["support"], "stop")) == []


def test_the_quota_says_who_can_help(world: World) -> None:
    User.objects.using("platform").filter(username="admin-north").update(display_name="Ada")
    quota(world, cpu_cores=2)
    machine(world, "web-04")
    plan = asked(world.people["support"], "resize web-04 8 cpu")["plan"]
    assert plan["action"] is None
    assert plan["reason"] == "The quota of your organisation is too small for this."
    assert plan["helpers"] == "Who can help: Ada"


def test_a_plan_says_what_would_follow(world: World) -> None:
    row = machine(world, "web-04")
    plan = asked(world.people["support"], "extend web-04 by 24 h")["plan"]
    assert plan["title"] == "Extend web-04 by 24 h"
    assert plan["action"] == f"/deployments/{row.pk}/extend"
    assert plan["fields"] == {"hours": "24", "reason": ""}
    assert [fact["label"] for fact in plan["facts"]] == ["Lease ends", "Cost"]
    assert plan["facts"][1]["after"] == "+ €1.49"
    assert not plan["is_dangerous"]


def test_beyond_the_rules_a_reason_makes_it_a_request(world: World) -> None:
    machine(world, "web-04")
    person = world.people["support"]
    bare = asked(person, "extend web-04 by 9 w")["plan"]
    assert bare["action"] is None
    assert "because" in bare["reason"]
    told = asked(person, "extend web-04 by 9 w because of the audit")["plan"]
    assert told["fields"] == {"hours": "1512", "reason": "of the audit"}


def test_a_new_machine_is_planned_and_created(world: World) -> None:
    template()
    quota(world)
    person = world.people["support"]
    plan = asked(person, "new linux-utility named x-7 for 3 d")["plan"]
    assert (plan["reason"], plan["action"]) == (None, "/deployments/quick")
    assert plan["fields"]["ttl_hours"] == "72"
    answer = signed_in(person).post(plan["action"], {**plan["fields"], "next": "/operations"})
    assert (answer.status_code, answer["Location"]) == (303, "/operations")
    assert titles(asked(person, "x-7"), "deployment") == ["x-7"]


def test_what_is_carried_out_comes_back_with_a_way_to_follow_it(world: World) -> None:
    machine(world, "web-04")
    client = signed_in(world.people["support"])
    plan = asked(world.people["support"], "stop web-04")["plan"]
    page = client.post(plan["action"], {**plan["fields"], "next": "/profile"}, follow=True)
    operation = Operation.across_tenants.get()
    assert page.redirect_chain == [("/profile", 303)]
    link = f'<a class="link" href="/operations/{operation.pk}">Follow web-04</a>'
    assert f"It is being stopped. {link}" in page.content.decode()


def test_an_action_never_leads_to_another_site(world: World) -> None:
    row = machine(world, "web-04")
    client = signed_in(world.people["support"])
    for wanted in ("https://evil.example/", "//evil.example", "javascript:x"):
        answer = client.post(f"/deployments/{row.pk}/stop", {"next": wanted})
        assert answer["Location"] == f"/deployments/{row.pk}"


def test_dangerous_plans_say_so(world: World) -> None:
    machine(world, "web-04")
    person = world.people["support"]
    final = asked(person, "delete web-04")["plan"]
    assert (final["is_dangerous"], final["word"]) == (True, "web-04")
    assert "name" not in final["fields"]
    assert asked(person, "switch off web-04")["plan"]["fields"] == {"mode": "force"}


def test_what_is_not_understood_is_told_and_nothing_is_planned(world: World) -> None:
    machine(world, "web-04")
    reply = asked(world.people["support"], "extend web-04 by 24 h bananas")
    assert reply["notes"] == ["Not understood: “bananas”. Nothing is guessed."]
    assert reply["plan"] is None


def test_what_is_missing_is_offered(world: World) -> None:
    machine(world, "web-04")
    reply = asked(world.people["support"], "extend web-04 by ")
    assert [one["line"] for one in reply["groups"][0]["options"]] == [
        "extend web-04 by 24 h",
        "extend web-04 by 3 d",
        "extend web-04 by 1 w",
    ]


def test_actions_only_and_shortcuts(world: World) -> None:
    machine(world, "stop-light")
    reply = asked(world.people["support"], "> stop")
    assert titles(reply) == ["Stop stop-light"]
    assert "Complete the line" in titles(asked(world.people["support"], "?"))


HOSTILE = '<img src=x onerror="alert(1)">'


def test_names_and_lines_are_shown_as_text(world: World) -> None:
    User.objects.using("platform").filter(pk=world.people["dev"].pk).update(display_name=HOSTILE)
    template(name=HOSTILE, description="<script>alert(2)</script>")
    client = signed_in(world.people["ops"])
    fragment = {"HX-Request": "true"}
    for line in ("@img", "img", HOSTILE, f"stop {HOSTILE}", "<script>"):
        for path, headers in (("/palette", fragment), ("/search", {})):
            page = client.get(path, {"q": line}, headers=headers)
            assert page.status_code == 200
            body = page.content.decode()
            assert "<img" not in body
            assert "<script>" not in body
    assert escape(HOSTILE) in client.get("/search", {"q": f"stop {HOSTILE}"}).content.decode()


def test_without_htmx_the_address_leads_to_the_search_page(world: World) -> None:
    answer = signed_in(world.people["viewer"]).get("/palette", {"q": "a b&c"})
    assert (answer.status_code, answer["Location"]) == (302, "/search?q=a+b%26c")


def test_whoever_belongs_to_no_organisation_finds_pages_and_himself(world: World) -> None:
    reply = asked(UserFactory(username="nobody"), "")
    assert "Sign out" in titles(reply, "commands")
    assert "New deployment" not in titles(reply, "commands")
