//go:build linux

package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/bwrap"
	"proctor/executor/sandbox/landlock"
	"proctor/executor/sandbox/mountpoint"
	"proctor/executor/sandbox/native"
	"proctor/executor/sandbox/none"
	"proctor/policy/filesystem"
)

// Main runs the helper parts of the backends when this process was started as one of them, and then does not
// return. It must be the first call in main, and in TestMain of tests that set Options.Executable.
func Main() {
	nothing()
	mountpoint.Main()
	landlock.Main()
}

// candidate is a backend that may or may not work here.
type candidate struct {
	name    string
	backend sandbox.Backend // nil when it cannot even be tried
	reason  string          // why not
	advice  string
	key     string // what the cached answer depends on, besides the boot
	path    string
}

// Select returns a backend for all plans of a session: confined ones go to the first usable backend that can
// enforce them, unconfined ones run directly. Backends behind the first usable one are looked at when they are needed.
func Select(ctx context.Context, o Options) (sandbox.Backend, error) {
	registry, guard, err := openRegistry(o)
	if err != nil {
		return nil, err
	}
	list, err := candidates(o, registry, guard)
	if err != nil {
		return nil, err
	}
	r := &router{registry: registry, guard: guard, executable: o.Executable, cache: newCache(o.StateDir), left: list}
	if r.backend(ctx, 0) == nil && !o.Unconfined {
		return nil, r.unavailable()
	}
	return r, nil
}

func openRegistry(o Options) (*mountpoint.Registry, *mountpoint.Guard, error) {
	if o.StateDir == "" {
		return nil, nil, errors.New("select sandbox backend: Options.StateDir is empty")
	}
	registry, err := mountpoint.Open(o.StateDir)
	if err != nil {
		return nil, nil, fmt.Errorf("select sandbox backend: %w", err)
	}
	if o.Executable == "" {
		return registry, nil, nil
	}
	return registry, &mountpoint.Guard{}, nil
}

// candidates in order of preference. Native and bwrap show the same view with the same filters; native pins protected
// symlinks too and starts in half the time (doc/performance.md).
func candidates(o Options, registry *mountpoint.Registry, guard *mountpoint.Guard) ([]func() candidate, error) {
	var out []func() candidate
	for _, c := range []struct {
		name string
		open func() candidate
	}{
		{"native", func() candidate { return nativeCandidate(o, registry, guard) }},
		{"bwrap", func() candidate { return bwrapCandidate(o, registry, guard) }},
		{"landlock", func() candidate { return landlockCandidate(o) }},
	} {
		if o.Only == "" || o.Only == c.name {
			out = append(out, c.open)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("select sandbox backend: unknown name %q, expected bwrap, native or landlock", o.Only)
	}
	return out, nil
}

func bwrapCandidate(o Options, r *mountpoint.Registry, g *mountpoint.Guard) candidate {
	c := candidate{name: "bwrap", advice: "install the package bubblewrap"}
	c.path = findBwrap(o.Path, o.Workspace)
	if c.path == "" {
		c.reason = "no bwrap in PATH outside the workspace"
		return c
	}
	b, err := bwrap.New(bwrap.Options{Path: c.path, Registry: r, Guard: g, Executable: o.Executable, Unsupervised: o.Unsupervised})
	if err != nil {
		c.reason = err.Error()
		return c
	}
	c.backend, c.key, c.advice = b, fileKey(c.path), adviceNamespaces
	return c
}

const (
	adviceNamespaces = "allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, " +
		"kernel.apparmor_restrict_unprivileged_userns), or in a container a seccomp profile that does"
	adviceHelper   = "this program cannot start itself as a helper; use the proctor binary"
	adviceLandlock = "needs Linux 5.13 with landlock among the security modules (lsm=), and in a container a seccomp profile that allows ptrace and seccomp"
)

func nativeCandidate(o Options, r *mountpoint.Registry, g *mountpoint.Guard) candidate {
	c := candidate{name: "native", advice: adviceNamespaces}
	b, err := native.New(native.Options{Executable: o.Executable, Registry: r, Guard: g, Unsupervised: o.Unsupervised})
	if err != nil {
		c.reason = err.Error()
		return c
	}
	c.backend, c.key = b, fileKey(o.Executable)
	return c
}

func landlockCandidate(o Options) candidate {
	c := candidate{name: "landlock", advice: adviceHelper, reason: "no helper executable"}
	switch {
	case o.Executable == "":
		return c
	case landlock.ABI() == 0:
		c.reason, c.advice = "this kernel has no Landlock, or it is not enabled", adviceLandlock
		return c
	}
	c.backend = landlock.New(landlock.Options{Executable: o.Executable, Unsupervised: o.Unsupervised})
	c.key, c.advice, c.reason = fmt.Sprintf("%s abi %d", fileKey(o.Executable), landlock.ABI()), adviceLandlock, ""
	return c
}

// router is the backend that Select returns.
type router struct {
	registry   *mountpoint.Registry
	guard      *mountpoint.Guard // nil without an executable
	executable string
	cache      cache

	mu      sync.Mutex
	left    []func() candidate // not looked at yet
	usable  []sandbox.Backend
	reasons []string // why the others are not
}

// backend is the nth usable backend, or nil.
func (r *router) backend(ctx context.Context, n int) sandbox.Backend {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.usable) <= n && len(r.left) > 0 {
		c := r.left[0]()
		r.left = r.left[1:]
		report := r.cache.probe(ctx, c)
		if report.Usable {
			r.usable = append(r.usable, c.backend)
		} else {
			r.reasons = append(r.reasons, fmt.Sprintf("%s: %s (%s)", c.name, report.Reason, report.Advice))
		}
	}
	if n < len(r.usable) {
		return r.usable[n]
	}
	return nil
}

// Gaps are those of the preferred backend.
func (r *router) Gaps() []string { return sandbox.Gaps(r.backend(context.Background(), 0)) }

// Name is that of the preferred backend.
func (r *router) Name() string {
	if b := r.backend(context.Background(), 0); b != nil {
		return b.Name()
	}
	return none.Backend{}.Name()
}

// Keep implements sandbox.Keeper: placeholders stay for the session instead of coming and going with each command.
func (r *router) Keep(plan filesystem.Plan) (release func(), err error) {
	if plan.Unconfined || r.backend(context.Background(), 0) == nil {
		return func() {}, nil
	}
	_, hold, err := r.registry.Prepare(plan)
	if err != nil {
		return nil, err
	}
	if len(hold.Paths()) > 0 && r.guard != nil {
		_ = r.guard.Start(r.registry, r.executable) // without it leftovers of a kill wait for the next start
	}
	return hold.Release, nil
}

// setupTries bounds how often a set-up that failed is tried.
const setupTries = 3

// Start gives spec to the first backend that can enforce its plan.
func (r *router) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	if spec.Plan.Unconfined {
		return start(ctx, none.Backend{}, spec)
	}
	var refusals []error
	for n := 0; ; n++ {
		b := r.backend(ctx, n)
		if b == nil && n == 0 {
			return nil, r.unavailable()
		}
		if b == nil {
			return nil, errors.Join(refusals...)
		}
		p, err := start(ctx, b, spec)
		// Another user's placeholder in a shared root may go between the look and the mount: nothing ran, so look again.
		for try := 1; try < setupTries && errors.Is(err, sandbox.ErrSetup) && ctx.Err() == nil; try++ {
			p, err = start(ctx, b, spec)
		}
		if err == nil || !errors.Is(err, sandbox.ErrUnsupported) {
			return p, err
		}
		refusals = append(refusals, fmt.Errorf("%s: %w", b.Name(), err))
	}
}

func start(ctx context.Context, b sandbox.Backend, spec sandbox.Spec) (sandbox.Process, error) {
	p, err := b.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	return named{p, b.Name()}, nil
}

// named is a process whose result tells which backend ran it.
type named struct {
	sandbox.Process
	backend string
}

func (p named) Wait() sandbox.Result {
	r := p.Process.Wait()
	r.Backend = p.backend
	return r
}

// Resize implements sandbox.Resizer.
func (p named) Resize(rows, cols uint16) error {
	if r, ok := p.Process.(sandbox.Resizer); ok {
		return r.Resize(rows, cols)
	}
	return errors.New("resize process: its backend cannot")
}

func (r *router) unavailable() error {
	return fmt.Errorf("%w: %s", sandbox.ErrUnavailable, strings.Join(r.reasons, "; "))
}
