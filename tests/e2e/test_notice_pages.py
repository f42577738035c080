"""The bell counts without a reload and is read by keyboard; without scripts there is a list."""

from __future__ import annotations

from django.db import transaction
from playwright.sync_api import Page, expect

from portal.kernel.tenancy import tenant_scope
from portal.models import Notification, Operation
from portal.services.notifications import Notice, notify
from portal.services.operations import operation_enqueue
from tests import kinds  # noqa: F401 - registers the test types
from tests.conftest import World
from tests.e2e.browser import PHONE, overflow_px
from tests.e2e.conftest import OpenPage


def tell(world: World, cause: str) -> None:
    words = {"operation": "pod.start", "target": "web-04", "detail": "No such node."}
    with tenant_scope(world.north.pk), transaction.atomic():
        notify(
            Notice("operation.failed", cause, "/operations", words),
            tenant_id=world.north.pk,
            user_ids=[world.people["support"].pk],
        )


def unread() -> int:
    return Notification.objects.using("platform").filter(read_at=None).count()


def until_unread(page: Page, count: int) -> None:
    name = f"Notifications, {count} unread" if count else "Notifications"
    bell = page.get_by_role("button", name=name, exact=True)
    expect(bell).to_be_visible()


def test_the_bell_counts_without_a_reload_and_is_read_by_keyboard(
    world: World, open_page: OpenPage
) -> None:
    page = open_page("/operations")
    until_unread(page, 0)
    tell(world, "a")
    until_unread(page, 1)
    tell(world, "b")
    until_unread(page, 2)
    page.focus("#bell-button")
    page.keyboard.press("Enter")
    expect(page.locator("#bell-pop")).to_be_visible()
    newest = Notification.objects.using("platform").get(cause="b")
    page.focus(f"#bell-read-{newest.pk}")
    page.keyboard.press("Enter")
    until_unread(page, 1)
    expect(page.locator("#bell-pop")).to_be_visible()
    page.focus("#bell-read-all")
    page.keyboard.press("Enter")
    until_unread(page, 0)
    assert unread() == 0
    expect(page.locator("#bell-read-all")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#bell-button")).to_be_focused()


def test_following_a_notice_marks_it_as_read(world: World, open_page: OpenPage) -> None:
    tell(world, "a")
    page = open_page("/")
    page.click("#bell-button")
    page.click("#bell-pop .notice a")
    page.wait_for_url("**/operations")
    until_unread(page, 0)
    assert unread() == 0


def test_without_scripts_notices_are_read_in_their_list(world: World, open_page: OpenPage) -> None:
    tell(world, "a")
    page = open_page("/notifications", has_scripts=False, size=PHONE)
    page.click("#notices button[type=submit]")
    page.get_by_text("It is marked as read.").wait_for()
    assert (unread(), overflow_px(page)) == (0, 0)


def test_running_operations_are_counted_without_a_reload(world: World, open_page: OpenPage) -> None:
    page = open_page("/audit", role="admin")
    expect(page.locator("#running-button")).to_have_accessible_name("0 running operations")
    with tenant_scope(world.north.pk):
        operation = operation_enqueue(actor=world.actor("support"), type="test.noop")
    expect(page.locator("#running-button")).to_have_accessible_name("1 running operation")
    page.click("#running-button")
    page.click("#running-pop .notice a")
    page.wait_for_url(f"**/operations/{operation.pk}")
    Operation.objects.using("dispatch").filter(pk=operation.pk).update(
        status="canceled", completed_at=operation.created_at
    )
