package ledger

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A log stays open between checkpoints; that somebody took it away, or put a shorter one in its place, it notices.
func TestTheCheckpointLogIsOpenedAgainWhenItChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(fs vfs.FS, path string) error{
		"nothing":   func(vfs.FS, string) error { return nil },
		"removed":   func(fs vfs.FS, path string) error { return fs.Remove(path) },
		"truncated": func(fs vfs.FS, path string) error { return writeFile(fs, path, "", false) },
		"torn":      func(fs vfs.FS, path string) error { return writeFile(fs, path, `{"time":"2026`, false) },
	} {
		fs := vfs.NewMem()
		l := openTest(t, "ledger", memory(fs))
		path := "ledger/" + checkpointFile
		var want uint64
		for i := range 4 {
			if i == 2 {
				if err := change(fs, path); err != nil {
					t.Fatal(err)
				}
			}
			appendTest(t, l, prompts("s", 1+i, 1)...)
			want = checkpointTest(t, l).Size
			if got, err := lastLogged(fs, path); err != nil || got.Size != want {
				t.Errorf("%s: checkpoint %d: the log ends with one of %d entries, want %d; %v", name, i, got.Size, want, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A checkpoint that was given is in the log after a power cut, the first one and those after it.
func TestPowerCutKeepsTheCheckpointLog(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	l := openTest(t, "ledger", memory(fs))
	for i := range 3 {
		appendTest(t, l, prompts("s", 1+i, 1)...)
		want := checkpointTest(t, l).Size
		disk := fs.CrashClone(vfs.CrashCloneCfg{})
		if got, err := lastLogged(disk, "ledger/"+checkpointFile); err != nil || got.Size != want {
			t.Errorf("after a power cut the log ends with a checkpoint of %d entries, want %d; %v", got.Size, want, err)
		}
	}
}
