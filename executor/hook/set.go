package hook

import (
	"slices"
	"time"
)

// Trust says why a hook may run, or why not.
type Trust string

// Words of trust. Only the first three let a hook run.
const (
	Managed     Trust = "managed"      // the machine's administrator put it there
	Trusted     Trust = "trusted"      // its hash was written down as trusted
	Bypassed    Trust = "bypassed"     // the run was told to trust all of them
	Untrusted   Trust = "untrusted"    // nobody trusted it
	Modified    Trust = "modified"     // another hash was trusted
	Disabled    Trust = "disabled"     // it is switched off
	ManagedOnly Trust = "managed_only" // requirements admit managed hooks alone
)

// Runs reports whether a hook with this trust may run.
func (t Trust) Runs() bool { return t == Managed || t == Trusted || t == Bypassed }

// Hook is a definition with where it comes from and what it is trusted for.
type Hook struct {
	Definition
	Source string // the layer: system, user, project, ...
	Trust  Trust
}

// Options of a Set.
type Options struct {
	Shell string   // runs the commands, with -lc
	Dir   string   // working folder
	Env   []string // all of the environment
	// Open lets hooks that fail be as if they had no opinion.
	Open bool
}

// Set are the hooks of a session.
type Set struct {
	hooks []Hook
	opts  Options
}

// New makes a set; those that may not run are kept only to be told about.
func New(hooks []Hook, o Options) *Set { return &Set{slices.Clone(hooks), o} }

// Skipped are the hooks that will not run.
func (s *Set) Skipped() []Hook {
	return slices.DeleteFunc(slices.Clone(s.all()), func(h Hook) bool { return h.Trust.Runs() || !h.Event.Happens() })
}

// Has reports whether a hook of the event may run.
func (s *Set) Has(e Event) bool {
	return slices.ContainsFunc(s.all(), func(h Hook) bool { return h.Event == e && h.Trust.Runs() })
}

// Select are the hooks that an input concerns, in the order of their definitions.
func (s *Set) Select(in Input) []Hook {
	var out []Hook
	for _, h := range s.all() {
		if h.Event == in.Event && h.Trust.Runs() && slices.ContainsFunc(in.subjects(), h.match) {
			out = append(out, h)
		}
	}
	return out
}

// Dir is the working folder of the hooks.
func (s *Set) Dir() string {
	if s == nil {
		return ""
	}
	return s.opts.Dir
}

// Open reports whether hooks that fail count as without an opinion.
func (s *Set) Open() bool { return s != nil && s.opts.Open }

func (s *Set) all() []Hook {
	if s == nil {
		return nil
	}
	return s.hooks
}

// Run is what one hook did.
type Run struct {
	Hook
	// Skipped says why it was not run, empty when it was.
	Skipped Trust
	Ending  Ending
	Answer  Answer
	Took    time.Duration
}
