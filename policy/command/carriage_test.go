package command

import (
	"testing"

	"proctor/policy"
)

// A shell takes a carriage return for a character, the parser for nothing: a script with one is never taken apart.
func TestCarriageReturnsDoNotHideCommands(t *testing.T) {
	for _, script := range []string{
		"echo hi \\\r\ntouch /x", "ec\\\r\nho hi", "ls \\\r\nrm -rf /x", "ls\r", "ls\r\npwd",
	} {
		p := Parse([]string{"bash", "-lc", script})
		if p.Split || len(p.Parts) != 1 || len(p.Parts[0].Argv) != 3 || p.Class() == policy.Safe {
			t.Errorf("%q was taken apart: %+v", script, p)
		}
	}
	p := Parse([]string{"bash", "-lc", "ls \\\r\nrm -rf /x"})
	if p.Effective() != policy.Dangerous {
		t.Errorf("the command behind a carriage return is not seen: %+v", p)
	}
}
