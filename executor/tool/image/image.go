package image

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/executor/tool/canonical"
)

const (
	// Name is what models call.
	Name = "view_image"
	// MaxFile bounds an image in bytes: in base64 it must fit into one event.
	MaxFile = 2 << 20
)

// Options are settings of the tool.
type Options struct {
	// Detail is the detail word of the content item, left out when empty.
	Detail string
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Tool is view_image.
type Tool struct {
	dir string
	o   Options
}

// New makes the tool; relative paths are below dir, which must be absolute.
func New(dir string, o Options) (*Tool, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("make %s: working directory %q is not absolute", Name, dir)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Tool{dir, o}, nil
}

// Name implements tool.Tool.
func (*Tool) Name() string { return Name }

// Parallel implements tool.Parallel.
func (*Tool) Parallel() bool { return true }

// Definition implements tool.Tool.
func (*Tool) Definition() json.RawMessage { return json.RawMessage(form) }

const form = `{
  "type": "function",
  "name": "view_image",
  "description": "Shows you an image file of this machine (PNG, JPEG, GIF or WebP).",
  "strict": false,
  "parameters": {
    "type": "object",
    "properties": {"path": {"type": "string", "description": "Path of the image, absolute or relative to the working directory."}},
    "required": ["path"],
    "additionalProperties": false
  }
}`

// Propose implements tool.Tool. It does not look at the file.
func (t *Tool) Propose(_ context.Context, c tool.Call) (tool.Proposal, error) {
	a, err := tool.ParseArguments(c)
	if err != nil {
		return nil, err
	}
	path := a.Required("path", "the path of an image")
	if err := a.Err(); err != nil {
		return nil, err
	}
	path, err = canonical.Target(t.dir, path)
	if err != nil {
		return nil, tool.BadArgument(c.Name, "path", "%s", err)
	}
	return &proposal{t: t, name: c.Name, path: path}, nil
}

type proposal struct {
	t    *Tool
	name string
	path string
}

// Action implements tool.Proposal.
func (p *proposal) Action() event.Action {
	return event.Action{Kind: event.ActionRead, Tool: p.name, Files: []string{p.path}}
}

// Run implements tool.Proposal.
func (p *proposal) Run(_ context.Context, g tool.Grant, o tool.Observer) (tool.Result, error) {
	if err := g.Check(p.Action()); err != nil {
		return tool.Result{}, err
	}
	start := p.t.o.Now()
	if v := g.Plan.CheckRead(p.path); !v.Allowed {
		o.Denied(sandbox.Denial{
			At: start, PID: os.Getpid(), Program: Name, Syscall: "openat", Path: p.path, Access: "read", Rule: string(v.Reason),
		})
		return tool.Result{Output: fmt.Sprintf("reading `%s` is not allowed (%s)", p.path, v.Reason), Denials: 1}, nil
	}
	b, _, err := canonical.ReadFile(p.path, MaxFile)
	if err != nil {
		return tool.Result{Output: explain(p.path, err)}, nil
	}
	kind := mediaType(b)
	if kind == "" {
		return tool.Result{Output: fmt.Sprintf("unable to process image `%s`: invalid or unsupported image data; expected PNG, JPEG, GIF or WebP", p.path)}, nil
	}
	item, err := json.Marshal(struct {
		Type   string `json:"type"`
		URL    string `json:"image_url"`
		Detail string `json:"detail,omitempty"`
	}{"input_image", "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b), p.t.o.Detail})
	if err != nil {
		return tool.Result{}, fmt.Errorf("encode image %s: %w", p.path, err)
	}
	return tool.Result{
		Output: fmt.Sprintf("attached %s (%s, %d bytes)", p.path, kind, len(b)), Items: []json.RawMessage{item},
		Success: true, Duration: p.t.o.Now().Sub(start),
	}, nil
}

func explain(path string, err error) string {
	switch {
	case errors.Is(err, canonical.ErrNotRegular):
		return fmt.Sprintf("image path `%s` is not a file", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("unable to locate image at `%s`: no such file", path)
	}
	return fmt.Sprintf("unable to read image at `%s`: %v", path, err)
}

// mediaType tells the format from the first bytes, empty when it is none of the four.
func mediaType(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return "image/gif"
	case len(b) > 12 && bytes.HasPrefix(b, []byte("RIFF")) && bytes.Equal(b[8:12], []byte("WEBP")):
		return "image/webp"
	}
	return ""
}
