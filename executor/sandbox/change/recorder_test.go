//go:build linux

package change

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each script is what a command does: the recorder hears of each step first, as from a supervisor.
func TestSettleTellsWhatFinallyBecame(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ steps, want string }{
		"made":                {"write new", "add new"},
		"changed":             {"write old", "update old"},
		"opened only":         {"note old", ""},
		"removed":             {"remove old", "delete old"},
		"made and removed":    {"write new; remove new", ""},
		"removed and made":    {"remove old; write old", "update old"},
		"renamed":             {"rename old new", "update old -> new"},
		"renamed twice":       {"rename old a; rename a b", "update old -> b"},
		"there and back":      {"rename old a; rename a old", ""},
		"replaced":            {"write t; rename t old", "update old"},
		"made under a name":   {"write t; rename t new", "add new"},
		"folder renamed":      {"write d/x; rename d e", "add e/x, update d -> e"},
		"outside":             {"write ../out", ""},
		"moved over another":  {"rename old other", "delete old, update other"},
		"renamed and changed": {"rename old new; write new", "update old -> new"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "w")
			do(t, os.MkdirAll(filepath.Join(dir, "d"), 0o755))
			for _, f := range []string{"old", "other"} {
				do(t, os.WriteFile(filepath.Join(dir, f), []byte("was "+f), 0o600))
			}
			r := New([]string{dir})
			for step := range strings.SplitSeq(c.steps, "; ") {
				w := strings.Fields(step)
				from := filepath.Join(dir, w[1])
				switch w[0] {
				case "rename":
					to := filepath.Join(dir, w[2])
					r.Rename(from, to, look(from), look(to))
					do(t, os.Rename(from, to))
				case "remove":
					r.Note(from, look(from))
					do(t, os.Remove(from))
				case "write":
					r.Note(from, look(from))
					do(t, os.WriteFile(from, []byte("new content"), 0o600))
				default:
					r.Note(from, look(from))
				}
			}
			list, omitted := r.Settle()
			var got []string
			for _, ch := range list {
				text := ch.Kind + " " + strings.TrimPrefix(ch.Path, dir+"/")
				if ch.MoveTo != "" {
					text += " -> " + strings.TrimPrefix(ch.MoveTo, dir+"/")
				}
				got = append(got, text)
				if info, err := os.Stat(ch.Path); err == nil && !info.IsDir() && len(ch.After) != 64 {
					t.Errorf("%s: no digest", text)
				}
				if was, known := r.before[ch.Path]; known && was.Exists && ch.Before != sum("was "+filepath.Base(ch.Path)) || !was.Exists && ch.Before != "" {
					t.Errorf("%s: digest before %q", text, ch.Before)
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" || omitted != 0 {
				t.Errorf("(-want +got), omitted %d:\n%s", omitted, diff)
			}
		})
	}
}

func TestRecorderIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := New([]string{dir})
	for i := range MaxPaths + 5 {
		r.Note(filepath.Join(dir, strings.Repeat("x", i%200), strings.Repeat("y", i/200+1)), State{})
	}
	if _, omitted := r.Settle(); omitted != 5 {
		t.Errorf("omitted %d, want 5", omitted)
	}
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// The command waits while these are read.
func TestDigestsBeforeAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := New([]string{dir})
	note := func(name string, size int64) {
		path := filepath.Join(dir, name)
		do(t, os.WriteFile(path, nil, 0o600))
		do(t, os.Truncate(path, size))
		r.Note(path, look(path))
	}
	note("large", MaxBefore+1)
	for i := range MaxBeforeTotal/MaxBefore + 3 {
		note(strconv.Itoa(i), MaxBefore)
	}
	if len(r.digests) != MaxBeforeTotal/MaxBefore {
		t.Errorf("%d digests of files of the greatest size", len(r.digests))
	}
	for i := range 2 * maxBeforeFiles {
		note("small"+strconv.Itoa(i), 0)
	}
	if len(r.digests) != maxBeforeFiles {
		t.Errorf("%d digests in all", len(r.digests))
	}
}

func TestLargeFilesHaveNoDigest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "large")
	r := New([]string{dir})
	r.Note(path, State{})
	do(t, os.WriteFile(path, nil, 0o600))
	do(t, os.Truncate(path, MaxHash+1))
	list, _ := r.Settle()
	if len(list) != 1 || !list[0].Unhashed || list[0].After != "" || list[0].Bytes != MaxHash+1 {
		t.Errorf("%+v", list)
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
