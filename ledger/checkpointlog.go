package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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

// maxLogLine bounds a line of any log: a note has a few hundred bytes, a witness adds about 150 each, a time-stamp up to 44 KiB.
const maxLogLine = 48 << 10

// lastLines is enough of the end of the log of checkpoints to find the last whole line in.
const lastLines = 32 << 10

// logCheckpoint appends c.
func (l *Ledger) logCheckpoint(c Checkpoint) error {
	line, err := json.Marshal(loggedCheckpoint{l.opts.Now().UTC().Format(time.RFC3339), c.Size, c.Note})
	if err == nil {
		err = l.points.log.append(l.opts.FS, l.dir, checkpointFile, line)
	}
	if err != nil {
		return fmt.Errorf("log checkpoint of %d entries: %w", c.Size, err)
	}
	return nil
}

// appendLog adds a line to a log beside the store, durably.
func appendLog(fs vfs.FS, dir, name string, line []byte) error {
	var g lineLog
	return errors.Join(g.append(fs, dir, name, line), g.close())
}

// lineLog is a log beside the store that stays open between lines. The zero value is closed. Not for two goroutines.
type lineLog struct {
	file vfs.File
	end  int64
}

// append adds a line durably. Where the file is not as the last line left it, it is opened again.
func (g *lineLog) append(fs vfs.FS, dir, name string, line []byte) (err error) {
	path := fs.PathJoin(dir, name)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("append to %q: %w", path, err), g.close())
		}
	}()
	info, missing := fs.Stat(path)
	if g.file != nil && missing == nil && info.Size() == g.end {
		n, err := g.file.WriteAt(append(line, '\n'), g.end)
		g.end += int64(n)
		if err != nil {
			return err
		}
		return g.file.SyncData()
	}
	if err := g.close(); err != nil {
		return err
	}
	if g.file, err = fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified); err != nil {
		return err
	}
	if g.end, err = appendLine(g.file, line); err != nil {
		return err
	}
	if err := g.file.Sync(); err != nil {
		return err
	}
	if errors.Is(missing, os.ErrNotExist) {
		return syncDir(fs, dir)
	}
	return nil
}

func (g *lineLog) close() error {
	f := g.file
	g.file = nil
	if f == nil {
		return nil
	}
	return f.Close()
}

// appendLine writes a line over the last one where a crash tore that, else behind it: so no line but the last is ever torn. It returns where the file ends.
func appendLine(f vfs.File, line []byte) (end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	end = size
	tail := make([]byte, min(end, maxLogLine))
	if _, err := f.ReadAt(tail, end-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	body := bytes.TrimRight(tail, "\n")
	last := body[bytes.LastIndexByte(body, '\n')+1:]
	switch {
	case len(last) > 0 && torn(last):
		over := len(last) + len(tail) - len(body) // with what ends it
		end -= int64(over)
		line = append(slices.Clone(line), bytes.Repeat([]byte{' '}, max(0, over-len(line)-1))...)
	case end > 0 && len(body) == len(tail):
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.WriteAt(append(line, '\n'), end)
	return max(size, end+int64(n)), err
}

// torn is true for a line of which a crash left a part: its beginning, or, as blocks go to the disk in any order, zeros and its end.
func torn(line []byte) bool { return line[0] == 0 || line[len(line)-1] != '}' }

// readLog gives the lines of a log to read, which is false for those that it cannot read. It returns the numbers of these, from 1, but
// for a last line that a crash tore.
func readLog(f io.Reader, read func(line []byte) bool) (damaged []int, err error) {
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLogLine)
	excused := 0
	for n := 1; lines.Scan(); n++ {
		if excused > 0 { // it was not the last
			damaged, excused = append(damaged, excused), 0
		}
		line := bytes.TrimRight(lines.Bytes(), " ") // what a line that was written over a longer one ends with
		switch {
		case len(line) > 0 && read(line):
		case len(line) > 0 && torn(line):
			excused = n
		default:
			damaged = append(damaged, n)
		}
	}
	return damaged, lines.Err()
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
	from := max(0, info.Size()-lastLines)
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

// parseLogLine is false for what logCheckpoint did not write.
func parseLogLine(line []byte) (Tree, bool) {
	t, _, ok := parseLogged(bytes.TrimRight(line, " "))
	return t, ok
}

// loggedBelow is true for a line that begins as one of a checkpoint of fewer entries.
func loggedBelow(line []byte, size uint64) bool {
	const begins = len(`{"time":"2006-01-02T15:04:05Z"`)
	if size == 0 || len(line) < begins {
		return false
	}
	n, _, ok := number(bytes.CutPrefix(line[begins:], []byte(`,"size":`)))
	return ok && n < size
}

func parseLogged(line []byte) (t Tree, signed string, ok bool) {
	var c loggedCheckpoint
	if json.Unmarshal(line, &c) != nil {
		return t, "", false
	}
	_, t, err := parseCheckpoint(c.Note)
	if err != nil || t.Size != c.Size {
		return t, "", false
	}
	if _, err := time.Parse(time.RFC3339, c.Time); err != nil {
		return t, "", false
	}
	again, err := json.Marshal(c)
	return t, c.Note, err == nil && bytes.Equal(again, line)
}
