//go:build unix

package shell

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/sandbox/none"
	"proctor/executor/tool"
	"proctor/policy/filesystem"
)

// recorder is an Observer that remembers. It is safe for concurrent use.
type recorder struct {
	mu     sync.Mutex
	output map[sandbox.Stream]string
	denied []sandbox.Denial
	ended  []tool.Result
	files  []event.FileChangePayload
}

func (r *recorder) Output(s sandbox.Stream, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.output == nil {
		r.output = map[sandbox.Stream]string{}
	}
	r.output[s] += string(p)
}

func (r *recorder) Denied(d sandbox.Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied = append(r.denied, d)
}

func (r *recorder) Changed(c event.FileChangePayload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = append(r.files, c)
}

func (r *recorder) Ended(res tool.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, res)
}

func (r *recorder) ends() []tool.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]tool.Result(nil), r.ended...)
}

var full = filesystem.Plan{Mode: filesystem.DangerFullAccess, Unconfined: true, ReadAll: true, Network: filesystem.NetworkOn}

// bench is a Manager with its tools, run under one plan and backend.
type bench struct {
	t       *testing.T
	m       *Manager
	tools   *tool.Registry
	plan    filesystem.Plan
	backend sandbox.Backend
}

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	if o.Dir == "" {
		o.Dir = realDir(t)
	}
	if o.Env == nil {
		o.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + o.Dir}
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	tools, err := tool.NewRegistry(m.Tools()...)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, m, tools, full, none.Backend{}}
}

func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (b *bench) propose(name string, args any) (tool.Proposal, error) {
	b.t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		b.t.Fatal(err)
	}
	impl, err := b.tools.Lookup("", name)
	if err != nil {
		b.t.Fatal(err)
	}
	return impl.Propose(context.Background(), tool.Call{ID: "call_1", Name: name, Arguments: string(raw)})
}

func (b *bench) runContext(ctx context.Context, o tool.Observer, name string, args any) (tool.Result, error) {
	b.t.Helper()
	p, err := b.propose(name, args)
	if err != nil {
		b.t.Fatal(err)
	}
	return p.Run(ctx, tool.Grant{Plan: b.plan, Backend: b.backend, Digest: p.Action().Digest()}, o)
}

func (b *bench) run(o tool.Observer, name string, args any) tool.Result {
	b.t.Helper()
	r, err := b.runContext(context.Background(), o, name, args)
	if err != nil {
		b.t.Fatalf("%v: %+v", err, r)
	}
	return r
}

type args map[string]any

var heading = regexp.MustCompile(`^Chunk ID: [0-9a-f]{6}\nWall time: \d+\.\d{4} seconds\n`)

// text is the output of r without the lines that change from run to run.
func text(t *testing.T, r tool.Result) string {
	t.Helper()
	at := heading.FindStringIndex(r.Output)
	if at == nil {
		t.Fatalf("output has no heading: %q", r.Output)
	}
	return r.Output[at[1]:]
}
