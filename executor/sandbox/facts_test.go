//go:build linux

package sandbox

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/policy/filesystem"
)

func TestGather(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		setup func(t *testing.T, ws string)
		entry string
		want  filesystem.Found // paths below WS
	}{
		{"missing", func(*testing.T, string) {}, ".git", filesystem.Found{Name: ".git", Kind: filesystem.Missing}},
		{"directory", mkdir(".git"), ".git", filesystem.Found{Name: ".git", Kind: filesystem.Dir}},
		{"pointer, relative", func(t *testing.T, ws string) {
			mkdir("a/g")(t, ws)
			write(t, ws+"/.git", "gitdir: a/g\n")
		}, ".git", filesystem.Found{Name: ".git", Kind: filesystem.File, Guards: []filesystem.Guard{{Path: "WS/a/g", Kind: filesystem.Dir}}}},
		{"pointer to a worktree", func(t *testing.T, ws string) {
			mkdir("main/.git/worktrees/x")(t, ws)
			write(t, ws+"/.git", "gitdir: "+ws+"/main/.git/worktrees/x\n")
			write(t, ws+"/main/.git/worktrees/x/commondir", "../..\n")
		}, ".git", filesystem.Found{Name: ".git", Kind: filesystem.File, Guards: []filesystem.Guard{
			{Path: "WS/main/.git/worktrees/x", Kind: filesystem.Dir}, {Path: "WS/main/.git", Kind: filesystem.Dir}}}},
		{"pointer to nothing", func(t *testing.T, ws string) { write(t, ws+"/.git", "gitdir: a/b/c\n") },
			".git", filesystem.Found{Name: ".git", Kind: filesystem.File, Guards: []filesystem.Guard{{Path: "WS/a", Kind: filesystem.Missing}}}},
		{"no pointer", func(t *testing.T, ws string) { write(t, ws+"/.git", "hello") },
			".git", filesystem.Found{Name: ".git", Kind: filesystem.File}},
		{"symlink by way of another", func(t *testing.T, ws string) {
			mkdir("real/d")(t, ws)
			symlink(t, "l/d", ws+"/.codex")
			symlink(t, "real", ws+"/l")
		}, ".codex", filesystem.Found{Name: ".codex", Kind: filesystem.Symlink, Guards: []filesystem.Guard{
			{Path: "WS/.codex", Kind: filesystem.Symlink}, {Path: "WS/l", Kind: filesystem.Symlink}, {Path: "WS/real/d", Kind: filesystem.Dir}}}},
		{"dangling symlink", func(t *testing.T, ws string) { symlink(t, "gone/x", ws+"/.aws") },
			".aws", filesystem.Found{Name: ".aws", Kind: filesystem.Symlink, Guards: []filesystem.Guard{
				{Path: "WS/.aws", Kind: filesystem.Symlink}, {Path: "WS/gone", Kind: filesystem.Missing}}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ws, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			c.setup(t, ws)
			facts, err := Gather(filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{ws}, ExcludeSlashTmp: true})
			if err != nil {
				t.Fatal(err)
			}
			c.want.Path = ws + "/" + c.want.Name
			for i, g := range c.want.Guards {
				c.want.Guards[i].Path = ws + g.Path[2:]
			}
			for _, e := range facts.Places[len(facts.Places)-1].Entries {
				if e.Name != c.entry {
					continue
				}
				if diff := cmp.Diff(c.want, e); diff != "" {
					t.Errorf("entry (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Every program leaves its own in temporary folders, so they are not searched; a workspace in one is.
func TestTemporaryFoldersAreNotSearched(t *testing.T) {
	t.Parallel()
	temporary, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	mkdir("other/deep/.git")(t, temporary)
	mkdir("ws/deep/.git")(t, temporary)
	found := func(r filesystem.Request) []string {
		r.Mode, r.TmpDir, r.ExcludeSlashTmp = filesystem.WorkspaceWrite, temporary, true
		facts, err := Gather(r)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range facts.Found {
			out = append(out, f.Path)
		}
		return out
	}
	deep, other := temporary+"/ws/deep/.git", temporary+"/other/deep/.git"
	for _, c := range []struct {
		name string
		r    filesystem.Request
		want []string
	}{
		{"workspace inside", filesystem.Request{WorkspaceRoots: []string{temporary + "/ws"}}, []string{deep}},
		{"workspace elsewhere", filesystem.Request{WorkspaceRoots: []string{t.TempDir()}}, nil},
		{"the folder itself is named", filesystem.Request{WorkspaceRoots: []string{temporary + "/ws"}, WritableRoots: []string{temporary}}, []string{other, deep}},
	} {
		if diff := cmp.Diff(c.want, found(c.r)); diff != "" {
			t.Errorf("%s: found (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestGatherSurvivesASymlinkLoop(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	symlink(t, ".codex", ws+"/.codex")
	plan, err := Plan(filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{ws}, ExcludeSlashTmp: true})
	if err != nil {
		t.Fatal(err)
	}
	if v := plan.CheckWrite(plan.Writable[0].Path + "/.codex"); v.Allowed {
		t.Errorf("looping link is not protected: %+v", v)
	}
}

func TestGatherResolvesTheRoot(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	mkdir("ws")(t, dir)
	symlink(t, "ws", dir+"/link")
	facts, err := Gather(filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{dir + "/link", dir + "/gone"}, ExcludeSlashTmp: true})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]filesystem.PlaceFacts{}
	for _, f := range facts.Places {
		at[f.Asked] = f
	}
	if got := at[dir+"/link"]; got.Path != dir+"/ws" || got.Kind != filesystem.Dir {
		t.Errorf("root: %+v", got)
	}
	if got := at[dir+"/gone"]; got.Kind != filesystem.Missing {
		t.Errorf("missing root: %+v", got)
	}
}

func mkdir(name string) func(*testing.T, string) {
	return func(t *testing.T, ws string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(ws, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
