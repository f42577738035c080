"""Clusters and templates in Django admin, through services; deployments to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminPasswordWidget

from portal.kernel.web.admin import ReadOnlyAdmin, ServiceAdmin, acting
from portal.kernel.web.admin_words import name_for_people
from provisioning.models import (
    Cluster,
    Deployment,
    DnsServer,
    DnsZone,
    Node,
    Storage,
    Template,
    TemplateCopy,
    VmidAllocation,
)
from provisioning.services.catalogue import (
    cluster_save,
    node_limits_set,
    storage_open,
    template_copy_save,
    template_save,
)
from provisioning.services.dns.servers import server_save, server_test, zone_save

name_for_people(
    Cluster,
    _("cluster"),
    _("clusters"),
    ca_pem=_("certificate of the CA"),
    vmid_first=_("first machine number"),
    vmid_last=_("last machine number"),
    vmid_next=_("next machine number"),
)
name_for_people(
    Template,
    _("template"),
    _("templates"),
    app_stack=_("application"),
    has_cloud_init=_("with cloud-init"),
    install_options=_("options at creation"),
    is_full_clone=_("full clones"),
    minimum_plan_code=_("from which plan on"),
    network_bridge=_("bridge"),
    position=_("position"),
    proxmox_template_vmid=_("machine number of the template"),
    cpu_cores_min=_("fewest vCPU"),
    cpu_cores_default=_("usual vCPU"),
    cpu_cores_max=_("most vCPU"),
    memory_mb_min=_("least memory in MiB"),
    memory_mb_default=_("usual memory in MiB"),
    memory_mb_max=_("most memory in MiB"),
    disk_gb_min=_("smallest disk in GiB"),
    disk_gb_default=_("usual disk in GiB"),
    disk_gb_max=_("largest disk in GiB"),
    rate_base_hour=_("price by the hour"),
    rate_cpu_core_hour=_("price of a vCPU by the hour"),
    rate_memory_gb_hour=_("price of a GiB of memory by the hour"),
    rate_disk_gb_hour=_("price of a GiB of disk by the hour"),
)
name_for_people(TemplateCopy, _("place of a template"), _("places of templates"))
name_for_people(
    DnsServer,
    _("name server"),
    _("name servers"),
    server_id=_("server within the API"),
    ca_pem=_("certificate of the CA"),
    resolver=_("address of the resolver"),
    nameservers=_("names of the name servers"),
)
name_for_people(DnsZone, _("zone"), _("zones"), is_default=_("for names of one word"))
name_for_people(Node, _("node"), _("nodes"))
name_for_people(Storage, _("storage"), _("storages"))
name_for_people(Deployment, _("deployment"), _("deployments"))
name_for_people(VmidAllocation, _("machine number"), _("machine numbers"))

_OWN = {"id", "created_at", "updated_at"}


class ClusterForm(forms.ModelForm):  # type: ignore[type-arg]
    """A cluster; the token goes to the secret store and is never shown again."""

    token_secret = forms.CharField(
        label=_("API token secret"),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave it empty to keep the one in the secret store."),
    )

    class Meta:
        model = Cluster
        fields = (
            "code",
            "name",
            "hosts",
            "port",
            "token_id",
            "ca_pem",
            "fingerprints",
            "pool",
            "vmid_first",
            "vmid_last",
            "vmid_next",
            "is_active",
        )


@admin.register(Cluster)
class ClusterAdmin(ServiceAdmin):
    """Proxmox VE clusters."""

    form = ClusterForm
    list_display = ("code", "name", "token_id", "is_active", "last_seen_at", "last_error")
    readonly_fields = ("token_ref", "last_seen_at", "last_error")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return (*self.readonly_fields, "code") if obj else self.readonly_fields

    def create(self, values: dict[str, Any]) -> Cluster:
        return self._save(values["code"], values)

    def update(self, obj: Cluster, values: dict[str, Any]) -> Cluster:
        return self._save(obj.code, values)

    def _save(self, code: str, values: dict[str, Any]) -> Cluster:
        fields = {name: values[name] for name in ClusterForm.Meta.fields if name in values}
        fields.pop("code", None)
        secret = values.get("token_secret") or None
        return cluster_save(actor=acting(), code=code, token_secret=secret, **fields)


@admin.register(Template)
class TemplateAdmin(ServiceAdmin):
    """Approved blueprints."""

    list_display = (
        "code",
        "name",
        "type",
        "cluster",
        "proxmox_template_vmid",
        "version",
        "is_active",
    )
    list_filter = ("type", "is_active", "cluster")
    search_fields = ("code", "name")
    list_select_related = ("cluster",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("version",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return (*self.readonly_fields, "code") if obj else self.readonly_fields

    def create(self, values: dict[str, Any]) -> Template:
        return self._save(values["code"], values)

    def update(self, obj: Template, values: dict[str, Any]) -> Template:
        return self._save(obj.code, values)

    def _save(self, code: str, values: dict[str, Any]) -> Template:
        known = {field.name for field in Template._meta.fields} - _OWN - {"code", "version"}
        fields = {name: value for name, value in values.items() if name in known}
        return template_save(actor=acting(), code=code, **fields)


@admin.register(TemplateCopy)
class TemplateCopyAdmin(ServiceAdmin):
    """Further places of templates."""

    list_display = ("template", "cluster", "node", "storage", "vmid", "is_active")
    list_filter = ("cluster", "is_active")
    list_select_related = ("template", "cluster")
    fields = ("template", "cluster", "vmid", "node", "storage", "bridge", "is_active")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return ("template", "cluster", "vmid") if obj else ()

    def create(self, values: dict[str, Any]) -> TemplateCopy:
        return template_copy_save(actor=acting(), **values)

    def update(self, obj: TemplateCopy, values: dict[str, Any]) -> TemplateCopy:
        return template_copy_save(
            actor=acting(), template=obj.template, cluster=obj.cluster, vmid=obj.vmid, **values
        )


class ListedAdmin(ServiceAdmin):
    """Rows that listings make; people change a little of them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Node)
class NodeAdmin(ListedAdmin):
    """Nodes with limits of their own."""

    list_display = ("name", "cluster", "state", "cpu_cores", "memory_mb", "is_in_maintenance")
    list_filter = ("cluster", "state", "is_in_maintenance")
    list_select_related = ("cluster",)
    fields = ("cluster", "name", "state", "clone_limit", "cpu_overcommit", "memory_overcommit")
    readonly_fields = ("cluster", "name", "state")

    def update(self, obj: Node, values: dict[str, Any]) -> Node:
        return node_limits_set(actor=acting(), node=obj, **values)


@admin.register(Storage)
class StorageAdmin(ListedAdmin):
    """Storages, open or closed for new machines."""

    list_display = ("name", "cluster", "node", "is_shared", "is_active", "is_enabled", "total_gb")
    list_filter = ("cluster", "is_shared", "is_enabled")
    list_select_related = ("cluster", "node")
    fields = ("cluster", "name", "node", "is_shared", "is_active", "is_enabled")
    readonly_fields = ("cluster", "name", "node", "is_shared", "is_active")

    def update(self, obj: Storage, values: dict[str, Any]) -> Storage:
        return storage_open(actor=acting(), storage=obj, is_enabled=values["is_enabled"])


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """Deployments of all organisations."""

    list_display = ("name", "tenant", "status", "template", "cluster", "node", "vmid", "expires_at")
    list_filter = ("status", "tenant", "cluster")
    search_fields = ("name", "hostname", "vmid")
    list_select_related = ("tenant", "template", "cluster")


@admin.register(VmidAllocation)
class VmidAllocationAdmin(ReadOnlyAdmin):
    """Machine numbers in use, in quarantine, or blocked by strangers."""

    list_display = ("cluster", "vmid", "deployment_id", "is_blocked", "quarantined_until")
    list_filter = ("cluster", "is_blocked")


class DnsServerForm(forms.ModelForm):  # type: ignore[type-arg]
    """A name server; the key goes to the secret store and is never shown again."""

    api_key = forms.CharField(
        label=_("API key"),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave it empty to keep the one in the secret store."),
    )

    class Meta:
        model = DnsServer
        fields = (
            *("code", "name", "provider", "url", "server_id"),
            *("ca_pem", "resolver", "nameservers", "is_active"),
        )


@admin.register(DnsServer)
class DnsServerAdmin(ServiceAdmin):
    """Name servers; their test asks for the version with the key."""

    form = DnsServerForm
    list_display = ("code", "name", "url", "is_active", "last_seen_at", "last_error")
    readonly_fields = ("api_key_ref", "last_seen_at", "last_error")
    actions_submit_line: ClassVar[list[str]] = ["test"]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return (*self.readonly_fields, "code") if obj else self.readonly_fields

    @action(description=_("Save and test"))
    def test(self, request: HttpRequest, obj: DnsServer) -> None:
        server_test(actor=acting(), server_id=obj.pk)
        messages.success(request, gettext("The name server is asked for its version."))

    def create(self, values: dict[str, Any]) -> DnsServer:
        return self._save(values["code"], values)

    def update(self, obj: DnsServer, values: dict[str, Any]) -> DnsServer:
        return self._save(obj.code, values)

    def _save(self, code: str, values: dict[str, Any]) -> DnsServer:
        fields = {name: values[name] for name in DnsServerForm.Meta.fields if name in values}
        fields.pop("code", None)
        key = values.get("api_key") or None
        return server_save(actor=acting(), code=code, api_key=key, **fields)


@admin.register(DnsZone)
class DnsZoneAdmin(ServiceAdmin):
    """Zones, offered to all or one organisation's."""

    list_display = ("name", "organisation", "server", "kind", "is_default", "is_active")
    list_filter = ("server", "kind", "is_active")
    search_fields = ("name",)
    list_select_related = ("organisation", "server")
    fields = ("name", "server", "organisation", "ttl", "is_default", "is_active")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return ("name", "server") if obj else ()

    def create(self, values: dict[str, Any]) -> DnsZone:
        return zone_save(actor=acting(), is_new=True, **values)

    def update(self, obj: DnsZone, values: dict[str, Any]) -> DnsZone:
        values = {"organisation": obj.organisation} | values
        return zone_save(actor=acting(), name=obj.name, **values)
