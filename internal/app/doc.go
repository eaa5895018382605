// Package app wires everything together: it is the only package that sees all
// adapters, and almost nothing imports it but cmd/proctor.
//
// [Open] opens the ledger with the bus in front of it, and closes what a process
// that was killed left open. [Exec] runs an agent; [Store] gives the reading commands what
// they need. Commands that keep no record are in internal/unrecorded.
package app
