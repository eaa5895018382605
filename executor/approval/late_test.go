package approval

import (
	"testing"
	"testing/synctest"
	"time"

	"proctor/event"
)

// An answer that is recorded at the moment the gate gives up: there is one answer in the record, and what it approved does not run.
func TestAnAnswerThatIsTooLateLetsNothingRun(t *testing.T) {
	for _, status := range []string{event.Approved, event.Denied} {
		for _, delivered := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				r := &reviewers{}
				g := gate(t, r)
				late := make(chan *event.ApprovalDecidedPayload, 1)
				r.answer = func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
					time.Sleep(g.opts.Deadline + grace) // the very moment
					a := says(status)(p)[0]
					if _, err := g.opts.Stream.Record(t.Context(), event.Draft{Payload: a}); err == nil {
						late <- a
					}
					if delivered {
						time.Sleep(time.Second)
						return []*event.ApprovalDecidedPayload{a}
					}
					return nil
				}
				out, err := g.Rule(t.Context(), escalation())
				r.all.Wait()
				if err != nil || out.Allowed {
					t.Errorf("%s, delivered %v: allowed %v, %v", status, delivered, out.Allowed, err)
				}
				if n := len(r.decided()); n != 1 {
					t.Errorf("%s, delivered %v: %d answers in the record", status, delivered, n)
				}
			})
		}
	}
}
