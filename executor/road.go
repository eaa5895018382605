package executor

import (
	"context"
	"errors"
	"sync"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

// Network makes the road of each command whose plan says that its network is proxied.
type Network interface {
	Road(r Road) *sandbox.Proxy
}

// Road is whose connections come over it.
type Road struct {
	Turn, Call string
	// Cause is the proctor.exec_started of the call.
	Cause event.ID
	// Action is what runs.
	Action event.Action
	// Block is told in one sentence of each destination that was refused; end asks that the command ends.
	Block func(why string, end bool)
}

// roaded is a backend whose proxied commands have a road.
type roaded struct {
	sandbox.Backend
	network Network
	road    Road
	tell    func(string)
}

// Start implements sandbox.Backend.
func (b roaded) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	if spec.Plan.Network != filesystem.NetworkProxied {
		return b.Backend.Start(ctx, spec)
	}
	ctx, cancel := context.WithCancel(ctx)
	t := &travelled{cancel: cancel, tell: b.tell}
	b.road.Block = t.block
	spec.Proxy = b.network.Road(b.road)
	p, err := b.Backend.Start(ctx, spec)
	if err != nil {
		cancel()
		return nil, err
	}
	t.Process = p
	return t, nil
}

// maxBlocked bounds the destinations that a result names.
const maxBlocked = 16

// travelled is a process with a road, whose result names the destinations that were refused to it.
type travelled struct {
	sandbox.Process
	cancel context.CancelFunc
	tell   func(string)

	mu      sync.Mutex // guards the fields below
	blocked []string
	more    int
	ended   string
}

func (t *travelled) block(why string, end bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.blocked {
		if known == why {
			return
		}
	}
	if len(t.blocked) < maxBlocked {
		t.blocked = append(t.blocked, why)
		t.tell(why)
	} else {
		t.more++
	}
	if end && t.ended == "" {
		t.ended = why
		t.cancel()
	}
}

// Wait implements sandbox.Process.
func (t *travelled) Wait() sandbox.Result {
	r := t.Process.Wait()
	t.cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Blocked, r.BlockedMore, r.EndedBy = append([]string(nil), t.blocked...), t.more, t.ended
	return r
}

// Resize implements sandbox.Resizer.
func (t *travelled) Resize(rows, cols uint16) error {
	if r, ok := t.Process.(sandbox.Resizer); ok {
		return r.Resize(rows, cols)
	}
	return errors.New("resize process: its backend cannot")
}
