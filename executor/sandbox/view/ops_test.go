package view

import (
	"errors"
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"proctor/policy/filesystem"
)

func TestOps(t *testing.T) {
	t.Parallel()
	p := filesystem.Plan{
		Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff,
		Writable: []filesystem.Root{
			{Path: "/tmp", Kind: filesystem.Dir, Protected: []filesystem.Protected{{Path: "/tmp/.git", Kind: filesystem.Missing}}},
			{Path: "/tmp/a/b/ws", Kind: filesystem.Dir, Protected: []filesystem.Protected{
				{Path: "/tmp/a/b/ws/.git", Kind: filesystem.File}, {Path: "/tmp/a/b/ws/m/g", Kind: filesystem.Dir},
				{Path: "/tmp/a/b/ws/.codex", Kind: filesystem.Symlink}}},
		},
		DeniedReads: []filesystem.Denied{{Path: "/etc/k", Kind: filesystem.File}, {Path: "/s", Kind: filesystem.Dir}, {Path: "/gone", Kind: filesystem.Missing}},
	}
	got, err := Ops(p)
	if err != nil {
		t.Fatal(err)
	}
	want := []Op{
		{HideDir, "/s"}, {Writable, "/tmp"}, {HideFile, "/etc/k"}, {Placeholder, "/tmp/.git"}, {Pin, "/tmp/a"}, {Pin, "/tmp/a/b"},
		{Writable, "/tmp/a/b/ws"}, {PinLink, "/tmp/a/b/ws/.codex"}, {ReadOnly, "/tmp/a/b/ws/.git"}, {Pin, "/tmp/a/b/ws/m"},
		{ReadOnly, "/tmp/a/b/ws/m/g"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ops (-want +got):\n%s", diff)
	}
	p.ReadAll = false
	if _, err := Ops(p); !errors.Is(err, ErrRestrictedReads) {
		t.Errorf("restricted reads: %v", err)
	}
}

// Law: the mounts, deepest wins, allow writing exactly where the plan does.
func TestOpsAgreeWithCheckWrite(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"a", "b", ".git", "c"})
	anyPath := rapid.Custom(func(t *rapid.T) string {
		return "/" + path.Join(rapid.SliceOfN(names, 1, 4).Draw(t, "p")...)
	})
	rapid.Check(t, func(t *rapid.T) {
		p := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff}
		for _, root := range rapid.SliceOfN(anyPath, 0, 3).Draw(t, "roots") {
			p.Writable = append(p.Writable, filesystem.Root{Path: root, Kind: filesystem.Dir,
				Protected: []filesystem.Protected{{Path: path.Join(root, ".git"), Kind: filesystem.Dir}}})
		}
		p.ReadOnly = rapid.SliceOfN(anyPath, 0, 2).Draw(t, "readonly")
		ops, err := Ops(p)
		if err != nil {
			t.Fatal(err)
		}
		target := anyPath.Draw(t, "target")
		writable := false
		for _, op := range ops { // parents first: the last that covers the target decides
			if filesystem.Within(target, op.Path) {
				writable = op.Kind <= Writable
			}
		}
		if want := p.CheckWrite(target).Allowed; writable != want {
			t.Fatalf("%s: mounts say %v, plan says %v; ops %+v", target, writable, want, ops)
		}
		if !slices.IsSortedFunc(ops, func(a, b Op) int { return filesystem.Depth(a.Path) - filesystem.Depth(b.Path) }) {
			t.Fatalf("children before parents: %+v", ops)
		}
	})
}

func TestAdjust(t *testing.T) {
	t.Parallel()
	now := map[string]filesystem.Kind{"/w/.git": filesystem.Dir, "/w/.codex": filesystem.Missing, "/w/.aws": filesystem.Symlink}
	got := Adjust([]Op{{Writable, "/w"}, {Placeholder, "/w/.git"}, {ReadOnly, "/w/.codex"}, {ReadOnly, "/w/.aws"}, {HideFile, "/w/k"}},
		func(p string) filesystem.Kind { return now[p] })
	want := []Op{{Writable, "/w"}, {ReadOnly, "/w/.git"}, {Placeholder, "/w/.codex"}, {PinLink, "/w/.aws"}, {HideFile, "/w/k"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("adjusted (-want +got):\n%s", diff)
	}
}
