"""Real Kubernetes parts for labs and tests: kube-apiserver with etcd, kube-proxy, kubectl, Helm.

from herald.lab.kube.api_server import ApiServer, api_server

async with api_server(directory) as api:        # on loopback, no root; tests ask for the fixture `api_server` instead
    api.url, api.ca, api.admin                  # admin: an Access (url, ca, token)
    api.admin.write_kubeconfig(path)            # for --kubeconfig; with_token(token) is somebody else
    api.client.apply([manifest, ...])           # herald.lab.kube.client: server-side apply; get, merge, delete, request
    pod_token(api.client, namespace=..., service_account=..., pod=..., node=...)   # herald.lab.kube.tokens
    await kubectl(api.admin, "get", "nodes")    # herald.lab.kube.kubectl
    await api.stop(); await api.start(); await api.restart(); api.freeze(); api.thaw(); await api.renew_certificates()

    async with Lab(rack(Settings(control=True))) as lab:                              # root
        cluster = Cluster(lab=lab)                  # herald.lab.kube.cluster; API server on `control`, Nodes, kube-proxies
        await cluster.start()                       # cluster.api as above; cluster.proxies["node1"]: a Process
        await cluster.install()                     # Herald's charts, as herald.lab.kube.helm renders them
        cluster.audit.refusals()                    # what was refused to Herald's programs: herald.lab.kube.audit
        await lab.silence("node1", "control")       # all that node1 and the API server say to each other is lost

./run setup kube gets the programs. Errors for people are LabError; ApiError (with `code`) is what the server refused.
"""
