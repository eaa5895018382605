package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The file "checkpoints" repeats every signed checkpoint outside the store, one JSON object a
// line. Copied elsewhere it shows later whether the store was replaced by an older one.
type loggedCheckpoint struct {
	Time string `json:"time"`
	Size uint64 `json:"size"`
	Note string `json:"note"`
}

// maxLogLine bounds a line: a note has a few hundred bytes, a witness adds about 150 each.
const maxLogLine = 16 << 10

// logCheckpoint appends c.
func (l *Ledger) logCheckpoint(c Checkpoint) error {
	line, err := json.Marshal(loggedCheckpoint{l.opts.Now().UTC().Format(time.RFC3339), c.Size, c.Note})
	if err == nil {
		err = appendLog(l.opts.FS, l.dir, checkpointFile, line)
	}
	if err != nil {
		return fmt.Errorf("log checkpoint of %d entries: %w", c.Size, err)
	}
	return nil
}

// appendLog adds a line to a log beside the store, durably. A torn last line, left by a crash, is ended first.
func appendLog(fs vfs.FS, dir, name string, line []byte) error {
	path := fs.PathJoin(dir, name)
	_, err := fs.Stat(path)
	created := errors.Is(err, os.ErrNotExist)
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = appendLine(f, line)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil && created {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return fmt.Errorf("append to %q: %w", path, err)
	}
	return nil
}

func appendLine(f vfs.File, line []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	if end > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], end-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = f.WriteAt(append(line, '\n'), end)
	return err
}

// lastLogged reads the newest checkpoint of the log; the zero one when there is none.
func lastLogged(fs vfs.FS, path string) (Tree, error) {
	f, err := fs.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Tree{}, nil
	}
	if err != nil {
		return Tree{}, fmt.Errorf("read checkpoint log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Tree{}, fmt.Errorf("read checkpoint log: %w", err)
	}
	from := max(0, info.Size()-2*maxLogLine)
	tail := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return Tree{}, fmt.Errorf("read checkpoint log: %w", err)
	}
	lines := bytes.Split(tail, []byte{'\n'})
	for i := len(lines) - 1; i >= 0; i-- {
		if t, ok := parseLogLine(lines[i]); ok {
			return t, nil
		}
	}
	return Tree{}, nil
}

// parseLogLine is false for lines that a crash cut.
func parseLogLine(line []byte) (Tree, bool) {
	var c loggedCheckpoint
	if json.Unmarshal(line, &c) != nil {
		return Tree{}, false
	}
	_, t, err := parseCheckpoint(c.Note)
	return t, err == nil && t.Size == c.Size
}
