package patch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"proctor/event"
	"proctor/executor/tool"
)

// Name is what models call.
const Name = "apply_patch"

// Options are settings of the tool. The zero value offers the free-form definition.
type Options struct {
	// Function offers a function with one field, input, for models without free-form tools.
	// Both forms of call are understood either way.
	Function bool
	// MayRead, when set, is asked before a file is looked at while a call is proposed, so that the answer
	// to a patch does not tell what is in a file that may not be read.
	MayRead func(path string) error
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Tool is apply_patch.
type Tool struct {
	dir     string
	options Options
	mu      sync.Mutex // held while a patch is written
}

// New makes the tool; paths in patches are relative to dir, which must be absolute.
func New(dir string, o Options) (*Tool, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("make %s: working directory %q is not absolute", Name, dir)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Tool{dir: dir, options: o}, nil
}

// Name implements tool.Tool.
func (t *Tool) Name() string { return Name }

// Definition implements tool.Tool.
func (t *Tool) Definition() json.RawMessage {
	if t.options.Function {
		return json.RawMessage(functionForm)
	}
	return json.RawMessage(customForm)
}

// Propose implements tool.Tool.
func (t *Tool) Propose(_ context.Context, c tool.Call) (tool.Proposal, error) {
	text := c.Arguments
	if !c.Custom {
		args, err := tool.ParseArguments(c)
		if err != nil {
			return nil, err
		}
		text = args.Required("input", "the whole patch")
		if err := args.Err(); err != nil {
			return nil, err
		}
	}
	if err := tool.CheckSize(c); err != nil {
		return nil, err
	}
	return t.ProposeIn(t.dir, text, Name)
}

// ProposeIn checks a patch whose paths are relative to dir, for a patch that came another way than by
// a call of this tool; name is the tool that the model called.
func (t *Tool) ProposeIn(dir, text, name string) (tool.Proposal, error) {
	refuse := func(err error) (tool.Proposal, error) {
		return nil, &tool.ArgumentError{Tool: name, Field: "input", Text: "apply_patch verification failed: " + err.Error()}
	}
	parsed, err := Parse(text)
	if err != nil {
		return refuse(err)
	}
	if len(parsed.Ops) == 0 {
		return nil, &tool.ArgumentError{Tool: name, Field: "input", Text: "patch rejected: empty patch; it names no file to add, delete or update"}
	}
	edits, err := resolve(dir, parsed)
	if err != nil {
		return refuse(err)
	}
	if err := t.verify(edits); err != nil {
		return refuse(err)
	}
	return &proposal{t: t, name: name, dir: dir, text: text, edits: edits}, nil
}

// verify reads the files to see whether the patch fits.
func (t *Tool) verify(edits []edit) error {
	var problems []error
	for _, e := range edits { // copies: what is read now is not what will be written
		if t.options.MayRead != nil {
			if err := t.options.MayRead(e.from); err != nil {
				problems = append(problems, err)
				continue
			}
		}
		if err := e.read(); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// proposal is one patch with its paths.
type proposal struct {
	t     *Tool
	name  string
	dir   string
	text  string
	edits []edit
}

// Action implements tool.Proposal.
func (p *proposal) Action() event.Action {
	a := event.Action{Kind: event.ActionPatch, Tool: p.name, Cwd: p.dir, Patch: p.text}
	for i := range p.edits {
		a.Files = append(a.Files, p.edits[i].paths()...)
	}
	return a
}

// Changes implements tool.Changer.
func (p *proposal) Changes() []tool.Change {
	out := make([]tool.Change, len(p.edits))
	for i := range p.edits {
		out[i] = p.edits[i].summary()
	}
	return out
}

func (e *edit) summary() tool.Change {
	c := tool.Change{Path: e.from, Kind: string(e.op.Kind)}
	if e.to != e.from {
		c.MoveTo = e.to
	}
	return c
}
