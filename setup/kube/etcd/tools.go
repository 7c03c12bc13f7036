//go:build tools

// Package etcd pins what the tests start: `go mod tidy` keeps in go.mod what this command needs.
package etcd

import _ "go.etcd.io/etcd/server/v3"
