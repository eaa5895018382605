//go:build unix

package patch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/policy/filesystem"
)

const addEvil = "*** Begin Patch\n*** Add File: sub/evil\n+x\n*** End Patch"

func TestActionNamesWhereLinksLead(t *testing.T) {
	dir, outside := workspace(t), workspace(t)
	write(t, outside, map[string]string{"target": "a\n"})
	for link, to := range map[string]string{"file": filepath.Join(outside, "target"), "d": outside} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, patch string
		want        []string
	}{
		{"update through a link", "*** Update File: file\n@@\n-a\n+b", []string{filepath.Join(outside, "target")}},
		{"add below a linked directory", "*** Add File: d/new\n+b", []string{filepath.Join(outside, "new")}},
		{"delete removes the link", "*** Delete File: file", []string{filepath.Join(dir, "file")}},
		{"move out", "*** Update File: d/target\n*** Move to: here\n@@\n-a\n+b", []string{filepath.Join(outside, "target"), filepath.Join(dir, "here")}},
		{"parent directories", "*** Add File: x/../../../etc/passwd\n+b", []string{filepath.Clean(filepath.Join(dir, "../../etc/passwd"))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPropose(t, dir, "*** Begin Patch\n"+c.patch+"\n*** End Patch")
			if d := cmp.Diff(c.want, p.Action().Files); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
		})
	}
}

func TestPlanRefusesAndNothingIsWritten(t *testing.T) {
	dir, outside := workspace(t), workspace(t)
	for _, c := range []struct{ name, path, rule string }{
		{"outside", filepath.Join(outside, "new"), "outside_writable_roots"},
		{"protected", filepath.Join(dir, ".git/hooks/x"), "protected_path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPropose(t, dir, "*** Begin Patch\n*** Add File: fine\n+1\n*** Add File: "+c.path+"\n+x\n*** End Patch")
			o := &recorder{}
			r := carryOut(t, p, writable(dir), o)
			if r.Success || r.Denials != 1 || !strings.HasPrefix(r.Output, "patch rejected: ") || !strings.Contains(r.Output, c.rule) {
				t.Errorf("got %+v", r)
			}
			if d := cmp.Diff([]string{c.path + " " + c.rule}, o.denied); d != "" {
				t.Errorf("denied (-want +got):\n%s", d)
			}
			if files := tree(t, dir); len(files) != 0 {
				t.Errorf("files were written: %v", files)
			}
		})
	}
}

// TestSwappedDirectoryIsNotFollowed: between decision and write a directory becomes a link out of the writable set.
func TestSwappedDirectoryIsNotFollowed(t *testing.T) {
	dir, outside := workspace(t), workspace(t)
	write(t, dir, map[string]string{"sub/old": "a\n"})
	write(t, outside, map[string]string{"old": "a\n"})
	for _, text := range []string{
		addEvil,
		"*** Begin Patch\n*** Update File: sub/old\n@@\n-a\n+b\n*** End Patch",
		"*** Begin Patch\n*** Delete File: sub/old\n*** End Patch",
	} {
		p := mustPropose(t, dir, text)
		sub := filepath.Join(dir, "sub")
		if err := os.Rename(sub, sub+".away"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, sub); err != nil {
			t.Fatal(err)
		}
		r := carryOut(t, p, writable(dir), &recorder{})
		if r.Success || !strings.Contains(r.Output, "path changed since it was checked") {
			t.Errorf("%s\ngot %+v", text, r)
		}
		if d := cmp.Diff(map[string]string{"old": "a\n"}, tree(t, outside)); d != "" {
			t.Errorf("files outside changed (-want +got):\n%s", d)
		}
		if err := errors.Join(os.Remove(sub), os.Rename(sub+".away", sub)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHardLinkKeepsItsContent(t *testing.T) {
	dir, outside := workspace(t), workspace(t)
	write(t, outside, map[string]string{"secret": "a\n"})
	if err := os.Link(filepath.Join(outside, "secret"), filepath.Join(dir, "f")); err != nil {
		t.Fatal(err)
	}
	carryOut(t, mustPropose(t, dir, "*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n*** End Patch"), writable(dir), &recorder{})
	if got := tree(t, outside)["secret"]; got != "a\n" {
		t.Errorf("the file outside became %q", got)
	}
}

func TestModeIsKept(t *testing.T) {
	dir := workspace(t)
	write(t, dir, map[string]string{"f": "a\n"})
	if err := os.Chmod(filepath.Join(dir, "f"), 0o750); err != nil {
		t.Fatal(err)
	}
	carryOut(t, mustPropose(t, dir, "*** Begin Patch\n*** Update File: f\n*** Move to: g\n@@\n-a\n+b\n*** End Patch"), writable(dir), &recorder{})
	info, err := os.Stat(filepath.Join(dir, "g"))
	if err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("got %v %v, want mode 0750", info, err)
	}
}

func TestSpecialFilesAreRefusedWithoutWaiting(t *testing.T) {
	dir := workspace(t)
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600), os.Mkdir(filepath.Join(dir, "d"), 0o700)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"bin": "\xff\xfe\n"})
	if err := os.Symlink("bin", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := propose(t, dir, "*** Begin Patch\n*** Add File: link\n+b\n*** End Patch"); err == nil || !strings.Contains(err.Error(), "it is a symbolic link") {
		t.Errorf("adding over a link: got %v", err)
	}
	for _, op := range []string{"*** Update File: fifo\n@@\n-a\n+b", "*** Add File: d\n+b", "*** Delete File: d", "*** Update File: bin\n@@\n-a\n+b", "*** Add File: bin/x\n+b"} {
		if _, err := propose(t, dir, "*** Begin Patch\n"+op+"\n*** End Patch"); err == nil {
			t.Errorf("%q was not refused", op)
		} else if _, ok := errors.AsType[*tool.ArgumentError](err); !ok {
			t.Errorf("%q: got %T, want *tool.ArgumentError", op, err)
		}
	}
}

// TestHalfWayFailureListsChanges: a directory that becomes unusable after the first file was replaced.
func TestHalfWayFailureListsChanges(t *testing.T) {
	dir := workspace(t)
	write(t, dir, map[string]string{"a": "1\n", "sub/b": "1\n"})
	p := mustPropose(t, dir, "*** Begin Patch\n*** Update File: a\n@@\n-1\n+2\n*** Delete File: sub/b\n*** End Patch")
	o := &recorder{before: func() { _ = os.Remove(filepath.Join(dir, "sub/b")) }}
	r := carryOut(t, p, writable(dir), o)
	want := "The patch stopped half way. Already changed:\nM " + filepath.Join(dir, "a") + "\n"
	if r.Success || !strings.HasSuffix(r.Output, want) {
		t.Errorf("got %+v, want the end %q", r, want)
	}
	if d := cmp.Diff([]tool.Change{{Path: filepath.Join(dir, "a"), Kind: "update"}}, r.Changes); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
}

// TestStagingFailureLeavesNothing: a file where a directory is needed shows only when the second file is staged.
func TestStagingFailureLeavesNothing(t *testing.T) {
	dir := workspace(t)
	p := mustPropose(t, dir, "*** Begin Patch\n*** Add File: new/a\n+1\n*** Add File: sub/b\n+2\n*** End Patch")
	write(t, dir, map[string]string{"sub": "in the way\n"})
	if r := carryOut(t, p, writable(dir), &recorder{}); r.Success || !strings.Contains(r.Output, "No file was changed.") {
		t.Errorf("got %+v", r)
	}
	if d := cmp.Diff(map[string]string{"sub": "in the way\n"}, tree(t, dir)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}

func TestFileIsReadAgain(t *testing.T) {
	dir := workspace(t)
	write(t, dir, map[string]string{"f": "a\nz\n"})
	p := mustPropose(t, dir, "*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n*** End Patch")
	write(t, dir, map[string]string{"f": "new\na\nz\n"})
	carryOut(t, p, writable(dir), &recorder{})
	if got := tree(t, dir)["f"]; got != "new\nb\nz\n" {
		t.Errorf("got %q: what was written after the proposal is lost", got)
	}
}

func TestOtherDigestIsRefused(t *testing.T) {
	dir := workspace(t)
	p := mustPropose(t, dir, addEvil)
	other := p.Action()
	other.Patch += " "
	_, err := p.Run(context.Background(), tool.Grant{Plan: writable(dir), Digest: other.Digest()}, &recorder{})
	if !errors.Is(err, tool.ErrDigest) || len(tree(t, dir)) != 0 {
		t.Errorf("got %v with files %v, want ErrDigest and none", err, tree(t, dir))
	}
}

func TestChangePayload(t *testing.T) {
	dir := workspace(t)
	write(t, dir, map[string]string{"f": "a\n"})
	o := &recorder{}
	carryOut(t, mustPropose(t, dir, "*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n*** Add File: g\n+"+strings.Repeat("x", 100_000)+"\n*** End Patch"), writable(dir), o)
	if len(o.changed) != 2 {
		t.Fatalf("got %d changes", len(o.changed))
	}
	c := o.changed[0]
	want := event.FileChangePayload{Path: filepath.Join(dir, "f"), Change: "update", Bytes: 2, Diff: c.Diff,
		Before: "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7", After: "0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f"}
	if c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
	if text, _ := c.Diff.Reveal(); !strings.HasSuffix(text, "@@ -1,1 +1,1 @@\n-a\n+b\n") {
		t.Errorf("diff is %q", text)
	}
	if big := o.changed[1]; !big.Cut || big.Diff.Len() > 64<<10 || big.Before != "" {
		t.Errorf("the large diff has %d bytes, cut %v, before %q", big.Diff.Len(), big.Cut, big.Before)
	}
}

func TestFunctionForm(t *testing.T) {
	dir := workspace(t)
	impl, err := New(dir, Options{Function: true})
	if err != nil {
		t.Fatal(err)
	}
	p, err := impl.Propose(context.Background(), tool.Call{Name: Name, Arguments: `{"input":"*** Begin Patch\n*** Add File: f\n+1\n*** End Patch"}`})
	if err != nil {
		t.Fatal(err)
	}
	carryOut(t, p, filesystem.Plan{Mode: filesystem.DangerFullAccess, Unconfined: true, Network: filesystem.NetworkOn}, &recorder{})
	if got := tree(t, dir)["f"]; got != "1\n" {
		t.Errorf("got %q", got)
	}
}

func TestMayReadIsAskedBeforeTheFile(t *testing.T) {
	dir := workspace(t)
	write(t, dir, map[string]string{"secret": "a\n"})
	impl, err := New(dir, Options{MayRead: func(path string) error { return errors.New("hidden: " + filepath.Base(path)) }})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, guess := range []string{"a", "b"} {
		_, err := impl.Propose(context.Background(), tool.Call{Name: Name, Custom: true,
			Arguments: "*** Begin Patch\n*** Update File: secret\n@@\n-" + guess + "\n+c\n*** End Patch"})
		texts = append(texts, err.Error())
	}
	if texts[0] != texts[1] || !strings.Contains(texts[0], "hidden: secret") {
		t.Errorf("the answers tell a guess apart: %q", texts)
	}
}
