//go:build tools

// Package kubernetes pins what the tests start: `go mod tidy` keeps in go.mod what these commands need.
package kubernetes

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
