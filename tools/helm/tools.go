//go:build tools

// Package tools names Helm itself, which renders the chart in tests, so that go.mod and go.sum pin all of its source.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
