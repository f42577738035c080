"""Django REST framework and the OpenAPI schema."""

from __future__ import annotations

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.api.authentication.BearerAuthentication",
        "portal.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portal.kernel.api.permissions.DeclaredPermission"],
    "DEFAULT_PAGINATION_CLASS": "portal.kernel.api.pagination.CursorPage",
    "DEFAULT_FILTER_BACKENDS": ["portal.kernel.api.filtering.AskedFilters"],
    "DEFAULT_RENDERER_CLASSES": [
        "portal.kernel.api.renderers.JsonRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "portal.kernel.api.parsers.JsonParser",
        "portal.kernel.api.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "portal.kernel.api.schema.PortalAutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "PAGE_SIZE": 50,
    "DATETIME_FORMAT": "iso-8601",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "portal.kernel.api.errors.PortalExceptionHandler",
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
}

SPECTACULAR_SETTINGS = {
    # Hundreds of operations: sections open when somebody asks for them.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none", "filter": True},
    "TITLE": "uHub API",
    "DESCRIPTION": "Self-service operations: templates, deployments, operations, audit.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["portal.kernel.api.permissions.Everyone"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_NAME_OVERRIDES": {
        "DeploymentStatusEnum": "provisioning.states.DeploymentStatus.choices",
        "OperationStatusEnum": "portal.states.OperationStatus.choices",
        "RemedyEnum": "portal.api.stuck.REMEDIES",
        "SessionKindEnum": "portal.states.SessionKind.choices",
        "ExtensionStatusEnum": "provisioning.states.RequestStatus.choices",
        "FindingKindEnum": "provisioning.states.FindingKind.choices",
        "FindingStatusEnum": "provisioning.api.findings._SHOWN",
        "DnsStatusEnum": "provisioning.states.DnsStatus.choices",
        "DnsTypeEnum": "provisioning.states.DnsType.choices",
        "ZoneKindEnum": "provisioning.states.ZoneKind.choices",
        "BootstrapStatusEnum": "provisioning.states.BootstrapStatus.choices",
        "TransferStatusEnum": "provisioning.states.TransferStatus.choices",
        "SnapshotStatusEnum": "provisioning.logic.copy_states.SnapshotStatus.choices",
        "BackupStatusEnum": "provisioning.logic.copy_states.BackupStatus.choices",
        "BackupKindEnum": "provisioning.logic.copy_states.BackupKind.choices",
        "BackupModeEnum": "provisioning.logic.copy_states.BackupMode.choices",
        "ModeEnum": "provisioning.services.lifecycle.STOP_MODES",
        "RestoreModeEnum": "provisioning.api.copy_shapes.RESTORE_MODES",
        "HostKindEnum": "provisioning.models.host.HostKind.choices",
        "LeaseEndEnum": "provisioning.states.LeaseEnd.choices",
        "VolumeStatusEnum": "provisioning.states.VolumeStatus.choices",
        "VolumeActionEnum": "provisioning.states.VolumeAction.choices",
        "WorkerStatusEnum": "portal.states.WorkerStatus.choices",
        "TemplateTypeEnum": "provisioning.models.template.TemplateType.choices",
        "HookTypeEnum": "provisioning.logic.hook_states.HookType.choices",
        "HookRunStatusEnum": "provisioning.logic.hook_states.RunStatus.choices",
        "WebhookStateEnum": "provisioning.logic.hook_states.WebhookState.choices",
        "DeliveryStatusEnum": "provisioning.logic.hook_states.DeliveryStatus.choices",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_standardized_errors.openapi_hooks.postprocess_schema_enums",
    ],
}
