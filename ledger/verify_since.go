package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// verifiedFile holds a [Verified], beside the evidence.
const verifiedFile = "verified"

// Verified is how far a verification came that found no error: a hint for the next one, and no evidence. Whoever can write the file
// can have a later verification leave out entries; that these are the ones that were signed is checked each time.
type Verified struct {
	V          int       `json:"v"`
	Time       time.Time `json:"time"`
	Checkpoint string    `json:"checkpoint"` // signed note
	// Full is when everything was read last, and FullEntries how many entries that were.
	Full        time.Time `json:"full"`
	FullEntries uint64    `json:"full_entries"`
}

const verifiedVersion = 1

// LastVerified reads what [Ledger.Remember] wrote; nil when there is nothing.
func (l *Ledger) LastVerified() (*Verified, error) {
	path := l.opts.FS.PathJoin(l.dir, verifiedFile)
	b, err := readFile(l.opts.FS, path, maxLogLine)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var last Verified
	if err == nil {
		err = json.Unmarshal(b, &last)
	}
	if err == nil && last.V != verifiedVersion {
		err = fmt.Errorf("version %d, this program knows %d", last.V, verifiedVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the last verification came, %q: %w", path, err)
	}
	return &last, nil
}

// Remember keeps how far a verification came. A report with errors, without a checkpoint, or of VerifyOptions.Quick is not remembered.
func (l *Ledger) Remember(r Report, last *Verified) error {
	if !r.OK || r.verified == "" || len(r.Unchecked) > 0 {
		return nil
	}
	now := l.opts.Now().UTC().Truncate(time.Second)
	next := Verified{V: verifiedVersion, Time: now, Checkpoint: r.verified, Full: now, FullEntries: r.Entries}
	if r.Since > 0 && last != nil {
		next.Full, next.FullEntries = last.Full, last.FullEntries
	}
	text, err := json.Marshal(next)
	if err == nil {
		err = writeFile(l.opts.FS, l.opts.FS.PathJoin(l.dir, verifiedFile), string(text)+"\n", false)
	}
	if err != nil {
		return fmt.Errorf("remember how far the verification came: %w", err)
	}
	return nil
}

// resume begins the walk at the checkpoint of VerifyOptions.Since: the tree below it, as its tiles tell, must be what was signed. It is
// false when there is nothing to go on from.
func (v *verifier) resume() bool {
	c, err := v.keys.resume(v)
	if err == nil && c.Size > v.head.Size {
		v.add(SeverityError, Finding{Code: CodeCheckpointAhead, Message: fmt.Sprintf("%d entries were verified before, only %d are stored: entries were cut off, or an old copy was put back", c.Size, v.head.Size)})
		return false
	}
	if err == nil {
		v.tree, err = v.l.loadFrontier(c.Size)
	}
	if root := v.tree.root(); err == nil && root != c.Root {
		err = fmt.Errorf("the tree below has root %s, it names %s", root, c.Root)
	}
	if err != nil {
		v.add(SeverityError, Finding{Code: CodeCheckpointFork, Message: fmt.Sprintf("the ledger does not go on from the checkpoint of %d entries that was verified before: %v; verify all of it", c.Size, err)})
		return false
	}
	v.since, v.report.Since, v.report.verified = c.Size, c.Size, c.Note
	v.report.Checkpoints, v.report.Newest = 1, c.Size // that one
	if e, err := v.decoder.at(event.Seq(c.Size - 1)); err == nil {
		v.received = e.Received
	}
	holds, err := loadHolds(v.l.db)
	if err != nil {
		return true // keeping names it
	}
	for name, index := range holds {
		if uint64(index) < v.since {
			v.kept.held[name] = index
		}
	}
	return true
}

// resume follows the rotations below the checkpoint by their entries, and opens it with the key then in force.
func (w *keyWalk) resume(v *verifier) (Checkpoint, error) {
	_, t, err := parseCheckpoint(v.opts.Since)
	if err != nil {
		return Checkpoint{}, err
	}
	if t.Size == 0 {
		return Checkpoint{}, errors.New("it covers no entry")
	}
	chain, err := loadChain(v.l.db)
	if err != nil {
		return Checkpoint{Tree: t}, err
	}
	for _, r := range chain {
		if uint64(r.index) >= t.Size {
			break
		}
		e, err := v.decoder.at(r.index)
		if err != nil {
			return Checkpoint{Tree: t}, err
		}
		w.note(v, r.index, entryHead{ID: e.ID, Session: e.Session}, e.Event)
		w.leaving = nil // the checkpoint, or one before, was signed by both
	}
	c, err := openCheckpoint(v.opts.Since, w.force)
	if err != nil {
		c.Tree = t
	}
	return c, err
}

// recall reads what a session told before the walk began. What is wrong there was found before, or is found when all is verified.
func (v *verifier) recall(st *story, name string, number uint64) error {
	it, err := v.l.db.NewIter(&pebble.IterOptions{LowerBound: sessionKey(prefixSession, name, 0), UpperBound: sessionKey(prefixSession, name, number)})
	if err != nil {
		return err
	}
	defer it.Close()
	quiet := findings{&Report{Counts: map[Severity]int{}}, 0}
	for it.First(); it.Valid(); it.Next() {
		if len(it.Value()) != 8 {
			return fmt.Errorf("index key %x: %w", it.Key(), ErrDamaged)
		}
		index := binary.BigEndian.Uint64(it.Value())
		raw, err := v.decoder.entries.find(numberKey(prefixEntry, index))
		if err != nil {
			return err
		}
		s, err := parseEntry(raw)
		if err != nil {
			return err
		}
		h, e, _, err := decodePublic(s.public)
		if err != nil {
			return err
		}
		if st.last == 0 {
			st.first = event.Seq(index)
		}
		quiet.number(st, event.Seq(index), s, h)
		quiet.tell(st, event.Seq(index), s, h, e)
	}
	return it.Error()
}

// told are the sessions that the walk met, and those that it heard were erased.
func (v *verifier) told() map[string]bool {
	names := map[string]bool{}
	for name := range maps.Keys(v.sessions) {
		names[name] = true
	}
	for name := range maps.Keys(v.kept.erased) {
		names[name] = true
	}
	return names
}

// entriesFrom are the keys of the entries from an index on, also what is no entry's key.
func entriesFrom(index uint64) *pebble.IterOptions {
	o := &pebble.IterOptions{LowerBound: []byte{prefixEntry}, UpperBound: []byte{prefixEntry + 1}}
	if index > 0 {
		o.LowerBound = numberKey(prefixEntry, min(index, math.MaxInt64))
	}
	return o
}
