package seatbelt

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

var update = flag.Bool("update", false, "rewrite the golden profiles")

func workspace() filesystem.Plan {
	return filesystem.Plan{
		Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff,
		Writable: []filesystem.Root{
			{Path: "/private/tmp", Kind: filesystem.Dir, Protected: []filesystem.Protected{{Path: "/private/tmp/.git", Kind: filesystem.Missing, Name: ".git"}}},
			{Path: "/Users/me/my \"best\" work", Kind: filesystem.Dir, Protected: []filesystem.Protected{
				{Path: "/Users/me/my \"best\" work/.git", Kind: filesystem.File, Name: ".git"},
				{Path: "/Users/me/my \"best\" work/a/gitdir", Kind: filesystem.Dir, Name: ".git"},
				{Path: "/Users/me/my \"best\" work/.codex", Kind: filesystem.Missing, Name: ".codex"}}},
		},
		ReadOnly:    []string{"/Users/me/my \"best\" work/vendor"},
		DeniedReads: []filesystem.Denied{{Path: "/Users/me/.local/state/proctor", Kind: filesystem.Dir}},
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	open := workspace()
	open.Network = filesystem.NetworkOn
	open.Writable = open.Writable[:1]
	open.ReadOnly = nil
	for name, p := range map[string]filesystem.Plan{
		"workspace-write": workspace(),
		"network-on":      open,
		"read-only": {Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff,
			DeniedReads: []filesystem.Denied{{Path: "/Users/me/.local/state/proctor", Kind: filesystem.Dir}}},
		"restricted": {Mode: filesystem.NamedProfile, Network: filesystem.NetworkOff, Readable: []string{"/opt/tool"},
			Writable:    []filesystem.Root{{Path: "/Users/me/work", Kind: filesystem.Dir}},
			DeniedReads: []filesystem.Denied{{Path: "/Users/me/work/.env", Kind: filesystem.File}, {Path: "/Users/me/work/key.pem", Kind: filesystem.Missing}}},
	} {
		got, err := Profile(p)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".sb")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestProfileRefuses(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]filesystem.Plan{
		"unconfined":   {Mode: filesystem.DangerFullAccess, Unconfined: true, Network: filesystem.NetworkOn},
		"control byte": {Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff, Writable: []filesystem.Root{{Path: "/a\nb"}}},
		"not UTF-8":    {Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff, ReadOnly: []string{"/a\xff"}},
	} {
		if text, err := Profile(p); !errors.Is(err, sandbox.ErrUnsupported) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// FuzzQuote: whatever a path holds, the profile keeps its form: a path is one token, and nothing of it becomes a rule.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{`/a`, `/a")(allow default)("`, `/\`, `/\"`, "/x\n(allow default)", `/[a]^$.*`, "/é", `/a\\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := &writer{}
		quoted, pattern := w.quote(s), w.anySpelling(s)
		if w.err != nil {
			return
		}
		for _, token := range []string{quoted, `"` + pattern + `"`} {
			if end := closing(token); end != len(token)-1 {
				t.Errorf("%q becomes %q, which ends at %d", s, token, end)
			}
			if strings.ContainsAny(token, "\n\r") {
				t.Errorf("%q becomes %q", s, token)
			}
		}
		if got := unquote(quoted); got != s {
			t.Errorf("%q is read back as %q", s, got)
		}
	})
}

// closing is where a Scheme string that begins at 0 ends.
func closing(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func unquote(s string) string {
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
