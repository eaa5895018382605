package main

import (
	"slices"
	"testing"

	"proctor/internal/app"
)

// Only the command that is asked for is built, so its names must be known without building it.
func TestSubcommandsAreListedByTheirNames(t *testing.T) {
	t.Parallel()
	for _, s := range subcommands {
		c := s.make(app.Env{})
		if names := append([]string{c.Name()}, c.Aliases...); !slices.Equal(names, s.names) {
			t.Errorf("listed as %v, but its names are %v", s.names, names)
		}
		if got := newRoot(app.Env{}, c.Name()).Commands(); len(got) != 1 || got[0].Name() != c.Name() {
			t.Errorf("%s: built %d commands", c.Name(), len(got))
		}
	}
	if got := newRoot(app.Env{}, "help").Commands(); len(got) != len(subcommands) {
		t.Errorf("for help %d commands are built, want all %d", len(got), len(subcommands))
	}
}
