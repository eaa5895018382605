#!/bin/sh
# Runs every fuzz test of the repository for the time given. What is interesting is made smaller in a few steps only: by default that takes a
# minute each, and with long seeds nothing else would happen.
set -eu
time=${1:-10s}
for pkg in $(go list ./...); do
  for f in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
    echo "== $pkg $f"
    go test -run '^$' -fuzz "^$f\$" -fuzztime "$time" -fuzzminimizetime 10x "$pkg"
  done
done
