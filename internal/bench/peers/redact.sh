#!/bin/sh
# usage: internal/bench/peers/redact.sh [ROUNDS]: our masks and gitleaks' detector over the same 100 MB, in turns
set -eu
cd "$(dirname "$0")"
export CGO_ENABLED=0 CORPUS="${TMPDIR:-/tmp}/proctor-redact-corpus"
(cd ../../.. && go test -c -o "$CORPUS.ours" ./internal/redact)
go test -c -o "$CORPUS.gitleaks" .
i=0
while [ $i -lt "${1:-5}" ]; do
	(cd ../../redact && "$CORPUS.ours" -test.v -test.run 'TestCorpus$' | grep MB/s)
	"$CORPUS.gitleaks" -test.v -test.run TestGitleaks -test.timeout 30m | grep MB/s
	i=$((i + 1))
done
