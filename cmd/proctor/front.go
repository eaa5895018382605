//go:build lean

package main

import (
	"context"
	"os"
	"slices"

	"proctor/internal/cli"
	"proctor/internal/front"
	"proctor/internal/unrecorded"
)

// full are commands of the whole program only.
var full []subcommand

// sandboxProxy: the network proxy is in the whole program only.
var sandboxProxy unrecorded.ProxyMaker

// toWhole lets the whole program do what this one cannot, before anything was done.
func toWhole(argv []string) error { return front.HandOver(argv, os.Environ()) }

// begin hands a command line over to the whole program unless this one serves it. Help, completion and what nobody
// knows need all commands, so they go there too.
func begin(argv []string) error {
	if len(argv) > 1 && served(argv[1]) {
		return nil
	}
	if len(argv) == 3 && argv[1] == "codex" && argv[2] == "hook" {
		return beginHook(argv)
	}
	return front.HandOver(argv, os.Environ())
}

// beginHook answers a hook of Codex here, where another process decides. It is called for every tool call, and Codex takes an error for a yes.
func beginHook(argv []string) error {
	env, err := environment()
	if err != nil {
		return err
	}
	ctx, stop := cli.Signals(context.Background())
	status, done := unrecorded.CodexHook(ctx, env, 0, os.Exit)
	stop()
	if !done {
		status = unrecorded.CodexHookRefused(env, front.HandOver(argv, os.Environ()))
	}
	os.Exit(status)
	return nil
}

func served(word string) bool {
	return word == "--version" || word == "-v" || slices.ContainsFunc(light, func(c subcommand) bool { return slices.Contains(c.names, word) })
}
