package siem

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"proctor/event"
	"proctor/exporters"
)

// syslog sends RFC 5424 messages over TCP, or TLS as RFC 5425 has it, each behind its length (RFC 6587, octet counting). The protocol
// has no acknowledgement: a batch counts as delivered when the connection took all of it and was still open afterwards.
type syslog struct {
	host, address string
	tls           *tls.Config // nil for plain TCP
	conn          net.Conn
}

const (
	facility = 13 // log audit
	appName  = "proctor"
	// settle is how long a connection is listened to for its end, before and after a batch.
	settle = 2 * time.Millisecond
)

// syslogSeverities are informational, warning and error.
var syslogSeverities = map[event.Severity]int{event.Info: 6, event.Warn: 4, event.Error: 3}

func (s *syslog) frame(r record) []byte {
	m := message(s.host, r)
	return append(fmt.Appendf(nil, "%d ", len(m)), m...)
}

// message is the RFC 5424 form: structured data are those that IANA lists, the mapped line is the message.
func message(host string, r record) []byte {
	head := fmt.Sprintf("<%d>1 %s %s %s %d %s [meta sequenceId=\"%d\"][origin software=\"proctor\"] ",
		facility*8+syslogSeverities[r.about.Severity], stamp(r.event.Time), printable(host, 255), appName, os.Getpid(),
		printable(string(r.event.Kind), 32), uint64(r.entry.Seq)%2147483647+1)
	return append([]byte(head), r.line...)
}

// printable is s as a field of the header: printable ASCII without blanks, at most n bytes, - for nothing.
func printable(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if c < '!' || c > '~' {
			return '_'
		}
		return c
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), n)]
}

func (s *syslog) send(ctx context.Context, frames [][]byte, _ *any) (exporters.Result, error) {
	if s.conn != nil && s.ended() {
		s.drop()
	}
	if s.conn == nil {
		if err := s.dial(ctx); err != nil {
			return exporters.Result{}, err
		}
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(10 * time.Second)
	}
	_ = s.conn.SetWriteDeadline(deadline)
	buffers := net.Buffers(append([][]byte(nil), frames...))
	if _, err := buffers.WriteTo(s.conn); err != nil {
		s.drop()
		return exporters.Result{}, failed(exporters.Retry, "write to %s: %w", s.address, err)
	}
	if s.ended() {
		s.drop()
		return exporters.Result{}, failed(exporters.Retry, "%s: %w", s.address, errClosedByReceiver)
	}
	return exporters.Result{}, nil
}

func (s *syslog) dial(ctx context.Context) (err error) {
	if s.tls == nil {
		s.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	} else {
		s.conn, err = (&tls.Dialer{Config: s.tls}).DialContext(ctx, "tcp", s.address)
	}
	if err == nil {
		return nil
	}
	s.conn = nil
	class := exporters.Retry
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
		class = exporters.Blocked
	}
	return failed(class, "connect to %s: %w", s.address, err)
}

// ended reports whether the receiver has closed. Receivers of syslog say nothing.
func (s *syslog) ended() bool {
	_ = s.conn.SetReadDeadline(time.Now().Add(settle))
	var b [256]byte
	_, err := s.conn.Read(b[:])
	if err == nil {
		return false
	}
	timeout, ok := errors.AsType[net.Error](err)
	if ok && timeout.Timeout() {
		return false
	}
	return true
}

func (s *syslog) drop() {
	_ = s.conn.Close()
	s.conn = nil
}

func (s *syslog) close() error {
	if s.conn != nil {
		s.drop()
	}
	return nil
}
