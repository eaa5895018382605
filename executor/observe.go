package executor

import (
	"context"
	"fmt"
	"sync"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

const (
	// chunkSize bounds the output in one proctor.exec_output, in bytes.
	chunkSize = 32 << 10
	// maxKept bounds the output kept of one call, in bytes; the command runs on, the cut is marked.
	maxKept = 1 << 20
)

// observer turns what a running action does into events. It lives until the
// action has ended, which for a background process is after its call.
type observer struct {
	s             *Session
	turn          string
	call          tool.Call
	cause         event.ID
	backend, mode string
	digest        event.Hash
	item          Item
	origin        string // of an MCP server, see serverOrigin

	mu      sync.Mutex // guards the fields below
	kept    int64
	lost    map[sandbox.Stream]int64 // bytes that are no longer kept
	offsets map[sandbox.Stream]int64 // in what is recorded
	filters map[sandbox.Stream]event.Filter
	denials int   // refused calls
	told    int   // events about them
	err     error // the record is lost
}

// Output implements tool.Observer.
func (o *observer) Output(stream sandbox.Stream, p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.offsets == nil {
		o.offsets, o.filters = map[sandbox.Stream]int64{}, map[sandbox.Stream]event.Filter{}
	}
	if o.filters[stream] == nil {
		o.filters[stream] = o.s.stream.Filter("chunk")
	}
	if o.kept >= maxKept { // nothing more is looked at
		o.lose(stream, len(p))
		return
	}
	text, removals := o.filters[stream].Write(string(p))
	o.keep(stream, text, removals)
}

// keep publishes output in pieces. It is called with the lock held.
func (o *observer) keep(stream sandbox.Stream, p string, removals []event.Removal) {
	for len(p) > 0 && o.err == nil {
		if o.kept >= maxKept {
			o.lose(stream, len(p))
			return
		}
		n := min(len(p), chunkSize, int(maxKept-o.kept))
		o.publish(event.Executor, &event.ExecOutputPayload{Stream: string(stream), Offset: o.offsets[stream], Chunk: event.Secret(p[:n])}, removals...)
		removals = nil
		o.kept += int64(n)
		o.offsets[stream] += int64(n)
		p = p[n:]
	}
}

func (o *observer) lose(stream sandbox.Stream, n int) {
	if o.lost == nil {
		o.lost = map[sandbox.Stream]int64{}
	}
	o.lost[stream] += int64(n)
}

// marks publishes what was held back, and tells, once the action has ended, how much output was not kept. It is called with the lock held.
func (o *observer) marks() {
	for _, stream := range []sandbox.Stream{sandbox.Stdout, sandbox.Stderr} {
		if f := o.filters[stream]; f != nil {
			text, removals := f.Flush()
			o.keep(stream, text, removals)
		}
		if n := o.lost[stream]; n > 0 {
			o.publish(event.Executor, &event.ExecOutputPayload{Stream: string(stream), Offset: o.offsets[stream], Omitted: n})
		}
	}
	o.lost = nil
}

// Denied implements tool.Observer.
func (o *observer) Denied(d sandbox.Denial) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.denials += max(1, d.Count)
	o.told++
	o.publish(event.Sandbox, &event.SandboxDenialPayload{
		Backend: o.backend, Syscall: d.Syscall, Access: d.Access, Path: clip(d.Path, 4096), Address: clip(d.Address, maxLabel),
		Rule: d.Rule, Program: d.Program, PID: d.PID, Errno: int(d.Errno), Count: d.Count, Exact: true,
	})
	if o.told <= maxDenialsShown {
		o.s.progress.Denied(fmt.Sprintf("%s %s %s%s, rule %s, by %s in %s", d.Syscall, d.Access, d.Path, d.Address, d.Rule, d.Program, o.call.ID))
	}
}

// maxDenialsShown bounds what people see of one call; the ledger has more.
const maxDenialsShown = 10

// Changed implements tool.Observer.
func (o *observer) Changed(c event.FileChangePayload) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.publish(event.Executor, &c)
}

// Ended implements tool.Observer: a process that went to the background has ended.
func (o *observer) Ended(r tool.Result) {
	status := Completed
	if !r.Success {
		status = Interrupted
	}
	payload := o.payload(r, status)
	o.mu.Lock()
	o.publish(o.s.actor, payload)
	o.mu.Unlock()
	o.s.setOpen(o.call.ID, false)
	o.show(r, status)
}

// publish is called with the lock held. A lost record is remembered: the call fails with it.
func (o *observer) publish(actor event.Actor, p event.Payload, removals ...event.Removal) {
	if o.err != nil {
		return
	}
	o.err = o.s.stream.PublishAnyway(context.Background(), event.Draft{Turn: o.turn, Call: o.call.ID, Cause: o.cause, Actor: actor, Payload: p, Removals: removals})
}

func (o *observer) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func (o *observer) payload(r tool.Result, status string) *event.ToolResultPayload {
	o.mu.Lock()
	defer o.mu.Unlock()
	if status != Running {
		o.marks()
	}
	ns := o.call.Namespace
	if ns == "" {
		ns = namespace
	}
	backend := o.backend
	if r.Backend != "" {
		backend = r.Backend // another than announced, when that one cannot enforce the plan
	}
	return &event.ToolResultPayload{
		ResultSeq: o.s.nextResult(), ToolName: o.call.Name, ToolNamespace: ns, CallID: o.call.ID,
		Duration: r.Duration.Milliseconds(), Success: r.Success, OutputTruncated: r.Truncated, AgentName: o.s.agentName(),
		Output: event.Secret(clip(r.Output, maxKept)), Status: status, ExitCode: r.ExitCode, Denials: max(o.denials, r.Denials),
		DenialsDropped: r.DenialsDropped, ChangesOmitted: r.ChangesOmitted,
		Digest: o.digest, Sandbox: backend, Mode: o.mode, Exact: r.Exact,
		MCPServer: o.item.Server, MCPServerOrigin: o.origin,
	}
}

// show completes the item of the call.
func (o *observer) show(r tool.Result, status string) {
	i := o.item
	if i.Type == "" {
		return
	}
	i.Status = completed
	if status != Completed || !r.Success || (r.ExitCode != nil && *r.ExitCode != 0) {
		i.Status = failed
	}
	i.Output, i.ExitCode, i.Millis, i.Result = r.Aggregated, r.ExitCode, r.Duration.Milliseconds(), r.Output
	if r.Unanswered {
		i.Result, i.Error = "", r.Output
	}
	if len(r.Changes) > 0 {
		i.Changes = r.Changes
	}
	o.s.progress.completed(i)
}
