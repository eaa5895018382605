//go:build linux

// Command bench measures what supervision costs. It is called by tools/bench.sh and prints tables; nothing in it can
// fail because the machine is slow.
//
// Contenders run the same scripted model ([proctor/internal/fakemodel], behind a proxy that notes when requests arrive
// and answers end) on the same configuration file in the same kind of workspace:
//
//   - `proctor exec` and, when -codex names a binary, the real `codex exec`, with a turn of -few and one of -many commands;
//     each run of proctor makes a new ledger, except "ledger in use", which keeps it from run to run;
//   - the raw sandbox: the very bwrap call that proctor makes (arguments, mounts, seccomp program and command line are
//     caught by a stand-in on PATH) without anything around it;
//   - `proctor version` and, as the price of any process, `true`.
//
// With -what start it measures the start of a confined true instead: raw bwrap with the mounts of proctor's own call, both
// backends within a process that is already up (a process of its own per sample, its first start left out), `proctor
// sandbox`, and `codex sandbox`; and the private memory that a running command adds. With -what work it runs programs that write
// many files, with everything recorded and with nothing recorded. With -what proxy it drives the network proxy alone, in a process of
// its own with every decision and its end made an event and encoded, against goproxy and go-socks5 (tools/proxypeers, a module of its
// own), squid and tinyproxy, by 1 and by 16 clients that wait for each answer of a kilobyte. With -what ledger 1, 16 and 128 writers make
// records of a kilobyte durable, each waiting for its receipt: raw group commit, the ledger, the bus, and other stores (tools/ledgerpeers).
// With -what codex the real CLI runs a long turn with its own executor and with ours, and hooks are asked one after the other while an owner of the
// ledger runs. With -what intake telemetry of Codex is sent to receivers that answer when they keep it, each with one processor: ours,
// and the collector's with its persistent queue (tools/intakepeer).
//
// Rounds interleave, so that a busy machine slows all alike; compare ratios of one run, not seconds of two.
// CPU is user plus system time of the whole process tree, orphans included. The wall time of a call is what the model
// sees: from the end of its answer to the arrival of the next request.
package main
