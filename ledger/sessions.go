package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// SessionInfo sums up one session.
type SessionInfo struct {
	ID          string
	First, Last event.Seq // its first and last entry
	Events      uint64    // also the number of its last event
	Started     time.Time // receive time of the first entry
	Ended       time.Time // receive time of the last entry
	Closed      bool      // the last event closed it
	Erased      bool      // content was erased
	Model       string    // from conversation_starts; empty when there was none
	Cwd         string    // likewise; empty when erased
	Originator  string    // likewise
}

// Sessions lists all sessions, the one that began last at the end. It reads a few entries of
// each and scans nothing.
func (l *Ledger) Sessions(ctx context.Context) ([]SessionInfo, error) {
	infos, _, err := l.NewestSessions(ctx, 0)
	return infos, err
}

// NewestSessions is Sessions for those that began last, and says how many there are in all. Of the others it reads the record and no entry. 0 is no
// limit.
func (l *Ledger) NewestSessions(ctx context.Context, limit int) (infos []SessionInfo, all int, err error) {
	size := l.Tree().Size
	list, err := l.begun(ctx, func(r sessionRecord) bool { return uint64(r.First) < size }) // or nothing of it is synced yet
	if err != nil {
		return nil, 0, err
	}
	if all = len(list); limit > 0 {
		list = list[max(0, all-limit):]
	}
	if err := l.begin(); err != nil {
		return nil, 0, err
	}
	defer l.end()
	for _, s := range list {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		info, err := l.info(s.name, s.sessionRecord)
		if err != nil {
			return nil, 0, fmt.Errorf("session %s: %w", s.name, err)
		}
		infos = append(infos, info)
	}
	return infos, all, nil
}

// namedRecord is the record of a session.
type namedRecord struct {
	name string
	sessionRecord
}

// begun are the sessions that are wanted by their record, the one that began first at the front.
func (l *Ledger) begun(ctx context.Context, wanted func(sessionRecord) bool) (list []namedRecord, err error) {
	err = l.eachRecord(ctx, func(name string, record sessionRecord) error {
		if wanted(record) {
			list = append(list, namedRecord{name, record})
		}
		return nil
	})
	slices.SortFunc(list, func(a, b namedRecord) int { return cmp.Compare(a.First, b.First) })
	return list, err
}

// OpenSession is a session that no event closed.
type OpenSession struct {
	ID         string
	Originator string // from its newest conversation_starts; empty when there was none
}

// OpenSessions lists the sessions that no event closed, the one that began first at the
// front. It reads the records of sessions, and an entry of those whose record lacks the originator.
func (l *Ledger) OpenSessions(ctx context.Context) ([]OpenSession, error) {
	list, err := l.begun(ctx, func(r sessionRecord) bool { return !r.Closed })
	if err == nil {
		err = l.begin()
	}
	if err != nil {
		return nil, err
	}
	defer l.end()
	d := l.newDecoder()
	open := make([]OpenSession, len(list))
	for i, s := range list {
		if open[i] = (OpenSession{s.name, s.Originator}); s.Originator != "" {
			continue
		}
		p, err := l.starts(d, s.sessionRecord)
		if err != nil {
			return nil, fmt.Errorf("session %s: %w", s.name, err)
		}
		open[i].Originator = p.Originator
	}
	return open, nil
}

// eachRecord calls f with the record of every session, in order of their names.
func (l *Ledger) eachRecord(ctx context.Context, f func(name string, record sessionRecord) error) error {
	if err := l.begin(); err != nil {
		return err
	}
	defer l.end()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRecord}, UpperBound: []byte{prefixRecord + 1}})
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := string(it.Key()[1:])
		record, err := parseRecord(name, it.Value())
		if err == nil {
			err = f(name, *record)
		}
		if err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	return nil
}

// SessionInfo returns one session, or ErrUnknownSession.
func (l *Ledger) SessionInfo(ctx context.Context, session string) (SessionInfo, error) {
	if err := ctx.Err(); err != nil {
		return SessionInfo{}, err
	}
	if err := l.begin(); err != nil {
		return SessionInfo{}, err
	}
	defer l.end()
	record, err := loadRecord(l.db, session)
	if err != nil {
		return SessionInfo{}, err
	}
	if record == nil {
		return SessionInfo{}, fmt.Errorf("session %q: %w", session, ErrUnknownSession)
	}
	info, err := l.info(session, *record)
	if err == nil && info.Events == 0 {
		err = ErrUnknownSession
	}
	if err != nil {
		return SessionInfo{}, fmt.Errorf("session %q: %w", session, err)
	}
	return info, nil
}

// LastSession returns the conversation with the newest entry; when there is none, the session
// with the newest entry; ErrUnknownSession when the ledger is empty.
func (l *Ledger) LastSession(ctx context.Context) (SessionInfo, error) {
	if size := l.Tree().Size; size > 0 { // most often the newest entry is the one looked for
		newest, err := l.Read(ctx, event.Seq(size-1), 1)
		if err != nil {
			return SessionInfo{}, err
		}
		if len(newest) == 1 {
			if info, err := l.SessionInfo(ctx, newest[0].Session); err == nil && info.Model != "" && info.Last == newest[0].Seq {
				return info, nil
			}
		}
	}
	infos, err := l.Sessions(ctx)
	if err != nil {
		return SessionInfo{}, err
	}
	if len(infos) == 0 {
		return SessionInfo{}, fmt.Errorf("last session of an empty ledger: %w", ErrUnknownSession)
	}
	newest := func(a, b SessionInfo) int {
		if talk := (a.Model != "") == (b.Model != ""); !talk {
			if a.Model != "" {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Last, b.Last)
	}
	return slices.MaxFunc(infos, newest), nil
}

// info has no events when none of the session is synced yet.
func (l *Ledger) info(name string, record sessionRecord) (SessionInfo, error) {
	d := l.newDecoder()
	number, index, err := lastBelow(l.db, name, l.Tree().Size)
	if err != nil || number == 0 {
		return SessionInfo{}, err
	}
	first, err := d.at(record.First)
	if err != nil {
		return SessionInfo{}, err
	}
	last, err := d.at(index)
	if err != nil {
		return SessionInfo{}, err
	}
	info := SessionInfo{
		ID: name, First: record.First, Last: index, Events: number, Started: first.Received, Ended: last.Received,
		Closed: last.Kind == event.SessionClosed, Erased: record.Erased > 0,
	}
	p, err := l.starts(d, record)
	if err != nil {
		return SessionInfo{}, err
	}
	info.Model, info.Originator = p.Model, p.Originator
	info.Cwd, _ = p.Cwd.Reveal()
	return info, nil
}

// starts is a session's newest conversation_starts, without anything in it when there is none.
func (l *Ledger) starts(d *decoder, record sessionRecord) (*event.ConversationStartsPayload, error) {
	none := &event.ConversationStartsPayload{}
	if record.Starts == nil || uint64(*record.Starts) >= l.Tree().Size {
		return none, nil
	}
	e, err := d.at(*record.Starts)
	if err != nil || e.Event == nil {
		return none, err
	}
	if p, ok := e.Event.Payload.(*event.ConversationStartsPayload); ok {
		return p, nil
	}
	return none, nil
}
