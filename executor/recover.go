package executor

import (
	"context"
	"fmt"

	"proctor/event"
)

// Load folds a session out of the ledger. The State is nil when it has no events.
func Load(ctx context.Context, r event.Reader, session string) (*State, error) {
	const page = 512
	var st State
	for from := uint64(1); ; from = st.Last + 1 {
		entries, err := r.Session(ctx, session, from, page)
		if err != nil {
			return nil, fmt.Errorf("read session %s: %w", session, err)
		}
		for _, e := range entries {
			if e.Event == nil {
				return nil, fmt.Errorf("session %s, event %d: kind %s is not known to this version", session, e.SessionSeq, e.Kind)
			}
			ev := *e.Event
			ev.Seq = e.SessionSeq
			st = Fold(st, &ev)
		}
		if len(entries) < page {
			break
		}
	}
	if st.Last == 0 {
		return nil, nil
	}
	return &st, nil
}

// Recover closes a session whose process is gone: each call that was started and
// has no result gets one with status interrupted, each approval that nobody answered ends as aborted, then session_closed
// says so. Only
// who claims the session may call it (see ledger.Claim), which proves that no other
// process writes it. It returns the ids of the interrupted calls.
func Recover(ctx context.Context, st *State, stream *event.Stream) ([]string, error) {
	var drafts []event.Draft
	for i, o := range st.open {
		drafts = append(drafts, event.Draft{
			Turn: o.turn, Call: o.call, Cause: o.started, Actor: event.System,
			Payload: &event.ToolResultPayload{
				ResultSeq: st.Results + int64(i) + 1, ToolName: o.payload.ToolName, ToolNamespace: namespace,
				CallID: o.call, AgentName: mainAgent, Status: Interrupted, Digest: o.payload.Digest,
				Output: event.Secret(interruptedText), Sandbox: o.payload.Backend, Mode: o.payload.Mode,
			},
		})
	}
	drafts = append(drafts, st.abandoned(stream.Now(), st.Results+int64(len(st.open))+1)...)
	if st.Turn != "" {
		drafts = append(drafts, event.Draft{Turn: st.Turn, Actor: event.System, Payload: &event.TurnCompletedPayload{
			Status: Interrupted, Thread: st.Usage, Error: event.Secret("the process that ran the turn ended without closing it"),
		}})
	}
	counts := st.Counts
	for _, d := range drafts {
		counts[d.Payload.Kind()]++
	}
	drafts = append(drafts, event.Draft{Actor: event.System, Payload: &event.SessionClosedPayload{
		Reason: "recovered", Events: st.Last + uint64(len(drafts)) + 1, Counts: counts, OpenCalls: st.OpenCalls(),
	}})
	if _, err := stream.Record(ctx, drafts...); err != nil {
		return nil, fmt.Errorf("close session %s: %w", st.Session, err)
	}
	return st.OpenCalls(), nil
}
