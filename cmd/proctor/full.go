//go:build !lean

package main

import (
	"proctor/internal/app"
	"proctor/internal/front"
	"proctor/internal/unrecorded"
)

// full are the commands that read or write the record, or need a model.
var full = []subcommand{
	{[]string{"exec"}, newExec}, {[]string{"run"}, newRun}, {[]string{"replay"}, newReplay}, {[]string{"ledger"}, newLedger},
	{[]string{"approvals"}, newApprovals}, {[]string{"export"}, newExport}, {[]string{"otel"}, newOtel}, {[]string{"explain"}, newExplain}, {[]string{"doctor"}, newDoctor}, {[]string{"demo"}, newDemo}, {[]string{"serve"}, newServe}, {[]string{"codex"}, newCodex},
}

// sandboxProxy makes the network proxy of proctor sandbox.
var sandboxProxy = app.SandboxProxy

// toWhole is for the front.
func toWhole([]string) error { return unrecorded.ErrWhole }

// begin is what comes before anything else: this is the whole program, and a front may have called it.
func begin([]string) error { return front.Accept() }
