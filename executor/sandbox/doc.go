// Package sandbox says how a confined process is described (Spec), started
// (Backend), watched (Denial) and ended (Result), and gathers the facts that
// policy/filesystem needs to make a Plan.
//
// Start with [Plan] to get a plan, executor/sandbox/backend.Select to get a
// backend, then Backend.Start:
//
//	plan, err := sandbox.Plan(filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{dir}})
//	b, err := backend.Select(ctx, backend.Options{StateDir: state})
//	p, err := b.Start(ctx, sandbox.Spec{Argv: argv, Dir: dir, Env: env, Plan: plan, OnDenial: record})
//	result := p.Wait()
//
// Guarantees of every backend: an error from Start means that nothing was run; a plan that a backend cannot
// enforce in full is refused with [ErrUnsupported], never weakened; cancelling ctx or Kill ends everything below
// the command; when this process dies, so does the command. OnOutput is called from one goroutine at a time, and
// so is OnDenial; both are finished before Wait returns. Descriptors above 2 are not inherited.
//
// The packages below: survey (what stands in folders, within bounds), view (plan to mounts, pure), seccomp (system call tables to filter programs), denial
// (what a trapped call wanted), mountpoint (placeholders on the host and their removal), process (streams,
// terminal, start, wait), bwrap, native, landlock and none (the backends), backend (which one to use).
//
// What it does not do: limit CPU time; see hard links that existed before outside of the writable roots; judge
// destinations: a plan with a proxied network gets the sockets of Spec.Proxy and no other road. Linux only.
package sandbox
