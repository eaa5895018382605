package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// Search calls f with the entries that fit a query, in their order, until f fails. Where the index has a run, only what it
// leads to is read; what it lacks, at least the newest entries, is read in full. It covers what was durable when it began.
func (l *Ledger) Search(ctx context.Context, q Query, f func(event.Entry) error) error {
	if err := l.begin(); err != nil {
		return err
	}
	defer l.end()
	s := &search{l: l, query: q, each: f, size: l.Tree().Size, decoder: l.newDecoder()}
	err := s.decoder.readAhead()
	if err == nil {
		err = s.open()
	}
	if err == nil {
		err = s.run(ctx)
	}
	return errors.Join(err, s.close(), s.decoder.close())
}

type search struct {
	l       *Ledger
	query   Query
	each    func(event.Entry) error
	size    uint64
	decoder *decoder
	runs    *pebble.Iterator
	terms   []*termIterator // an entry must be in all of them
	many    *termIterator   // or in this one
}

// termIterator leads from run to run to the entries with one term.
type termIterator struct {
	*pebble.Iterator
	hash  termHash
	valid bool
}

func (s *search) open() (err error) {
	if s.runs, err = s.l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRun}, UpperBound: []byte{prefixRun + 1}}); err != nil {
		return err
	}
	for _, c := range s.query {
		if c.Op != "=" || c.Field == fieldTime {
			continue
		}
		t, err := s.term(Term{c.Field, c.Value})
		if err != nil {
			return err
		}
		s.terms = append(s.terms, t)
	}
	s.many, err = s.term(manyTerms)
	return err
}

func (s *search) term(t Term) (*termIterator, error) {
	h := s.l.keys.hash(t)
	lower := appendTermKey(nil, h, 0)
	upper := append(slices.Clone(lower[:1+termSize]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	it, err := s.l.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	return &termIterator{it, h, it.First()}, nil
}

func (s *search) close() (err error) {
	for _, t := range s.terms {
		err = errors.Join(err, t.Close())
	}
	if s.many != nil {
		err = errors.Join(err, s.many.Close())
	}
	if s.runs != nil {
		err = errors.Join(err, s.runs.Close())
	}
	return err
}

func (s *search) run(ctx context.Context) error {
	there := s.runs.First()
	for first := uint64(0); first < s.size; first += runEntries {
		if err := ctx.Err(); err != nil {
			return err
		}
		run := first / runEntries
		var meta runMeta
		indexed := there && string(s.runs.Key()) == string(numberKey(prefixRun, run))
		if indexed {
			meta, indexed = parseRunMeta(s.runs.Value())
			there = s.runs.Next()
		}
		var err error
		switch {
		case !indexed || len(s.terms) == 0 && !s.query.excludes(meta):
			err = s.scan(ctx, first, min(first+runEntries, s.size))
		case s.query.excludes(meta):
		default:
			err = s.follow(run)
		}
		if err != nil {
			return err
		}
	}
	return s.runs.Error()
}

// follow reads the entries of one run that the index leads to.
func (s *search) follow(run uint64) error {
	var offsets []uint64
	for i, t := range s.terms {
		found, err := t.at(run)
		if err != nil {
			return err
		}
		if i == 0 {
			offsets = found
		} else {
			offsets = slices.DeleteFunc(offsets, func(o uint64) bool { _, ok := slices.BinarySearch(found, o); return !ok })
		}
		if len(offsets) == 0 {
			break
		}
	}
	many, err := s.many.at(run)
	if err != nil {
		return err
	}
	if len(many) > 0 {
		offsets = append(offsets, many...)
		slices.Sort(offsets)
		offsets = slices.Compact(offsets)
	}
	for _, o := range offsets {
		index := run*runEntries + o
		if o >= runEntries || index >= s.size {
			continue // what the index says is not trusted
		}
		e, err := s.decoder.at(event.Seq(index))
		if err != nil {
			return err
		}
		if err := s.offer(e); err != nil {
			return err
		}
	}
	return nil
}

// at is where in a run the term occurs. Runs are asked for in their order.
func (t *termIterator) at(run uint64) ([]uint64, error) {
	for t.valid {
		have := binary.BigEndian.Uint64(t.Key()[1+termSize:])
		if have > run {
			return nil, nil
		}
		if have == run {
			return parsePostings(t.Value()), nil
		}
		t.valid = t.SeekGE(appendTermKey(nil, t.hash, run))
	}
	return nil, t.Error()
}

// parsePostings stops at what is no posting.
func parsePostings(b []byte) (offsets []uint64) {
	var at uint64
	for len(b) > 0 && len(offsets) < runEntries {
		d, n := binary.Uvarint(b)
		if n <= 0 || d >= runEntries {
			break
		}
		at += d
		offsets = append(offsets, at)
		b = b[n:]
	}
	return offsets
}

// scan reads entries one by one, and decodes only those that may fit.
func (s *search) scan(ctx context.Context, from, to uint64) error {
	it, err := s.l.db.NewIter(&pebble.IterOptions{LowerBound: numberKey(prefixEntry, from), UpperBound: numberKey(prefixEntry, to)})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.query.rejects(it.Value()) {
			from++
			continue
		}
		e, _, err := s.decoder.entry(event.Seq(from), it.Value())
		if err == nil {
			err = s.offer(e)
		}
		if err != nil {
			return err
		}
		from++
	}
	if err = it.Error(); err == nil && from != to {
		err = fmt.Errorf("entry %d is missing: %w", from, ErrDamaged)
	}
	return err
}

func (s *search) offer(e event.Entry) error {
	if !s.query.matches(e) {
		return nil
	}
	return s.each(e)
}
