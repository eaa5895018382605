package view

import (
	"fmt"
	"path"
	"slices"
	"strings"
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
	got := Ops(p)
	loose := func(k Kind, path string) Op { return Op{Kind: k, Path: path, Loose: true} }
	want := []Op{
		loose(HideDir, "/s"), {Kind: Writable, Path: "/tmp"}, loose(HideFile, "/etc/k"), {Kind: Placeholder, Path: "/tmp/.git"},
		loose(Pin, "/tmp/a"), loose(Pin, "/tmp/a/b"), {Kind: Writable, Path: "/tmp/a/b/ws"}, {Kind: PinLink, Path: "/tmp/a/b/ws/.codex"},
		{Kind: ReadOnly, Path: "/tmp/a/b/ws/.git"}, loose(Pin, "/tmp/a/b/ws/m"), {Kind: ReadOnly, Path: "/tmp/a/b/ws/m/g"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ops (-want +got):\n%s", diff)
	}
}

// What is reopened below a hidden folder, or shown at all without ReadAll, is laid into a veil, which is sealed last.
func TestVeils(t *testing.T) {
	t.Parallel()
	show := func(ops []Op) string {
		var b strings.Builder
		for _, op := range ops {
			fmt.Fprintf(&b, "%d%s%s ", op.Kind, op.Path, op.Target)
		}
		return b.String()
	}
	w := []filesystem.Root{{Path: "/w", Kind: filesystem.Dir}, {Path: "/w/a/b", Kind: filesystem.Dir}}
	for name, c := range map[string]struct {
		plan filesystem.Plan
		want []Op
	}{
		"reopened": {filesystem.Plan{ReadAll: true, Writable: w, DeniedReads: []filesystem.Denied{{Path: "/w/a", Kind: filesystem.Dir}, {Path: "/w/c", Kind: filesystem.Dir}}},
			[]Op{{Kind: Writable, Path: "/w"}, {Kind: Veil, Path: "/w/a"}, {Kind: HideDir, Path: "/w/c"}, {Kind: Writable, Path: "/w/a/b"}, {Kind: Seal, Path: "/w/a"}}},
		"read below denied": {filesystem.Plan{ReadAll: true, Readable: []string{"/d/r"}, DeniedReads: []filesystem.Denied{{Path: "/d", Kind: filesystem.Dir}}},
			[]Op{{Kind: Veil, Path: "/d"}, {Kind: ReadOnly, Path: "/d/r"}, {Kind: Seal, Path: "/d"}}},
		"restricted": {filesystem.Plan{Readable: []string{"/usr"}, Writable: w[:1], Links: []filesystem.Link{{Path: "/bin", Target: "usr/bin"}},
			ReadOnly:    []string{"/codex", "/w/v"},
			DeniedReads: []filesystem.Denied{{Path: "/state", Kind: filesystem.Dir}, {Path: "/usr/s", Kind: filesystem.File}, {Path: "/w/s", Kind: filesystem.Dir}}},
			[]Op{{Kind: Veil, Path: "/"}, {Kind: Link, Path: "/bin", Target: "usr/bin"}, {Kind: ReadOnly, Path: "/usr"}, {Kind: Writable, Path: "/w"},
				{Kind: HideFile, Path: "/usr/s"}, {Kind: HideDir, Path: "/w/s"}, {Kind: ReadOnly, Path: "/w/v"}, {Kind: Seal, Path: "/"}}},
	} {
		if got := show(Ops(c.plan)); got != show(c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, show(c.want))
		}
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	ops := []Op{{Kind: Veil, Path: "/"}, {Kind: ReadOnly, Path: "/usr"}, {Kind: HideDir, Path: "/usr/h"}, {Kind: Seal, Path: "/"}}
	for dir, want := range map[string]int{"/usr/x": 4, "/": 4, "/home/u": 5, "/usr/h": 4, "/usr/h/d": 6} {
		got := Reach(ops, dir)
		if len(got) != want {
			t.Errorf("%s: %+v", dir, got)
		}
		if len(got) > 4 && !slices.Contains(got, Op{Kind: Folder, Path: dir}) {
			t.Errorf("%s is not made: %+v", dir, got)
		}
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
		ops := Ops(p)
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
	now := map[string]filesystem.Kind{"/w/.git": filesystem.Dir, "/w/.codex": filesystem.Missing, "/w/.aws": filesystem.Symlink,
		"/w/s/.git": filesystem.Missing, "/w/k": filesystem.Dir, "/w/l": filesystem.Symlink, "/w/f": filesystem.File, "/w": filesystem.Dir}
	got := Adjust([]Op{{Kind: Writable, Path: "/w"}, {Kind: Placeholder, Path: "/w/.git"}, {Kind: ReadOnly, Path: "/w/.codex"}, {Kind: ReadOnly, Path: "/w/.aws"},
		{Kind: ReadOnly, Path: "/w/s/.git", Loose: true}, {Kind: HideFile, Path: "/w/k", Loose: true}, {Kind: HideFile, Path: "/w/l", Loose: true},
		{Kind: HideDir, Path: "/w/f", Loose: true}, {Kind: Seal, Path: "/gone"}},
		func(p string) filesystem.Kind { return now[p] })
	want := []Op{{Kind: Writable, Path: "/w"}, {Kind: ReadOnly, Path: "/w/.git"}, {Kind: Placeholder, Path: "/w/.codex"}, {Kind: PinLink, Path: "/w/.aws", File: true},
		{Kind: HideDir, Path: "/w/k", Loose: true}, {Kind: HideFile, Path: "/w/f", Loose: true, File: true}, {Kind: Seal, Path: "/gone"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("adjusted (-want +got):\n%s", diff)
	}
}
