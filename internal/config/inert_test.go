//go:build unix

package config

import (
	"os"
	"strings"
	"testing"
)

// Who shares a file with Codex must be able to read which keys change nothing here.
func TestInertKeysAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../doc/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, schema := range []*spec{configSchema(), requirementsSchema()} {
		for _, key := range schema.names() {
			if !schema.fields[key].inert {
				continue
			}
			n++
			if !strings.Contains(string(page), "`"+key+"`") {
				t.Errorf("%s is inert and doc/compatibility.md does not say so", key)
			}
			if info := Describe(key); !info.Known || info.Expected == "" {
				t.Errorf("Describe(%q) = %+v", key, info)
			}
		}
	}
	if n < 80 {
		t.Errorf("only %d inert keys were found", n)
	}
}

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		key  string
		want KeyInfo
	}{
		{"sandbox_mode", KeyInfo{Known: true, Expected: `one of "read-only", "workspace-write", "danger-full-access"`}},
		{"allowed_login_methods", KeyInfo{Known: true, Requirement: true, Expected: `a list of one of "chatgpt", "api"`}},
		{"tui.theme", KeyInfo{Known: true, Expected: "any value", Inert: true}},
		{"profiles.x.history.max_bytes", KeyInfo{Known: true, Expected: "a whole number from 0 to 9007199254740992"}},
		{`permissions.w.filesystem."/x"`, KeyInfo{Known: true, Expected: `one of "read", "write", "deny", "none", or a table, or a number of folders from 1 to 65536`}},
		{"sandbox_moed", KeyInfo{Nearest: "sandbox_mode"}},
		{"history.persistance", KeyInfo{Nearest: "history.persistence"}},
		{"network_access", KeyInfo{Nearest: "sandbox_workspace_write.network_access"}},
		{"sandbox_mode.x", KeyInfo{}},
		{"", KeyInfo{}},
	} {
		if got := Describe(tt.key); got != tt.want {
			t.Errorf("Describe(%q) = %+v, want %+v", tt.key, got, tt.want)
		}
	}
}
