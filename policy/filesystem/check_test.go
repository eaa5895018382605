package filesystem

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func examplePlan() Plan {
	return Plan{
		Mode: WorkspaceWrite, ReadAll: true, Network: NetworkOff,
		Writable: []Root{
			{Path: "/tmp", Kind: Dir, Protected: []Protected{{Path: "/tmp/.git", Kind: Missing, Name: ".git"}}},
			{Path: "/w", Kind: Dir, Protected: []Protected{{Path: "/w/.git", Kind: Dir, Name: ".git"}}},
			{Path: "/w/.git/hooks", Kind: Dir},
		},
		ReadOnly:    []string{"/w/vendor"},
		DeniedReads: []Denied{{Path: "/w/secret", Kind: Dir}, {Path: "/etc/shadow", Kind: File}},
	}
}

func TestCheckWrite(t *testing.T) {
	t.Parallel()
	p := examplePlan()
	cases := []struct {
		path string
		want Verdict
	}{
		{"/w/a", Verdict{true, ReasonWritableRoot, "/w"}},
		{"/w", Verdict{true, ReasonWritableRoot, "/w"}},
		{"/wx", Verdict{false, ReasonOutsideWritableRoots, ""}},
		{"/etc/passwd", Verdict{false, ReasonOutsideWritableRoots, ""}},
		{"/", Verdict{false, ReasonOutsideWritableRoots, ""}},
		{"/w/.git", Verdict{false, ReasonProtectedPath, "/w/.git"}},
		{"/w/.git/config", Verdict{false, ReasonProtectedPath, "/w/.git"}},
		{"/w/.gitignore", Verdict{true, ReasonWritableRoot, "/w"}},
		{"/w/sub/.git/config", Verdict{true, ReasonWritableRoot, "/w"}},
		{"/w/.git/hooks/pre-commit", Verdict{true, ReasonWritableRoot, "/w/.git/hooks"}},
		{"/tmp/.git/x", Verdict{false, ReasonProtectedPath, "/tmp/.git"}},
		{"/w/vendor/m", Verdict{false, ReasonReadOnly, "/w/vendor"}},
		{"/w/secret/k", Verdict{false, ReasonDeniedRead, "/w/secret"}},
		{"w/a", Verdict{false, ReasonInvalidPath, ""}},
		{"/w/../etc/passwd", Verdict{false, ReasonInvalidPath, ""}},
		{"/w/a\x00b", Verdict{false, ReasonInvalidPath, ""}},
	}
	for _, c := range cases {
		if got := p.CheckWrite(c.path); got != c.want {
			t.Errorf("CheckWrite(%q) = %+v, want %+v", c.path, got, c.want)
		}
	}
	readOnly := Plan{Mode: ReadOnly, ReadAll: true, Network: NetworkOff}
	if got := readOnly.CheckWrite("/w/a"); got != (Verdict{Reason: ReasonReadOnly}) {
		t.Errorf("read-only: %+v", got)
	}
	full := Plan{Mode: DangerFullAccess, Unconfined: true, Network: NetworkOn}
	if got := full.CheckWrite("/etc/passwd"); !got.Allowed {
		t.Errorf("unconfined: %+v", got)
	}
}

func TestCheckRead(t *testing.T) {
	t.Parallel()
	p := examplePlan()
	for path, want := range map[string]bool{"/etc/passwd": true, "/etc/shadow": false, "/w/secret/k": false, "/w/secrets": true, "x": false} {
		if got := p.CheckRead(path); got.Allowed != want {
			t.Errorf("CheckRead(%q) = %+v, want %v", path, got, want)
		}
	}
	p.ReadAll, p.Readable = false, []string{"/usr"}
	for path, want := range map[string]bool{"/usr/bin/ls": true, "/etc/passwd": false, "/w/a": true, "/w/secret/k": false} {
		if got := p.CheckRead(path); got.Allowed != want {
			t.Errorf("restricted CheckRead(%q) = %+v, want %v", path, got, want)
		}
	}
}

// Law: what is allowed lies in a writable root, and nothing below a protected path of the deepest such root is.
func TestCheckWriteNeverLeavesTheRoots(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"w", "tmp", ".git", ".codex", "a", "b", "secret", "vendor", "..", "."})
	rapid.Check(t, func(t *rapid.T) {
		p := examplePlan()
		raw := "/" + strings.Join(rapid.SliceOfN(names, 0, 6).Draw(t, "names"), "/")
		v := p.CheckWrite(raw)
		if v.Allowed && raw != path.Clean(raw) {
			t.Fatalf("%q is not clean and allowed", raw)
		}
		if !v.Allowed {
			return
		}
		if !Within(raw, "/w") && !Within(raw, "/tmp") {
			t.Fatalf("%q is outside and allowed by %+v", raw, v)
		}
		if Within(raw, "/tmp/.git") || Within(raw, "/w/.git") && !Within(raw, "/w/.git/hooks") {
			t.Fatalf("%q is protected and allowed by %+v", raw, v)
		}
	})
}

func FuzzCheckWrite(f *testing.F) {
	for _, s := range []string{"/w/a", "/w/.git", "", "/", "//w", "/w/.git/../a", "/w\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := examplePlan()
		if v := p.CheckWrite(s); v.Allowed && !Within(s, "/w") && !Within(s, "/tmp") {
			t.Errorf("%q allowed: %+v", s, v)
		}
		p.CheckRead(s)
	})
}
