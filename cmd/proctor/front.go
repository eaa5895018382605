//go:build lean

package main

import (
	"os"
	"slices"

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
	return front.HandOver(argv, os.Environ())
}

func served(word string) bool {
	return word == "--version" || word == "-v" || slices.ContainsFunc(light, func(c subcommand) bool { return slices.Contains(c.names, word) })
}
