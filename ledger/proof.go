package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// Tree is a tree head: everything before Size, in one hash.
type Tree struct {
	Size uint64     `json:"size"`
	Root event.Hash `json:"root"`
}

// Tree returns the head of what is durable.
func (l *Ledger) Tree() Tree {
	return *l.durable.Load()
}

// RootAt computes the root of the tree's first size entries.
func (l *Ledger) RootAt(size uint64) (event.Hash, error) {
	if err := l.begin(); err != nil {
		return event.Hash{}, err
	}
	defer l.end()
	return l.rootAt(size)
}

func (l *Ledger) rootAt(size uint64) (event.Hash, error) {
	if now := l.Tree().Size; size > now {
		return event.Hash{}, fmt.Errorf("root at %d entries: the ledger has %d", size, now)
	}
	f, err := l.loadFrontier(size)
	if err != nil {
		return event.Hash{}, fmt.Errorf("root at %d entries: %w", size, err)
	}
	return f.root(), nil
}

// Inclusion proves that the entry seq is in the tree of the first size entries. The
// proof is as in RFC 6962 section 2.1.1, from the leaf upwards.
func (l *Ledger) Inclusion(ctx context.Context, seq event.Seq, size uint64) ([]event.Hash, error) {
	if now := l.Tree().Size; uint64(seq) >= size || size > now {
		return nil, fmt.Errorf("prove entry %d in a tree of %d entries: the ledger has %d", seq, size, now)
	}
	return l.prove(ctx, func(r tlog.HashReader) ([]tlog.Hash, error) {
		return tlog.ProveRecord(int64(size), int64(seq), r) //nolint:gosec // at most what the ledger has
	})
}

// Consistency proves that the tree of the first from entries is a prefix of that of the first
// to entries (RFC 6962 section 2.1.2).
func (l *Ledger) Consistency(ctx context.Context, from, to uint64) ([]event.Hash, error) {
	if now := l.Tree().Size; from < 1 || from > to || to > now {
		return nil, fmt.Errorf("prove that %d entries are a prefix of %d: the ledger has %d", from, to, now)
	}
	return l.prove(ctx, func(r tlog.HashReader) ([]tlog.Hash, error) {
		return tlog.ProveTree(int64(to), int64(from), r) //nolint:gosec // at most what the ledger has
	})
}

func (l *Ledger) prove(ctx context.Context, f func(tlog.HashReader) ([]tlog.Hash, error)) ([]event.Hash, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	proof, err := f(l.treeReader(&l.opened))
	if err != nil {
		return nil, fmt.Errorf("build proof: %w", err)
	}
	return ownHashes(proof), nil
}

func tlogHashes(proof []event.Hash) []tlog.Hash {
	hashes := make([]tlog.Hash, len(proof))
	for i, h := range proof {
		hashes[i] = tlog.Hash(h)
	}
	return hashes
}

func ownHashes(proof []tlog.Hash) []event.Hash {
	hashes := make([]event.Hash, len(proof))
	for i, h := range proof {
		hashes[i] = event.Hash(h)
	}
	return hashes
}
