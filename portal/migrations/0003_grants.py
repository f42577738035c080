from __future__ import annotations

from django.db import migrations

from portal.kernel.rls import PlatformTable

WRITABLE = "SELECT, INSERT, UPDATE, DELETE"
READABLE = "SELECT"


class Migration(migrations.Migration):
    """What our roles may do with tables that Django and other packages bring along."""

    dependencies = [
        ("portal", "0002_operations"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auditlog", "0017_add_actor_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("axes", "0010_accessattemptexpiration"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        PlatformTable("auditlog_logentry", runtime="", platform="SELECT, INSERT"),
        PlatformTable("auth_group", runtime="", platform=READABLE),
        PlatformTable("auth_group_permissions", runtime="", platform=READABLE),
        PlatformTable("auth_permission", runtime="", platform=READABLE),
        PlatformTable("axes_accessattempt", runtime=WRITABLE),
        PlatformTable("axes_accessattemptexpiration", runtime=WRITABLE),
        PlatformTable("axes_accessfailurelog", runtime=WRITABLE),
        PlatformTable("axes_accesslog", runtime=WRITABLE),
        PlatformTable("django_admin_log", runtime="", platform="SELECT, INSERT"),
        PlatformTable("django_content_type", platform=READABLE),
        PlatformTable("django_migrations", platform=READABLE),
        PlatformTable("django_session", runtime=WRITABLE),
    ]
