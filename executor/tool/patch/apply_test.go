package patch

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/policy/filesystem"
)

// recorder is an Observer that remembers.
type recorder struct {
	denied  []string
	changed []event.FileChangePayload
	before  func() // called when a change is told
}

func (r *recorder) Output(sandbox.Stream, []byte) {}
func (r *recorder) Denied(d sandbox.Denial)       { r.denied = append(r.denied, d.Path+" "+d.Rule) }
func (r *recorder) Ended(tool.Result)             {}
func (r *recorder) Changed(c event.FileChangePayload) {
	r.changed = append(r.changed, c)
	if r.before != nil {
		r.before()
	}
}

// workspace is a canonical temporary directory.
func workspace(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func writable(dirs ...string) filesystem.Plan {
	p := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff}
	for _, d := range dirs {
		p.Writable = append(p.Writable, filesystem.Root{Path: d, Kind: filesystem.Dir,
			Protected: []filesystem.Protected{{Path: filepath.Join(d, ".git"), Kind: filesystem.Missing, Name: ".git"}}})
	}
	return p
}

func propose(t *testing.T, dir, text string) (tool.Proposal, error) {
	t.Helper()
	impl, err := New(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return impl.Propose(context.Background(), tool.Call{Name: Name, Arguments: text, Custom: true})
}

func mustPropose(t *testing.T, dir, text string) tool.Proposal {
	t.Helper()
	p, err := propose(t, dir, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func carryOut(t *testing.T, p tool.Proposal, plan filesystem.Plan, o tool.Observer) tool.Result {
	t.Helper()
	r, err := p.Run(context.Background(), tool.Grant{Plan: plan, Digest: p.Action().Digest()}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tree reads all files below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPatchFiles runs the cases of testdata/apply: old files and a patch, then new files and output, or an error.
func TestPatchFiles(t *testing.T) {
	cases, err := filepath.Glob("testdata/apply/*.txtar")
	if err != nil || len(cases) < 20 {
		t.Fatalf("found %d cases: %v", len(cases), err)
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			old, want, parts := map[string]string{}, map[string]string{}, map[string]string{}
			for _, f := range archive.Files {
				if name, ok := strings.CutPrefix(f.Name, "old/"); ok {
					old[name] = string(f.Data)
				} else if name, ok := strings.CutPrefix(f.Name, "new/"); ok {
					want[name] = string(f.Data)
				} else {
					parts[f.Name] = string(f.Data)
				}
			}
			dir := workspace(t)
			write(t, dir, old)
			p, err := propose(t, dir, parts["patch"])
			if text, refused := parts["error"]; refused {
				if err == nil {
					t.Fatal("the patch was not refused")
				}
				if d := cmp.Diff(strings.TrimSpace(text), strings.ReplaceAll(err.Error(), dir, "DIR")); d != "" {
					t.Errorf("error (-want +got):\n%s", d)
				}
				if d := cmp.Diff(old, tree(t, dir)); d != "" {
					t.Errorf("a refused patch changed files (-want +got):\n%s", d)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(old, tree(t, dir)); d != "" {
				t.Errorf("proposing changed files (-want +got):\n%s", d)
			}
			o := &recorder{}
			r := carryOut(t, p, writable(dir), o)
			if d := cmp.Diff(want, tree(t, dir)); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
			wantOutput := "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\n" + parts["output"]
			if d := cmp.Diff(wantOutput, r.Output); d != "" || !r.Success {
				t.Errorf("success %v, output (-want +got):\n%s", r.Success, d)
			}
			if d := cmp.Diff(p.(tool.Changer).Changes(), r.Changes); d != "" {
				t.Errorf("announced and made changes differ (-announced +made):\n%s", d)
			}
			checkDiffs(t, dir, old, want, o.changed)
		})
	}
}

// checkDiffs lets git apply the reported diffs to the old files.
func checkDiffs(t *testing.T, dir string, old, want map[string]string, changes []event.FileChangePayload) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("needs git to check the diffs")
	}
	var all strings.Builder
	for _, c := range changes {
		text, ok := c.Diff.Reveal()
		if !ok || c.MoveTo != "" || c.Bytes == 0 { // git wants more headings for renames and empty files
			return
		}
		all.WriteString(text)
	}
	other := workspace(t)
	write(t, other, old)
	cmd := exec.Command(git, "apply", "--unidiff-zero", "-p"+strconv.Itoa(strings.Count(dir, "/")+1), "-")
	cmd.Dir = other
	cmd.Stdin = strings.NewReader(all.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, out, all.String())
	}
	if d := cmp.Diff(want, tree(t, other)); d != "" {
		t.Errorf("the diffs make other files (-want +got):\n%s\n%s", d, all.String())
	}
}

func TestLineEndings(t *testing.T) {
	const p = "*** Begin Patch\n*** Update File: f\n@@\n-b\n+B\n+C\n*** End Patch"
	for _, c := range []struct{ name, patch, old, want string }{
		{"crlf file", p, "a\r\nb\r\nc\r\n", "a\r\nB\r\nC\r\nc\r\n"},
		{"mixed file keeps each", p, "a\nb\r\nc\n", "a\nB\r\nC\r\nc\n"},
		{"crlf patch", strings.ReplaceAll(p, "\n", "\r\n"), "a\nb\n", "a\nB\nC\n"},
		{"no final newline, replaced", p, "a\nb", "a\nB\nC\n"},
		{"no final newline, untouched", p, "b\nz", "B\nC\nz"},
		{"append below an open line", "*** Begin Patch\n*** Update File: f\n@@\n+z\n*** End Patch", "a", "a\nz\n"},
		{"empty file", "*** Begin Patch\n*** Update File: f\n@@\n+z\n*** End Patch", "", "z\n"},
		{"all removed", "*** Begin Patch\n*** Update File: f\n@@\n-z\n*** End Patch", "z\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := workspace(t)
			write(t, dir, map[string]string{"f": c.old})
			o := &recorder{}
			carryOut(t, mustPropose(t, dir, c.patch), writable(dir), o)
			if got := tree(t, dir)["f"]; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			checkDiffs(t, dir, map[string]string{"f": c.old}, map[string]string{"f": c.want}, o.changed)
		})
	}
}

func TestHostilePatternIsBounded(t *testing.T) {
	old := strings.Repeat("a\n", 200_000)
	text := "*** Begin Patch\n*** Update File: f\n@@\n" + strings.Repeat(" a\n", 20_000) + "-b\n*** End Patch"
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ops[0].Update.Apply("f", old); err == nil || !strings.Contains(err.Error(), "too many comparisons") {
		t.Errorf("got %v, want the bound on comparisons", err)
	}
}
