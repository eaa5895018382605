package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A lease says which ledger node takes a partition in. It is a value in the cluster that its holder replaces again and again; each
// replacement names the revision it replaces, so there is one holder, and its first revision is the epoch of its reign. Nobody's
// clock is compared with another's: a node takes over what it saw unchanged for the length of a lease.
const leaseBucket = "proctor-nodes"

// holder is the value of a lease. Nobody holds it when Node is empty.
type holder struct {
	Node   string `json:"node"`
	Ledger string `json:"ledger"` // its public key
	Turn   uint64 `json:"turn"`   // changes with every replacement
}

// leases are those of one node.
type leases struct {
	kv  jetstream.KeyValue
	me  holder
	ttl time.Duration
}

func (c *cluster) leases(ctx context.Context, o NodeOptions) (*leases, error) {
	l := &leases{me: holder{Node: o.Name, Ledger: o.Identity}, ttl: o.Lease}
	return l, c.insist(ctx, func(ctx context.Context) (err error) {
		l.kv, err = c.js.KeyValue(ctx, leaseBucket)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			l.kv, err = c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket: leaseBucket, Description: "which ledger node of proctor takes which partition in", Replicas: c.opts.Replicas, History: 1,
				Storage: jetstream.FileStorage,
			})
		}
		return err
	})
}

// lease is one that is held.
type lease struct {
	l        *leases
	key      string
	epoch    uint64
	revision uint64
	renewed  time.Time // when the newest renewal that worked was begun
}

// take waits until the lease of a partition is this node's. One that is not at home here is left to others for longer. It says who has
// the lease meanwhile, or that it cannot be read or written, once for each.
func (l *leases) take(ctx context.Context, partition int, home bool, say func(text string)) (*lease, error) {
	key := "partition." + strconv.Itoa(partition)
	patience := l.ttl
	if !home {
		patience *= 3
	}
	var seen uint64
	var said string
	tell := func(text string) {
		if text != said {
			said = text
			say(text)
		}
	}
	since, worked := time.Now(), time.Now()
	for {
		begun := time.Now()
		h, revision, err := l.read(ctx, key)
		if err == nil {
			if revision != seen {
				seen, since = revision, begun
			}
			free := revision == 0 || h.Node == ""
			again := h.Node == l.me.Node && h.Ledger == l.me.Ledger // this node before it was killed: its ledger was free to open
			if free && home || again || begun.Sub(since) >= patience {
				var next uint64
				if next, err = l.replace(ctx, key, l.me, revision); err == nil {
					return &lease{l, key, next, next, begun}, nil
				}
			} else if !free {
				tell(fmt.Sprintf("node %q has it; standing by", h.Node))
			}
		}
		switch {
		case err == nil:
			worked = begun
		case begun.Sub(worked) >= patience && ctx.Err() == nil:
			tell(fmt.Sprintf("nobody can be asked for its lease: %v; trying on", err))
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(l.ttl / 10):
		}
	}
}

func (l *leases) read(ctx context.Context, key string) (h holder, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	entry, err := l.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return h, 0, nil
	}
	if err != nil {
		return h, 0, err
	}
	if err := json.Unmarshal(entry.Value(), &h); err != nil {
		return h, 0, fmt.Errorf("lease %s: %w", key, err)
	}
	return h, entry.Revision(), nil
}

// replace writes a lease if it still has a revision, 0 for none.
func (l *leases) replace(ctx context.Context, key string, h holder, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, min(answerWithin, l.ttl/2))
	defer cancel()
	h.Turn = revision + 1
	value, err := json.Marshal(h)
	if err != nil {
		return 0, err
	}
	if revision == 0 {
		return l.kv.Create(ctx, key, value)
	}
	return l.kv.Update(ctx, key, value, revision)
}

// keep renews until ctx ends, or until the lease may be another's: an error then.
func (h *lease) keep(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(h.l.ttl / 5):
		}
		begun := time.Now()
		next, err := h.l.replace(ctx, h.key, h.l.me, h.revision)
		if err == nil {
			h.revision, h.renewed = next, begun
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		// The answer to a renewal may have been lost: then the value is this node's, with the turn that it wrote.
		if now, revision, readErr := h.l.read(ctx, h.key); readErr == nil {
			switch {
			case now.Node != h.l.me.Node || now.Ledger != h.l.me.Ledger || revision < h.epoch:
				return fmt.Errorf("lease of %s: %q has it now", h.key, now.Node)
			case now.Turn == h.revision+1:
				h.revision, h.renewed = revision, begun
				continue
			case revision != h.revision: // this node in another process
				return fmt.Errorf("lease of %s: another process of node %q has it now", h.key, now.Node)
			}
		}
		if time.Since(h.renewed) > h.l.ttl*4/5 {
			return fmt.Errorf("lease of %s could not be renewed for %s: %w", h.key, h.l.ttl*4/5, err)
		}
	}
}

// release gives it up, so that another node need not wait.
func (h *lease) release() {
	_, _ = h.l.replace(context.Background(), h.key, holder{}, h.revision) // else it runs out
}
