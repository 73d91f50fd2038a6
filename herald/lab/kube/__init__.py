"""Real Kubernetes parts for the lab and for tests: kube-apiserver with etcd, kube-proxy, kubectl. ./run setup kube gets them.

from herald.lab.kube.api_server import ApiServer, api_server

async with api_server(directory) as api:        # on loopback, no root; tests ask for the fixture `api_server` instead
    api.url, api.ca, api.admin                  # admin: an Access (url, ca, token)
    api.admin.write_kubeconfig(path)            # for --kubeconfig; with_token(token) is somebody else
    api.client.apply([manifest, ...])           # herald.lab.kube.client: server-side apply; get, merge, delete, request
    pod_token(api.client, namespace=..., service_account=..., pod=..., node=...)   # herald.lab.kube.tokens
    await kubectl(api.admin, "get", "nodes")    # herald.lab.kube.kubectl
    await api.stop(); await api.start(); await api.restart(); api.freeze(); api.thaw(); await api.renew_certificates()
"""
