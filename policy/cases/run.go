package cases

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds one case, in bytes.
const maxLine = 4 << 20

// Result is the verdict on one case.
type Result struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Pass bool   `json:"pass"`
	Got  string `json:"got"`
	Want string `json:"want"`
	// Note says what the words of got and want leave out, e.g. that a decision would be stricter than the class.
	Note string `json:"note,omitempty"`
}

// LineError is a line that could not be read as a case.
type LineError struct {
	Line int
	Err  error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// judge decides one case; the error means that the line is no case.
type judge func(line []byte) (Result, error)

var judges = map[string]judge{
	"command":       judgeCommand,
	"rules":         judgeRules,
	"egress":        judgeEgress,
	"egress_config": judgeEgressConfig,
	"egress_bind":   judgeEgressBind,
}

// Run judges every line of r and calls each with the result, in order; blank lines are skipped. It stops at the first
// line that is no case and returns *LineError, or the error of r.
func Run(r io.Reader, each func(Result)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		res, err := one(line)
		if err != nil {
			return &LineError{Line: n, Err: err}
		}
		each(res)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return &LineError{Line: n + 1, Err: fmt.Errorf("read case: longer than %d bytes", maxLine)}
	} else if err != nil {
		return fmt.Errorf("read cases after line %d: %w", n, err)
	}
	return nil
}

func one(line []byte) (Result, error) {
	var head struct {
		ID   string `json:"id"`
		Kind string `json:"kind"`
	}
	if err := decode(line, &head); err != nil {
		return Result{}, err
	}
	if head.Kind == "" {
		return Result{}, errors.New(`read case: field "kind" is missing`)
	}
	decide, ok := judges[head.Kind]
	if !ok {
		return Result{ID: head.ID, Kind: head.Kind, Got: "unsupported kind", Want: "a kind this version can judge"}, nil
	}
	res, err := decide(line)
	res.ID, res.Kind = head.ID, head.Kind
	return res, err
}

func decode(line []byte, v any) error {
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("read case: %w", err)
	}
	return nil
}

func missing(field string) error { return fmt.Errorf("read case: field %q is missing", field) }
