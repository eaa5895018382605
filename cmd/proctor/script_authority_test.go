package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"proctor/ledger/tsatest"
)

// cmdAuthority starts a time-stamping authority, in the place of an earlier one, and writes its root.
func cmdAuthority(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "authority ROOT.pem")
	a, err := tsatest.Start(tsatest.Signing{})
	ts.Check(err)
	if before := worldOf(ts).authority; before != nil {
		before.Close()
	}
	worldOf(ts).authority = a
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), a.PEM, 0o600))
	ts.Setenv("TSA_URL", a.URL)
}

// cmdAuthorityFault makes the authority answer wrongly, or be well again.
func cmdAuthorityFault(ts *testscript.TestScript, _ bool, args []string) {
	faults := map[string]tsatest.Fault{"up": {}, "reject": {Status: 2}, "later": {Later: true}, "down": {HTTP: 503}, "hang": {Hang: true}}
	need(ts, len(args) == 1, "authority-fault up|reject|later|down|hang")
	f, ok := faults[args[0]]
	need(ts, ok, "authority-fault up|reject|later|down|hang")
	worldOf(ts).authority.Set(f)
}

// cmdAuthorityAsked waits until the authority has been asked since it was started.
func cmdAuthorityAsked(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 0, "authority-asked")
	until(ts, "a question to the authority", func() bool { return worldOf(ts).authority.Asked() > 0 })
}
