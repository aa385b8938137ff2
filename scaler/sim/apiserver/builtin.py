"""The built-in kinds, all of them: one entry each, and what is special about it."""

from scaler.sim.apiserver import checks, columns, defaults, events
from scaler.sim.apiserver.admission import configurations
from scaler.sim.apiserver.core_kinds import CORE
from scaler.sim.apiserver.resources import Resource, Version
from scaler.sim.apiserver.workload_kinds import SCALING, WORKLOADS

SPEC = ("spec",)
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""Kept by a CustomResourceDefinition that is deleted until its objects are gone."""

EXTENSION = (
    Resource(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        (Version("v1", columns=columns.DEFINITIONS),),
        namespaced=False,
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        status=True,
        generation=SPEC,
        unconditional_update=False,
        defaults=defaults.definition,
        created=defaults.definition_created,
        last_finalizer=CLEANUP,
        check=checks.definition,
    ),
    Resource(
        "apiregistration.k8s.io",
        "apiservices",
        "APIService",
        (Version("v1", columns=columns.API_SERVICES),),
        namespaced=False,
        categories=("api-extensions",),
        status=True,
        unconditional_update=False,
        defaults=defaults.api_service,
        created=defaults.no_status,
        check=checks.api_service,
    ),
    Resource(
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        (Version("v1", columns=columns.PLAIN),),
        namespaced=False,
        categories=("api-extensions",),
        generation=("*",),
        defaults=configurations.mutating,
        check=configurations.check,
    ),
    Resource(
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        (Version("v1", columns=columns.PLAIN),),
        namespaced=False,
        categories=("api-extensions",),
        generation=("*",),
        defaults=configurations.validating,
        check=configurations.check,
    ),
    *(
        Resource(
            "rbac.authorization.k8s.io",
            plural,
            kind,
            (Version("v1", columns=columns.PLAIN),),
            namespaced=not kind.startswith("Cluster"),
            name_pattern="segment",
        )
        for plural, kind in (
            ("roles", "Role"),
            ("rolebindings", "RoleBinding"),
            ("clusterroles", "ClusterRole"),
            ("clusterrolebindings", "ClusterRoleBinding"),
        )
    ),
)

BUILTIN = (*CORE, *WORKLOADS, *SCALING, *EXTENSION)

EVENTS_ALIAS = (
    "events.k8s.io",
    Version("v1", columns=columns.EVENTS, incoming=events.to_core, outgoing=events.to_newer),
)
"""Events once more, under their own group."""
