"""Tokens as pods get them: asked for by TokenRequest, bound to a Pod object, so that the server knows pod and node."""

from herald.lab.kube.client import Client
from herald.lab.manifests import Manifest

HOUR_S = 3600


def pod_token(
    client: Client, *, namespace: str, service_account: str, pod: str, node: str | None = None, lifetime_s: int = HOUR_S
) -> str:
    """The token of this pod on this node. Makes namespace, service account and pod as far as they are not there.

    It ends with the Pod object, and after `lifetime_s` (the server grants no less than 600).
    """
    bound = _pod(namespace, service_account, pod, node)
    client.apply([_object("Namespace", namespace), _object("ServiceAccount", service_account, namespace), bound])
    uid = client.get(client.path_of(bound))["metadata"]["uid"]
    wanted: Manifest = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "audiences": [],
            "expirationSeconds": lifetime_s,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid},
        },
    }
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
    return str(client.request("POST", path, wanted)["status"]["token"])


def _pod(namespace: str, service_account: str, name: str, node: str | None) -> Manifest:
    """Nothing ever runs it."""
    pod = _object("Pod", name, namespace)
    pod["spec"] = {"serviceAccountName": service_account, "containers": [{"name": "herald", "image": "herald"}]}
    if node is not None:
        pod["spec"]["nodeName"] = node
    return pod


def _object(kind: str, name: str, namespace: str | None = None) -> Manifest:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}
