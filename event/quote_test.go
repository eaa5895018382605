package event_test

import (
	"testing"

	"proctor/event"
)

func TestCommandLine(t *testing.T) {
	for want, argv := range map[string][]string{
		`make test`:            {"make", "test"},
		`sh -c 'echo "$HOME"'`: {"sh", "-c", `echo "$HOME"`},
		`echo '' 'it'\''s'`:    {"echo", "", "it's"},
	} {
		if got := event.CommandLine(argv); got != want {
			t.Errorf("%q reads %s, want %s", argv, got, want)
		}
	}
}
