package otlpsink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Options of a sink. The zero value is usable.
type Options struct {
	HTTPAddr string // default 127.0.0.1:0
	GRPCAddr string // default 127.0.0.1:0
	MaxBody  int64  // bytes; default 16 MiB, for gRPC 4 MiB
	MaxItems int    // kept for each signal; default a million
	// TLS makes both receivers speak it; it may ask for client certificates.
	TLS *tls.Config
}

// Request is what is remembered of one request that reached the sink, refused or not.
type Request struct {
	Transport string // http, grpc
	Signal    string // logs, metrics, traces
	Encoding  string // application/x-protobuf, application/json
	Gzip      bool
	Bytes     int // before compression
	Headers   map[string][]string
	Body      []byte // before compression; only with HTTP, only the newest
}

// Sink is a receiver. Make one with Start.
type Sink struct {
	opts Options
	done chan struct{} // closed by Close

	mu       sync.Mutex // guards everything below
	fault    Fault
	faulted  int
	requests int
	seen     []Request
	kept     kept
	arrived  chan struct{} // closed and replaced when something was accepted

	servers
}

// kept is what was accepted.
type kept struct {
	records []Record
	points  []Point
	spans   []Span
	beyond  int // items above MaxItems
}

// servers exist while the sink is up.
type servers struct {
	up   bool
	http *http.Server
	grpc *grpc.Server
	wg   *sync.WaitGroup
}

// maxSeen bounds the requests remembered.
const maxSeen = 10_000

// Start listens and serves until Close.
func Start(o Options) (*Sink, error) {
	for _, a := range []*string{&o.HTTPAddr, &o.GRPCAddr} {
		if *a == "" {
			*a = "127.0.0.1:0"
		}
	}
	if o.MaxItems <= 0 {
		o.MaxItems = 1_000_000
	}
	s := &Sink{opts: o, done: make(chan struct{}), arrived: make(chan struct{})}
	if err := s.Up(); err != nil {
		return nil, err
	}
	return s, nil
}

// Up listens again after Down, on the same addresses. It does nothing when the sink is up.
func (s *Sink) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up {
		return nil
	}
	h, err := net.Listen("tcp", s.opts.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for OTLP over HTTP on %s: %w", s.opts.HTTPAddr, err)
	}
	g, err := net.Listen("tcp", s.opts.GRPCAddr)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for OTLP over gRPC on %s: %w", s.opts.GRPCAddr, err), h.Close())
	}
	s.opts.HTTPAddr, s.opts.GRPCAddr = h.Addr().String(), g.Addr().String()
	s.servers = servers{
		up: true, wg: &sync.WaitGroup{},
		http: &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)},
		grpc: grpc.NewServer(s.grpcOptions()...),
	}
	plogotlp.RegisterGRPCServer(s.grpc, &grpcLogs{sink: s})
	pmetricotlp.RegisterGRPCServer(s.grpc, &grpcMetrics{sink: s})
	ptraceotlp.RegisterGRPCServer(s.grpc, &grpcTraces{sink: s})
	hs, gs := s.http, s.grpc
	if s.opts.TLS != nil {
		c := s.opts.TLS.Clone()
		c.NextProtos = []string{"h2", "http/1.1"}
		h = tls.NewListener(h, c)
	}
	s.wg.Go(func() { _ = hs.Serve(h) }) // ends with ErrServerClosed
	s.wg.Go(func() { _ = gs.Serve(g) })
	return nil
}

func (s *Sink) grpcOptions() []grpc.ServerOption {
	var o []grpc.ServerOption
	if s.opts.MaxBody > 0 {
		o = append(o, grpc.MaxRecvMsgSize(int(s.opts.MaxBody)))
	}
	if s.opts.TLS != nil {
		o = append(o, grpc.Creds(credentials.NewTLS(s.opts.TLS.Clone())))
	}
	return o
}

// Down closes listeners and connections: clients are refused until Up.
func (s *Sink) Down() {
	s.mu.Lock()
	old := s.servers
	s.servers = servers{}
	s.mu.Unlock()
	if !old.up {
		return
	}
	_ = old.http.Close()
	old.grpc.Stop()
	old.wg.Wait()
}

// Close ends the sink. What it kept stays readable.
func (s *Sink) Close() {
	s.mu.Lock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	s.mu.Unlock()
	s.Down()
}

// HTTPURL is the address of the HTTP receiver with a path: /v1/logs, /v1/metrics or /v1/traces.
func (s *Sink) HTTPURL(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scheme() + s.opts.HTTPAddr + path
}

func (s *Sink) scheme() string {
	if s.opts.TLS != nil {
		return "https://"
	}
	return "http://"
}

// GRPCURL is the address of the gRPC receiver.
func (s *Sink) GRPCURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scheme() + s.opts.GRPCAddr
}

// Records are the log records accepted so far.
func (s *Sink) Records() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept.records)
}

// Points are the metric points accepted so far.
func (s *Sink) Points() []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept.points)
}

// Spans are the spans accepted so far.
func (s *Sink) Spans() []Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept.spans)
}

// Requests are the requests that arrived, refused ones included; the first ten thousand of them.
func (s *Sink) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Beyond is the number of log records, points and spans accepted and not kept for want of room.
func (s *Sink) Beyond() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept.beyond
}

// Reset forgets everything received and the fault.
func (s *Sink) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.seen, s.requests, s.fault, s.faulted = kept{}, nil, 0, Fault{}, 0
}

// Wait returns when n log records were accepted, or when ctx ends.
func (s *Sink) Wait(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		have, arrived := len(s.kept.records), s.arrived
		s.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d log records, have %d: %w", n, have, ctx.Err())
		}
	}
}

// keep appends up to MaxItems of items, without those at the end that a partial success refuses.
func keep[T any](s *Sink, to *[]T, items []T, reject int64) (rejected int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rejected = min(max(reject, 0), int64(len(items)))
	items = items[:len(items)-int(rejected)]
	room := max(0, min(len(items), s.opts.MaxItems-len(*to)))
	*to = append(*to, items[:room]...)
	s.kept.beyond += len(items) - room
	close(s.arrived)
	s.arrived = make(chan struct{})
	return rejected
}

func (s *Sink) remember(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) >= maxSeen {
		return
	}
	if n := len(s.seen); n > 0 {
		s.seen[n-1].Body = nil
	}
	s.seen = append(s.seen, r)
}
