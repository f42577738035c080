"""Making a machine in four steps: by keyboard, by pointer, without a script; what is typed is never lost."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from billing.models import Quota
from provisioning.models import Deployment, Template
from tests.conftest import World
from tests.e2e.browser import DESKTOP, PHONE, Watch, overflow_px
from tests.e2e.conftest import OpenPage
from tests.factories.provisioning import ClusterFactory, TemplateFactory

RESOURCES = "/deployments/new/resources?template=linux-utility"
NETWORK = "/deployments/new/network?template=linux-utility"
OPTION = {"key": "redis", "label": "Install Redis", "type": "boolean", "default": True}


@pytest.fixture
def template(world: World) -> Template:
    made: Template = TemplateFactory(
        code="linux-utility",
        name="Linux utility",
        cluster=ClusterFactory(),
        install_options=[OPTION],
    )
    return made


def made() -> list[str]:
    return sorted(Deployment.across_tenants.values_list("name", flat=True))


def cores(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name="vCPU")


def said(page: Page) -> dict[str, str]:
    """What the address carries."""
    query = parse_qs(urlsplit(page.url).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items() if name != "key"}


def test_a_machine_is_made_by_the_keyboard_alone(
    world: World, template: Template, open_page: OpenPage
) -> None:
    page = open_page("/deployments/new")
    expect(page.get_by_role("radio")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/resources?*")
    expect(cores(page)).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    page.wait_for_url("**/network?*")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("keys-1")
    page.keyboard.press("Alt+ArrowRight")
    page.wait_for_url("**/review?*")
    page.keyboard.press("Alt+ArrowLeft")
    page.wait_for_url("**/network?*")
    expect(page.get_by_label("Name", exact=True)).to_have_value("keys-1")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/review?*")
    page.get_by_role("button", name="Create the machine").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("keys-1")
    assert made() == ["keys-1"]


def test_a_machine_is_made_without_a_script(
    world: World, template: Template, open_page: OpenPage
) -> None:
    page = open_page("/deployments/new", has_scripts=False)
    page.get_by_text("Linux utility").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="L 8 vCPU").click()
    expect(cores(page)).to_have_value("8")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name", exact=True).fill("plain-1")
    page.get_by_label("Install Redis").uncheck()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Change the resources").click()
    page.get_by_role("button", name="Template Linux utility").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("plain-1")
    expect(page.get_by_label("Install Redis")).not_to_be_checked()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Create the machine").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("plain-1")
    row = Deployment.across_tenants.get()
    assert (row.cpu_cores, row.parameters) == (8, {"redis": False})


def test_the_browser_s_own_back_and_forward_find_what_was_typed(
    template: Template, open_page: OpenPage
) -> None:
    page = open_page(RESOURCES)
    cores(page).fill("6")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name", exact=True).fill("kept-1")
    page.get_by_label("Tags").fill("lab")
    page.get_by_label("Tags").blur()
    page.go_back()
    expect(cores(page)).to_have_value("6")
    page.go_forward()
    expect(page.get_by_label("Name", exact=True)).to_have_value("kept-1")
    expect(page.get_by_label("Tags")).to_have_value("lab")
    assert said(page)["cpu_cores"] == "6"


def test_the_plan_follows_what_is_typed_and_chosen(template: Template, open_page: OpenPage) -> None:
    page = open_page(RESOURCES)
    price = page.locator("#plan .price b")
    before = price.inner_text()
    cores(page).fill("4")
    expect(price).not_to_have_text(before)
    assert page.evaluate("document.activeElement.name") == "cpu_cores"
    page.get_by_role("button", name="M 2 vCPU").click()
    expect(price).to_have_text(before)
    expect(page.get_by_role("button", name="M 2 vCPU")).to_have_attribute("aria-pressed", "true")


def test_the_plan_says_what_is_wrong_before_the_step_is_left(
    template: Template, open_page: OpenPage
) -> None:
    page = open_page(NETWORK)
    page.get_by_label("Name", exact=True).fill("Not A Name")
    expect(page.locator("#plan .badge")).to_have_text("Not like this")
    expect(page.locator("#plan .verdicts")).to_contain_text("lower-case letters")


def test_a_fault_stands_at_its_field_and_takes_the_focus(
    world: World, template: Template, open_page: OpenPage, watch: Watch
) -> None:
    watch.expected_statuses = {422}
    page = open_page(f"{NETWORK}&cpu_cores=2&memory_mb=2048&disk_gb=20")
    page.get_by_label("Name", exact=True).fill("Not A Name")
    page.get_by_role("button", name="Continue").click()
    field = page.get_by_label("Name", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    assert field.get_attribute("aria-describedby") == "id_name_helptext id_name_error"
    assert made() == []


def test_a_quota_names_the_limit_and_the_way_out_at_its_field(
    world: World, template: Template, open_page: OpenPage, watch: Watch
) -> None:
    watch.expected_statuses = {422}
    Quota.objects.using("platform").create(
        tenant=world.north, deployments=9, cpu_cores=5, memory_mb=65_536, disk_gb=900
    )
    page = open_page(RESOURCES)
    cores(page).fill("6")
    expect(page.locator("#plan .meter").nth(1)).to_contain_text("0 → 6 / 5")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#id_cpu_cores_error")).to_have_text(
        "Of vCPU, 6 are asked for and 5 of 5 are left. Ask for less, delete what is not needed, "
        "or have a platform administrator raise the limit."
    )


def test_two_clicks_make_one_machine(world: World, template: Template, open_page: OpenPage) -> None:
    page = open_page(f"/deployments/new/review?{urlsplit(NETWORK).query}")
    page.get_by_role("button", name="Create the machine").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("linux-utility-1")
    page.go_back()
    page.get_by_role("button", name="Create the machine").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("linux-utility-1")
    assert made() == ["linux-utility-1"]


def test_the_gallery_is_narrowed_as_one_types(
    world: World, template: Template, open_page: OpenPage
) -> None:
    TemplateFactory(code="wordpress", name="WordPress", type="app", cluster=template.cluster)
    page = open_page("/templates")
    names = page.locator("#catalog h2")
    expect(names).to_have_text(["Linux utility", "WordPress"])
    page.get_by_role("textbox", name="Search").fill("press")
    expect(names).to_have_text(["WordPress"])
    page.get_by_label("Kind").select_option("os")
    expect(page.locator("#catalog")).to_contain_text("Nothing matches")
    assert said(page) == {"search": "press", "kind": "os"}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_empty_catalogue_says_who_fills_it(
    world: World, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page("/templates", size=size)
    for path in ("/templates", "/deployments/new"):
        page.goto(path)
        expect(page.locator(".empty")).to_contain_text("A platform administrator publishes them")
        assert overflow_px(page) == 0
