#!/bin/sh
# Removes from a directory of Python packages what no program of Herald imports: the generated classes of the Kubernetes client,
# 120 of its 126 MB. Herald makes its own requests (herald/kube/api/client.py is the one file that knows the client).
# tests/kube/test_slim.py works on what is left.
set -eu
cd "$1/kubernetes"
find client/api client/models aio/client/api aio/client/models -type f ! -name '__init__.*' -delete
