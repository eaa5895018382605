package execserver

import (
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// MaxFrame bounds a message, in bytes.
	MaxFrame = 16 << 20
	// maxID bounds the id of a request, and maxMethod its method, in bytes.
	maxID     = 64
	maxMethod = 64
)

// message is one message of the client. The member "jsonrpc" is left out by both sides.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// notification reports whether nobody waits for an answer.
func (m message) notification() bool { return len(m.ID) == 0 }

var errMessage = errors.New("message is not a request of the exec-server protocol")

// decode reads a message. What is neither a request nor a notification is an error; so is an id that is no number or text.
func decode(frame []byte) (message, error) {
	if len(frame) > MaxFrame {
		return message{}, fmt.Errorf("%w: %d bytes, at most %d", errMessage, len(frame), MaxFrame)
	}
	var m message
	if err := json.Unmarshal(frame, &m); err != nil {
		return message{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	if string(m.ID) == "null" {
		m.ID = nil
	}
	switch {
	case m.Method == "" || len(m.Method) > maxMethod:
		return message{}, fmt.Errorf("%w: its method has %d bytes, expected 1 to %d", errMessage, len(m.Method), maxMethod)
	case len(m.ID) > maxID:
		return message{}, fmt.Errorf("%w: its id has %d bytes, at most %d", errMessage, len(m.ID), maxID)
	case len(m.ID) > 0 && m.ID[0] != '"' && m.ID[0] != '-' && (m.ID[0] < '0' || m.ID[0] > '9'):
		return message{}, fmt.Errorf("%w: its id is neither a number nor a text", errMessage)
	}
	return m, nil
}

// The error codes of the protocol.
const (
	codeNotFound = -32004
	codeRequest  = -32600
	codeMethod   = -32601
	codeParams   = -32602
	codeInternal = -32603
)

// callError is an answer that says why there is no result.
type callError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *callError) Error() string { return e.Message }

func fault(code int, format string, args ...any) *callError {
	return &callError{code, clip(fmt.Sprintf(format, args...), maxErrorText)}
}

// maxErrorText bounds what an error says, in bytes: the model reads it.
const maxErrorText = 4096

type answer struct {
	ID     json.RawMessage `json:"id"`
	Result any             `json:"result,omitempty"`
	Error  *callError      `json:"error,omitempty"`
}

type notice struct {
	Method string `json:"method"`
	Params any    `json:"params"`
}

// params reads the parameters of a request.
func params[T any](m message) (T, *callError) {
	var v T
	if err := json.Unmarshal(m.Params, &v); err != nil {
		return v, fault(codeParams, "parameters of %s: %v", m.Method, err)
	}
	return v, nil
}
