package sandbox

import (
	"errors"
	"testing"

	"proctor/policy/filesystem"
)

func TestCheckSpec(t *testing.T) {
	t.Parallel()
	good := Spec{Argv: []string{"sh"}, Dir: "/", Env: []string{"PATH=/bin:/usr/bin"},
		Plan: filesystem.Plan{Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff}}
	if err := CheckSpec(good); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		change func(*Spec)
		want   error
	}{
		{"no command", func(s *Spec) { s.Argv = nil }, ErrInvalidSpec},
		{"relative directory", func(s *Spec) { s.Dir = "x" }, ErrInvalidSpec},
		{"missing directory", func(s *Spec) { s.Dir = "/no/such/dir" }, ErrInvalidSpec},
		{"NUL", func(s *Spec) { s.Argv = []string{"sh", "a\x00b"} }, ErrInvalidSpec},
		{"zero plan", func(s *Spec) { s.Plan = filesystem.Plan{} }, filesystem.ErrInvalidPlan},
		{"missing program", func(s *Spec) { s.Argv = []string{"no-such-program"} }, ErrNotFound},
		{"not executable", func(s *Spec) { s.Argv = []string{"/etc/passwd"} }, ErrNotFound},
		{"directory", func(s *Spec) { s.Argv = []string{"/etc"} }, ErrNotFound},
	}
	for _, c := range cases {
		s := good
		c.change(&s)
		if err := CheckSpec(s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
