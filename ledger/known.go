package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNoCheckpoints means that a file holds no checkpoint.
var ErrNoCheckpoints = errors.New("no checkpoint in it")

// maxKnownLine bounds a line of a file with checkpoints: evidence files have long ones behind the first.
const maxKnownLine = 1 << 20

// ReadCheckpoints finds the signed notes in a file that was kept elsewhere: a copy of the log "checkpoints", an evidence
// file, or one note. It checks no signature; VerifyOptions.Known does.
func ReadCheckpoints(r io.Reader) (notes []string, err error) {
	in := bufio.NewReaderSize(io.LimitReader(r, 1<<30), 64<<10)
	if first, _ := in.Peek(1); len(first) == 1 && first[0] != '{' {
		text, err := io.ReadAll(io.LimitReader(in, maxLogLine))
		if err != nil {
			return nil, err
		}
		if _, _, err := parseCheckpoint(string(text)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoCheckpoints, err)
		}
		return []string{string(text)}, nil
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxKnownLine)
	for lines.Scan() {
		var line struct {
			Note       string `json:"note"`
			Checkpoint string `json:"checkpoint"`
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // cut by a crash
		}
		if note := line.Note + line.Checkpoint; strings.Contains(note, "\n") {
			notes = append(notes, note)
		}
		if line.Checkpoint != "" { // an evidence file has it in its first line only
			return notes, nil
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(notes) == 0 {
		return nil, ErrNoCheckpoints
	}
	return notes, nil
}

// known compares checkpoints that were kept elsewhere with the tree. What this ledger's key signed must be a beginning of
// it: if not, the ledger was rolled back, or somebody went on with another copy of it and its key.
func (v *verifier) known() {
	for _, note := range v.opts.Known {
		c, err := v.keys.open(note)
		if err != nil {
			v.add(SeverityError, Finding{Code: CodeCheckpointSign, Message: fmt.Sprintf("a checkpoint that was kept elsewhere is not of this ledger, %s: %v", v.l.key().public, err)})
			continue
		}
		v.report.Known++
		if c.Size > v.tree.size {
			v.add(SeverityError, Finding{Code: CodeCheckpointAhead, Message: fmt.Sprintf("a checkpoint that was kept elsewhere covers %d entries, only %d are stored: entries were cut off, or an old copy was put back", c.Size, v.tree.size)})
			continue
		}
		root, err := v.l.rootAt(c.Size)
		if err != nil || root != c.Root {
			v.add(SeverityError, Finding{Code: CodeCheckpointFork, Message: fmt.Sprintf("a checkpoint of %d entries that was kept elsewhere names root %s, here it is %s: with the same key two copies of the ledger went on differently", c.Size, c.Root, root)})
		}
	}
}
