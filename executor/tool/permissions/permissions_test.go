package permissions

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/executor/tool"
)

func propose(t *testing.T, dir, arguments string) (tool.Proposal, error) {
	t.Helper()
	impl, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return impl.Propose(context.Background(), tool.Call{Name: Name, Arguments: arguments})
}

func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("b", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPathsAreMadeCanonical(t *testing.T) {
	dir := folder(t)
	p, err := propose(t, dir, `{"reason":"why","permissions":{"network":{"enabled":true},"file_system":{"read":["link","b","./a/../a"],"write":["`+dir+`/link"]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := event.Action{Kind: event.ActionPermissions, Tool: Name, Justification: "why", Additional: &event.Permissions{
		Network: true, Read: []string{dir + "/a", dir + "/b"}, Write: []string{dir + "/b"},
	}}
	if diff := cmp.Diff(want, p.Action()); diff != "" {
		t.Errorf("action (-want +got):\n%s", diff)
	}
	for scope, word := range map[string]string{event.ScopeOnce: `"scope":"turn"`, event.ScopeSession: `"scope":"session"`} {
		got, err := p.Run(context.Background(), tool.Grant{Digest: p.Action().Digest(), Scope: scope}, nil)
		if err != nil || !got.Success || !strings.Contains(got.Output, word) || !strings.Contains(got.Output, `"write":["`+dir+`/b"]`) {
			t.Errorf("%s: got %+v %v", scope, got, err)
		}
	}
	more := p.Action()
	more.Additional.Write = append(more.Additional.Write, "/")
	if got, err := p.Run(context.Background(), tool.Grant{Digest: more.Digest()}, nil); !errors.Is(err, tool.ErrDigest) || got.Output != "" {
		t.Errorf("another request was approved: got %+v %v", got, err)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	dir := folder(t)
	many := `"a"` + strings.Repeat(`,"a"`, MaxPaths+10)
	for arguments, want := range map[string]string{
		`{}`:                  "expected an object with network or file_system",
		`{"permissions":{}}`:  "asks for nothing",
		`{"permissions":"x"}`: "expected an object",
		`{"permissions":{"network":{"enabled":false}}}`:           "asks for nothing",
		`{"permissions":{"network":{"enable":true}}}`:             "unknown field",
		`{"permissions":{"files":{}}}`:                            "unknown field",
		`{"permissions":{"file_system":{"write":["missing"]}}}`:   "expected an existing path",
		`{"permissions":{"file_system":{"write":[""]}}}`:          "path is empty",
		`{"permissions":{"file_system":{"write":"a"}}}`:           "expected a list of strings",
		`{"permissions":{"file_system":{"read":["\u0000"]}}}`:     "NUL",
		`{"permissions":{"network":{"enabled":"yes"}}}`:           "expected true or false",
		`{"permissions":{"file_system":{"read":[` + many + `]}}}`: "at most 64 are allowed",
		`{"permissions":{"network":{"enabled":true}},"reason":7}`: "expected a string",
	} {
		_, err := propose(t, dir, arguments)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", arguments, err, want)
		}
	}
	if _, err := New("x"); err == nil {
		t.Error("a relative folder was taken")
	}
}

func FuzzPropose(f *testing.F) {
	f.Add(`{"permissions":{"network":{"enabled":true},"file_system":{"read":["a"],"write":["/"]}}}`)
	f.Add(`{"permissions":{"file_system":{"write":[null,"../../.."]}}}`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, arguments string) {
		impl, _ := New(dir)
		p, err := impl.Propose(context.Background(), tool.Call{Name: Name, Arguments: arguments})
		if err != nil {
			return
		}
		a := p.Action()
		for _, at := range append(append([]string{}, a.Additional.Read...), a.Additional.Write...) {
			if !filepath.IsAbs(at) || filepath.Clean(at) != at {
				t.Errorf("path %q", at)
			}
		}
		if a.Additional.IsZero() || len(a.Additional.Read) > MaxPaths || len(a.Additional.Write) > MaxPaths {
			t.Errorf("asked for %+v", a.Additional)
		}
	})
}
