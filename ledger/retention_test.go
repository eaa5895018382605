package ledger

import (
	"strings"
	"testing"
	"time"
)

func TestRetentionTakesTheOldestAndLeavesHolds(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	session := func(id string, age time.Duration, bytes uint64) Stored {
		return Stored{SessionInfo: SessionInfo{ID: id, Ended: now.Add(-age), Closed: true}, Bytes: bytes}
	}
	held, open := session("held", 100*time.Hour, 50), session("open", 90*time.Hour, 10)
	held.Held, open.Closed = true, false
	all := []Stored{session("new", time.Hour, 30), session("old", 80*time.Hour, 20), held, open, session("mid", 40*time.Hour, 40)} // 150 bytes
	for _, c := range []struct {
		rule Retention
		want string
	}{
		{Retention{}, ""},
		{Retention{MaxAge: 200 * time.Hour}, ""},
		{Retention{MaxAge: 80 * time.Hour}, ""},
		{Retention{MaxAge: 79 * time.Hour}, "old"},
		{Retention{MaxAge: time.Minute}, "old mid new"},
		{Retention{MaxBytes: 150}, ""},
		{Retention{MaxBytes: 149}, "old"},
		{Retention{MaxBytes: 130}, "old"},
		{Retention{MaxBytes: 129}, "old mid"},
		{Retention{MaxBytes: 1}, "old mid new"},
		{Retention{MaxAge: 79 * time.Hour, MaxBytes: 129}, "old mid"},
	} {
		var got []string
		for _, s := range c.rule.Due(all, now) {
			got = append(got, s.ID)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%+v: %q, want %q", c.rule, s, c.want)
		}
	}
}

func TestContentsCountWhatErasingRemoves(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, supervised("a")...)
	appendTest(t, l, supervised("b")...)
	appendTest(t, l, hold("b", "case 1"))
	got, err := l.Contents(t.Context())
	if err != nil || len(got) != 2 || got[0].ID != "a" || got[0].Texts != 3 || got[0].Bytes == 0 || got[0].Held || !got[0].Closed || !got[1].Held {
		t.Fatalf("%+v %v", got, err)
	}
	eraseTest(t, l, "a")
	if got, err = l.Contents(t.Context()); err != nil || len(got) != 1 || got[0].ID != "b" {
		t.Fatalf("%+v %v", got, err)
	}
}
