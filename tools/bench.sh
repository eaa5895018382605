#!/bin/sh
# Benchmarks, as ratios of one run: see doc/performance.md. Nothing here fails because the machine is slow.
#
#   BENCH_DIR     homes, ledgers, workspaces, the real codex; a real disk, not below the temporary folder
#                 (default ${XDG_CACHE_HOME:-~/.cache}/proctor-bench)
#   BENCH_STARTS  interleaved rounds of starts of a confined true (default 30)
#   BENCH_ROUNDS  interleaved rounds, at least 5 to be compared (default 5)
#   CODEX         the real codex binary; "none" leaves it out; empty installs it with npm
set -eu
cd "$(dirname "$0")/.."
dir=${BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/proctor-bench}
rounds=${BENCH_ROUNDS:-5}
mkdir -p "$dir"
go=${GO:-go}
export CGO_ENABLED="${CGO_ENABLED:-0}" GOFLAGS="${GOFLAGS:--trimpath}"

codex=${CODEX:-$(sh tools/bench/codex.sh "$dir/codex-cli" || true)}
[ "$codex" = none ] && codex=

echo "== runs, calls, start"
$go build -o "$dir/bench" ./internal/bench
"$dir/bench" -proctor bin/proctor -codex "$codex" -dir "$dir/run" -rounds "$rounds"

echo "== start of a confined command: raw bwrap, within a run, as a process, codex sandbox"
"$dir/bench" -what start -proctor bin/proctor -codex "$codex" -dir "$dir/run" -rounds "${BENCH_STARTS:-30}"
echo "== what recording costs the programs that are recorded"
"$dir/bench" -what work -proctor bin/proctor -dir "$dir/run" -rounds "$rounds"

echo "== the network proxy alone: Go peers, squid, tinyproxy (the latter two where installed)"
(cd tools/proxypeers && $go build -o "$dir/proxypeers" .) || true
"$dir/bench" -what proxy -peers "$dir/proxypeers" -dir "$dir/run" -rounds "$rounds"
echo "== the network from inside the sandbox: with a record, without, the real codex"
"$dir/bench" -what network -proctor bin/proctor -codex "$codex" -dir "$dir/run" -rounds "$rounds"

echo "== durable records: raw group commit, the ledger, the bus, other stores"
(cd tools/ledgerpeers && $go build -o "$dir/ledgerpeers" .) || true
"$dir/bench" -what ledger -peers "$dir/ledgerpeers" -span 2s -dir "$dir/run" -rounds "$rounds"
echo "== reading a ledger of a million events"
mkdir -p "$dir/tmp"
TMPDIR="$dir/tmp" $go test -run '^$' -bench BenchmarkReading -benchtime 1x -timeout 60m ./ledger | grep -E '^(Benchmark|FAIL|---)' || true
echo "== durable records: the ledger against bare Pebble"
# b.TempDir follows TMPDIR: a ledger in memory would be no measurement.
mkdir -p "$dir/tmp"
TMPDIR="$dir/tmp" $go test -run '^$' -bench 'BenchmarkAppend' -benchtime 10240x -count "$rounds" ./ledger | grep -E '^(Benchmark|FAIL|---)' || true
echo "== a command among a million events"
TMPDIR="$dir/tmp" $go test -run '^$' -bench 'BenchmarkSearch' -benchtime 100x ./ledger | grep -E '^(Benchmark|FAIL|---)' || true
echo "== durable records: stream, bus and ledger against the ledger alone"
$go test -run '^$' -bench 'BenchmarkRecord' -benchtime 10240x -count "$rounds" ./internal/bench -args -folder "$dir" | grep -E '^(Benchmark|FAIL|---)' || true
echo "== the real codex with the executor of proctor, and its hooks"
"$dir/bench" -what codex -proctor bin/proctor -codex "$codex" -dir "$dir/run" -rounds "$rounds"
echo "== telemetry of codex on one processor: proctor, the collector with file_storage"
(cd tools/intakepeer && $go build -o "$dir/intakepeer" .) || true
"$dir/bench" -what intake -proctor bin/proctor -peers "$dir/intakepeer" -span 3s -dir "$dir/run" -rounds "$rounds"
