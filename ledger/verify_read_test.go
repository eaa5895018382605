package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// many is a ledger with more entries than the workers of Verify hold at a time, of sessions that lie among each other.
func many(t *testing.T) (*Ledger, int) {
	t.Helper()
	l := openMem(t)
	const sessions, each = 4, 1200
	for n := 1; n <= each; n += 100 {
		for s := range sessions {
			appendTest(t, l, prompts(fmt.Sprint("s", s), n, 100)...)
		}
	}
	return l, sessions * each
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	l, _ := many(t)
	for _, quick := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		_, err := l.Verify(ctx, VerifyOptions{Quick: quick, Progress: func(uint64, uint64) { calls++; cancel() }})
		if !errors.Is(err, context.Canceled) || calls != 1 {
			t.Errorf("quick %v: %v after %d calls", quick, err, calls)
		}
		if _, err := l.Verify(ctx, VerifyOptions{Quick: quick}); !errors.Is(err, context.Canceled) {
			t.Errorf("quick %v, ended before: %v", quick, err)
		}
	}
}

// TestVerifyNamesDamageWhereverItIs changes entries and contents in many chunks, and cuts the middle out.
func TestVerifyNamesDamageWhereverItIs(t *testing.T) {
	l, size := many(t)
	want := map[event.Seq]string{}
	for at := 7; at < size; at += 311 {
		session := fmt.Sprint("s", at/100%4)
		key, code := sessionKey(prefixContent, session, uint64(at)), CodeContentDamaged
		if at%2 == 0 {
			key, code = numberKey(prefixEntry, uint64(at)), CodeEntryUnreadable
		}
		value, err := get(l.db, key)
		if err != nil || len(value) == 0 {
			t.Fatal(at, err)
		}
		value[len(value)-1] ^= 0x10
		if err := l.db.Set(key, value, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		want[event.Seq(at)] = code
	}
	r, err := l.Verify(t.Context(), VerifyOptions{MaxFindings: 10_000})
	if err != nil || r.OK {
		t.Fatal(r.OK, err)
	}
	last := event.Seq(0)
	for _, f := range r.Findings {
		if f.Seq == nil || want[*f.Seq] != f.Code {
			continue
		}
		if *f.Seq < last {
			t.Errorf("entry %d is named after entry %d", *f.Seq, last)
		}
		last = *f.Seq
		delete(want, *f.Seq)
	}
	if len(want) > 0 {
		t.Errorf("not named: %v", want)
	}

	const gone = 2000
	if err := l.db.Delete(numberKey(prefixEntry, gone), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if r, err = l.Verify(t.Context(), VerifyOptions{MaxFindings: 10_000}); err != nil || r.OK || r.Entries != gone {
		t.Fatal(r.OK, r.Entries, err)
	}
	if f := r.Findings[len(r.Findings)-1]; f.Code != CodeEntryMissing || !strings.Contains(f.Message, "entries 2000 to 2000 are missing") {
		t.Errorf("the last finding is %+v", f)
	}
}
