package main

import (
	"slices"
	"testing"

	"proctor/internal/cli"
)

// Only the command that is asked for is built, so its names must be known without building it.
func TestSubcommandsAreListedByTheirNames(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(light, full) {
		c := s.make(cli.Env{})
		if names := append([]string{c.Name()}, c.Aliases...); !slices.Equal(names, s.names) {
			t.Errorf("listed as %v, but its names are %v", s.names, names)
		}
		if got := newRoot(cli.Env{}, c.Name()).Commands(); len(got) != 1 || got[0].Name() != c.Name() {
			t.Errorf("%s: built %d commands", c.Name(), len(got))
		}
	}
	if got := newRoot(cli.Env{}, "help").Commands(); len(got) != len(light)+len(full) {
		t.Errorf("for help %d commands are built, want all %d", len(got), len(light)+len(full))
	}
}
