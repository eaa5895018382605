package mcp

import (
	"bytes"
	"log/slog"
)

const (
	maxLogLine  = 2 << 10
	maxLogBytes = 256 << 10 // of one server, then silence
)

// logWriter turns what a server says on standard error into log lines. One goroutine writes.
type logWriter struct {
	log  *slog.Logger
	line []byte
	said int
}

// Write never fails, so that the server is not held back.
func (w *logWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && w.said < maxLogBytes {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.line = append(w.line, p[:min(len(p), maxLogLine-len(w.line))]...)
			break
		}
		w.line = append(w.line, p[:min(end, maxLogLine-len(w.line))]...)
		w.said += len(w.line) + 1
		w.log.Info("MCP server says", "text", string(w.line))
		w.line, p = w.line[:0], p[end+1:]
	}
	return n, nil
}
