package tool

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrDigest means that the grant is for another action than the one proposed. Nothing was done.
	// It is a defect of the caller: report it, do not retry.
	ErrDigest = errors.New("action is not the one that was decided")
	// ErrNotStarted means that no process was started. The cause is wrapped; Result.Output tells the model.
	ErrNotStarted = errors.New("command was not started")
	// ErrClosed means that the tool was closed; start a new session.
	ErrClosed = errors.New("tool is closed")
)

// ArgumentError says what is wrong with a call. Its text is for the model.
type ArgumentError struct {
	Tool  string
	Field string // empty when the arguments as a whole are wrong
	Text  string
}

func (e *ArgumentError) Error() string { return e.Text }

// BadArgument says that one field is not as expected.
func BadArgument(tool, field, format string, args ...any) *ArgumentError {
	problem := fmt.Sprintf(format, args...)
	if field != "" {
		problem = fmt.Sprintf("field `%s`: %s", field, problem)
	}
	return &ArgumentError{tool, field, "failed to parse function arguments: " + problem}
}

// UnknownToolError means that the model called a tool that it was not offered.
type UnknownToolError struct {
	Namespace, Name string
	Known           []string // names that can be called
}

func (e *UnknownToolError) Error() string {
	name := e.Name
	if e.Namespace != "" {
		name = e.Namespace + separator + name
	}
	return fmt.Sprintf("unsupported call: %s; the tools of this session are %s", clip(name, 200), strings.Join(e.Known, ", "))
}

// clip cuts hostile names in messages to n bytes and marks the cut.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
