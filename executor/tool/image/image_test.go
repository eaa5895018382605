package image

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/policy/filesystem"
)

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

type recorder struct{ denied []string }

func (*recorder) Output(sandbox.Stream, []byte) {}
func (r *recorder) Denied(d sandbox.Denial) {
	r.denied = append(r.denied, d.Access+" "+d.Path+" "+d.Rule)
}
func (*recorder) Changed(event.FileChangePayload) {}
func (*recorder) Ended(tool.Result)               {}

func workspace(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(png)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "a.png"), b, 0o600), os.WriteFile(filepath.Join(dir, "text"), []byte("hello"), 0o600),
		os.Symlink("a.png", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	huge, err := os.Create(filepath.Join(dir, "huge.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(huge.Truncate(MaxFile+1), huge.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func view(t *testing.T, dir, path string, plan filesystem.Plan) (tool.Proposal, tool.Result, *recorder) {
	t.Helper()
	impl, err := New(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(map[string]string{"path": path})
	p, err := impl.Propose(context.Background(), tool.Call{Name: Name, Arguments: string(raw)})
	if err != nil {
		t.Fatal(err)
	}
	o := &recorder{}
	r, err := p.Run(context.Background(), tool.Grant{Plan: plan, Digest: p.Action().Digest()}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p, r, o
}

var readAll = filesystem.Plan{Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff}

func TestImageIsShown(t *testing.T) {
	dir := workspace(t)
	for _, path := range []string{"a.png", "link", filepath.Join(dir, "a.png")} {
		p, r, _ := view(t, dir, path, readAll)
		want := `{"type":"input_image","image_url":"data:image/png;base64,` + png + `"}`
		if !r.Success || len(r.Items) != 1 || string(r.Items[0]) != want {
			t.Errorf("%s: got %+v", path, r)
		}
		if a := p.Action(); a.Kind != event.ActionRead || len(a.Files) != 1 || a.Files[0] != filepath.Join(dir, "a.png") {
			t.Errorf("%s: action is %+v", path, a)
		}
	}
}

func TestWhatIsNotShown(t *testing.T) {
	dir := workspace(t)
	for path, want := range map[string]string{
		"missing.png": "unable to locate image at `" + dir + "/missing.png`", "text": "invalid or unsupported image data", ".": "is not a file", "huge.png": "file is too large",
	} {
		if _, r, _ := view(t, dir, path, readAll); r.Success || len(r.Items) != 0 || !strings.Contains(r.Output, want) {
			t.Errorf("%s: got %+v, want %q", path, r, want)
		}
	}
}

func TestPlanDeniesTheRead(t *testing.T) {
	dir := workspace(t)
	plan := readAll
	plan.DeniedReads = []filesystem.Denied{{Path: filepath.Join(dir, "a.png"), Kind: filesystem.File}}
	_, r, o := view(t, dir, "link", plan)
	if r.Success || r.Denials != 1 || len(o.denied) != 1 || o.denied[0] != "read "+filepath.Join(dir, "a.png")+" denied_read" {
		t.Errorf("got %+v, told %q", r, o.denied)
	}
}

func TestMediaTypes(t *testing.T) {
	for in, want := range map[string]string{
		"\xff\xd8\xff\xe0": "image/jpeg", "GIF89a..": "image/gif", "RIFF\x00\x00\x00\x00WEBPVP8 ": "image/webp", "RIFF": "", "": "", "<svg": "",
	} {
		if got := mediaType([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
