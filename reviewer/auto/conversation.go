package auto

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"

	"proctor/event"
	"proctor/reviewer"
)

const (
	// maxTrunk bounds a conversation that is gone on with, in bytes; a longer one is begun anew.
	maxTrunk = 384 << 10
	// maxTrunks bounds the sessions whose conversation is kept; the one that was used longest ago is dropped.
	maxTrunks = 32
)

// trunk is the conversation of one session as the last completed review left it. It is never changed, only replaced.
type trunk struct {
	config   [sha256.Size]byte
	messages []Message
	size     int
	seen     cursor
}

// trunks are the conversations by session.
type trunks struct {
	mu    sync.Mutex
	kept  map[string]*trunk // nil while the first review of a session is under way
	busy  map[string]bool
	order []string // sessions, the one used last at the end
}

// lease is what one review goes on from.
type lease struct {
	kind   string // reviewer.TrunkNew, TrunkReused or EphemeralForked
	before []Message
	size   int
	seen   cursor
	config [sha256.Size]byte
}

// take gives the conversation of a session to one review at a time; any other gets a copy of its last state, or begins anew.
func (t *trunks) take(session string, config [sha256.Size]byte, transcript []event.TranscriptEntry) lease {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := lease{kind: reviewer.EphemeralForked, config: config}
	if !t.busy[session] {
		l.kind = reviewer.TrunkNew
		t.use(session)
	}
	have := t.kept[session]
	if have == nil || have.config != config || have.size > maxTrunk || !have.seen.leads(transcript) {
		return l
	}
	if l.kind == reviewer.TrunkNew {
		l.kind = reviewer.TrunkReused
	}
	l.before, l.size, l.seen = have.messages, have.size, have.seen
	return l
}

// give ends a lease. Without messages the review has failed, and the conversation with it.
func (t *trunks) give(session string, l lease, messages []Message, seen cursor) {
	if l.kind == reviewer.EphemeralForked {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, session)
	if len(messages) == 0 || !slices.Contains(t.order, session) { // failed, or dropped for others meanwhile
		delete(t.kept, session)
		return
	}
	next := &trunk{config: l.config, messages: messages, size: l.size, seen: seen}
	for _, m := range messages[len(l.before):] {
		next.size += m.size()
	}
	t.kept[session] = next
}

// use marks a session as the one used last and drops what is too much.
func (t *trunks) use(session string) {
	if t.kept == nil {
		t.kept, t.busy = map[string]*trunk{}, map[string]bool{}
	}
	t.busy[session] = true
	if i := slices.Index(t.order, session); i >= 0 {
		t.order = slices.Delete(t.order, i, i+1)
	}
	t.order = append(t.order, session)
	if len(t.order) > maxTrunks {
		delete(t.kept, t.order[0])
		t.order = slices.Delete(t.order, 0, 1)
	}
}

func (m Message) size() int {
	n := len(m.Text)
	for _, t := range m.Texts {
		n += len(t)
	}
	for _, i := range slices.Concat(m.Items, m.Parts) {
		n += len(i)
	}
	return n
}

// configOf names everything that a conversation was begun with.
func (r *Reviewer) configOf(c event.ReviewContext) [sha256.Size]byte {
	c.Transcript, c.Omitted, c.RetryReason, c.Descriptions = nil, 0, "", "" // of one review
	text, err := json.Marshal([]any{r.opts.Model, r.opts.Effort, r.instructions, r.tools, c})
	if err != nil { // unreachable: strings always have a JSON form
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
}
