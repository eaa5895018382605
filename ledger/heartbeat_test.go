package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// TestHeartbeatsTellRunningFromLost: what is silent for two heartbeats was lost or stood still; what is not, runs.
func TestHeartbeatsTellRunningFromLost(t *testing.T) {
	now := clock()
	o := memory(vfs.NewMem())
	o.Now = func() time.Time { return now }
	l := openTest(t, "ledger", o)
	beat := func(seq uint64) *event.Event {
		return newEvent("s", seq, "", &event.SessionHeartbeatPayload{Every: (20 * time.Minute).Milliseconds(), Events: seq,
			Counts: map[event.Kind]uint64{event.ConversationStarts: 1, event.SessionHeartbeat: seq - 2}})
	}
	appendTest(t, l, supervised("s")[0])
	now = now.Add(20 * time.Minute)
	first := beat(2)
	appendTest(t, l, first)
	has := func(r Report, code string, id event.ID) bool {
		return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == code && f.ID == id && f.Session == "s" })
	}
	now = now.Add(39 * time.Minute)
	if r := mustBeGreen(t, l); !has(r, CodeSessionOpen, first.ID) || has(r, CodeHeartbeatOverdue, first.ID) {
		t.Errorf("within two heartbeats: %s", show(r))
	}
	now = now.Add(2 * time.Minute)
	if r := mustBeGreen(t, l); !has(r, CodeSessionUnclosed, first.ID) || !has(r, CodeHeartbeatOverdue, first.ID) {
		t.Errorf("after two heartbeats: %s", show(r))
	}
	second := beat(3)
	appendTest(t, l, second)
	if r := mustBeGreen(t, l); !has(r, CodeSessionOpen, second.ID) || !has(r, CodeHeartbeatOverdue, second.ID) {
		t.Errorf("it goes on after a silence: %s", show(r))
	}
}
