package execrules

import (
	"errors"
	"fmt"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Error is why a rules file was refused. Line and Column count from 1; 0 means that the whole file is meant.
type Error struct {
	File   string
	Line   int
	Column int
	Msg    string
}

// Error prints file:line:column: message.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// located turns an error of the interpreter into an Error in file. The innermost position inside a rules file counts.
func located(file string, err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	if e, ok := errors.AsType[syntax.Error](err); ok {
		return &Error{File: file, Line: int(e.Pos.Line), Column: int(e.Pos.Col), Msg: e.Msg}
	}
	if list, ok := errors.AsType[resolve.ErrorList](err); ok && len(list) > 0 {
		return &Error{File: file, Line: int(list[0].Pos.Line), Column: int(list[0].Pos.Col), Msg: list[0].Msg}
	}
	out := &Error{File: file, Msg: clip(err.Error())}
	if e, ok := errors.AsType[*starlark.EvalError](err); ok {
		for i := range e.CallStack {
			if pos := e.CallStack.At(i).Pos; pos.Line > 0 {
				out.Line, out.Column = int(pos.Line), int(pos.Col)
				break
			}
		}
	}
	return out
}

// clip bounds a message that may quote the file.
func clip(s string) string {
	const most = 500 // bytes
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
