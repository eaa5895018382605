#!/bin/sh
# usage: internal/bench/peers/redact.sh [ROUNDS]: our masks and gitleaks' detector over the same 100 MB, in turns. After the line of
# gitleaks stand its user and system times, in the second of two lines.
set -eu
cd "$(dirname "$0")"
export CGO_ENABLED=0 CORPUS="${TMPDIR:-/tmp}/proctor-redact-corpus"
(cd ../../.. && go test -c -o "$CORPUS.ours" ./internal/redact)
go test -c -o "$CORPUS.gitleaks" .
i=0
while [ $i -lt "${1:-5}" ]; do
	(cd ../../redact && "$CORPUS.ours" -test.v -test.run 'TestCorpus$' | grep MB/s)
	("$CORPUS.gitleaks" -test.v -test.run TestGitleaks -test.timeout 60m | grep MB/s; times)
	i=$((i + 1))
done
