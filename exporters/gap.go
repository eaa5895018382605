package exporters

import (
	"context"
	"strings"
	"time"

	"proctor/event"
)

// maxMessage bounds what a receiver's words take of an event, in bytes.
const maxMessage = 512

// outage is a time in which the destination accepted nothing.
type outage struct {
	from  event.Seq
	since time.Time // zero: none
	told  bool
}

// unreachable notes a failed attempt and reports an outage once it has lasted.
func (e *Exporter) unreachable(ctx context.Context, err error) {
	if e.outage.since.IsZero() {
		e.outage = outage{from: e.next, since: e.opts.Now()}
	}
	if e.outage.told || e.opts.Now().Sub(e.outage.since) < e.opts.OutageAfter {
		return
	}
	e.outage.told = true
	e.report(ctx, &event.ExportGapPayload{From: e.next, To: e.read - 1, Reason: "unreachable", Message: err.Error()})
}

// recovered ends an outage. What the ledger has by now arrives late.
func (e *Exporter) recovered(ctx context.Context) {
	o := e.outage
	e.outage, e.failures, e.barred = outage{}, 0, time.Time{}
	if !o.told {
		return
	}
	to := e.read - 1
	if head, err := e.opts.Head(ctx); err == nil && head > 0 {
		to = head - 1
	}
	e.report(ctx, &event.ExportGapPayload{From: o.from, To: to, Reason: "recovered", Lasted: e.opts.Now().Sub(o.since).Milliseconds()})
}

// gap reports records of the batch that the destination will never have.
func (e *Exporter) gap(ctx context.Context, reason string, rejected int64, message string) {
	p := &event.ExportGapPayload{From: e.next, To: e.read - 1, Rejected: rejected, Reason: reason, Message: message}
	if !e.others {
		e.opts.Log.Warn("destination refuses reports of gaps", "destination", e.dest.Name(), "rejected", rejected, "message", bounded(message))
		return
	}
	e.report(ctx, p)
}

func (e *Exporter) report(ctx context.Context, p *event.ExportGapPayload) {
	p.Destination, p.Signal, p.Message = e.dest.Name(), e.dest.Signal(), bounded(p.Message)
	e.opts.Log.Warn("export gap", "destination", p.Destination, "reason", p.Reason, "from", p.From, "to", p.To, "rejected", p.Rejected, "message", p.Message)
	if e.opts.Gap == nil {
		return
	}
	if err := e.opts.Gap(ctx, p); err != nil {
		e.opts.Log.Error("cannot record an export gap", "destination", p.Destination, "from", p.From, "to", p.To, "error", err)
	}
}

func bounded(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
