//go:build tools

// Package tools names the real Kubernetes programs that the lab runs, so that go.mod and go.sum pin all of their source.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
)
