//go:build lean

package main

import (
	"os"
	"slices"

	"proctor/internal/front"
)

// full are commands of the whole program only.
var full []subcommand

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
