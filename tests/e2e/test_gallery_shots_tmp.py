import pytest
from portal.models import User
from tests.e2e.browser import DESKTOP, PHONE


@pytest.mark.parametrize(
    "name,size,theme,q",
    [
        ("both", DESKTOP, "dark", ""),
        ("light", DESKTOP, "light", "?theme=light"),
        ("phone", PHONE, "dark", "?theme=dark"),
    ],
)
def test_shot(open_page, world, name, size, theme, q):
    user = world.people["admin"]
    User.objects.using("platform").filter(pk=user.pk).update(theme=theme, is_platform_admin=True)
    page = open_page("/ui" + q, role="admin", size=size)
    page.wait_for_timeout(700)
    page.evaluate("document.fonts.ready")
    h = page.evaluate("document.documentElement.scrollHeight")
    print(h, page.evaluate("document.documentElement.scrollWidth"))
    step = 1500 if size == DESKTOP else 2000
    page.set_viewport_size({"width": size[0], "height": step})
    for i, y in enumerate(range(0, h, step - 80)):
        page.evaluate(f"scrollTo(0,{y})")
        page.wait_for_timeout(100)
        page.screenshot(path=f"/tmp/w/shots_components/{name}-{i:02d}.png", timeout=60000)
