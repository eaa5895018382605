package main

import (
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"proctor/ledger/witnesstest"
)

// cmdWitness starts a witness that knows the ledger whose key a file has in its first line.
func cmdWitness(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "witness KEYFILE")
	key, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	w, err := witnesstest.Start("witness.example/w1", key)
	ts.Check(err)
	worldOf(ts).witness = w
	ts.Setenv("WITNESS_URL", w.URL)
	ts.Setenv("WITNESS_KEY", w.Key.String())
}

// cmdWitnessFault makes the witness hang, answer with a status, or be well again.
func cmdWitnessFault(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "witness-fault up|hang|STATUS")
	var f witnesstest.Fault
	switch args[0] {
	case "up":
	case "hang":
		f.Hang = true
	default:
		status, err := strconv.Atoi(args[0])
		ts.Check(err)
		f.Status = status
	}
	worldOf(ts).witness.Set(f)
}
