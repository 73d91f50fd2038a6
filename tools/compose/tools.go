//go:build tools

// Package tools names the command of Compose's own loader, so that go.mod and go.sum pin all of its source.
package tools

import _ "github.com/compose-spec/compose-go/v2/cmd"
