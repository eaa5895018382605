package siem

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"proctor/event"
	"proctor/exporters"
	"proctor/internal/redact"
)

// Options of a destination. Name, Format, Target and Policy are required.
type Options struct {
	Name   string // of the cursor
	Format string
	// Target is file:PATH, tcp://HOST:PORT and tls://HOST:PORT for syslog, or http(s)://… for an HTTP Event Collector.
	Target string
	Policy *redact.Policy

	MaxBytes int64 // of a file, before the next one begins; 0 is no bound
	Files    int   // that are kept besides the one that is written

	Token, Index, SourceType string // of an HTTP Event Collector
	Host                     string // of this machine, for syslog and the collector

	CACertificate, ClientCertificate, ClientPrivateKey string // files
}

// String leaves the token out.
func (o Options) String() string { return fmt.Sprintf("%s (%s to %s)", o.Name, o.Format, o.Target) }

// GoString leaves the token out.
func (o Options) GoString() string { return o.String() }

// record is one mapped entry.
type record struct {
	about event.CatalogEntry
	entry event.Receipt
	event *event.Event
	line  []byte
}

// sender brings records to a receiver. state is the batch's own: a sender keeps there what it must know when it is asked again.
type sender interface {
	// frame is what one record is on the way, for the bound of a batch.
	frame(record) []byte
	send(ctx context.Context, frames [][]byte, state *any) (exporters.Result, error)
	close() error
}

// Destination sends mapped entries to one receiver.
type Destination struct {
	opts Options
	to   sender
}

// New makes a destination. It opens files and reads certificates; connections are made by the first batch.
func New(o Options) (*Destination, error) {
	if mappers[o.Format] == nil {
		return nil, fmt.Errorf("destination %q: there is no format %q; formats are %s", o.Name, o.Format, strings.Join(Formats, ", "))
	}
	if path, ok := strings.CutPrefix(o.Target, "file:"); ok {
		f, err := openRotating(path, o.MaxBytes, o.Files)
		if err != nil {
			return nil, fmt.Errorf("destination %q: %w", o.Name, err)
		}
		return &Destination{o, &lines{name: path, w: f}}, nil
	}
	u, err := url.Parse(o.Target)
	if err != nil {
		return nil, fmt.Errorf("destination %q: target: %w", o.Name, err)
	}
	secure, err := o.tls(u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("destination %q: %w", o.Name, err)
	}
	switch u.Scheme {
	case "tcp":
		return &Destination{o, &syslog{host: o.Host, address: u.Host}}, nil
	case "tls":
		return &Destination{o, &syslog{host: o.Host, address: u.Host, tls: secure}}, nil
	case "http", "https":
		return &Destination{o, newCollector(o, u, secure)}, nil
	}
	return nil, fmt.Errorf("destination %q: target %q: expected file:, tcp://, tls://, http:// or https://", o.Name, o.Target)
}

func (o Options) tls(host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if o.CACertificate != "" {
		pem, err := os.ReadFile(o.CACertificate)
		if err != nil {
			return nil, fmt.Errorf("ca_certificate: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_certificate %s holds no certificate", o.CACertificate)
		}
	}
	if o.ClientCertificate != "" {
		pair, err := tls.LoadX509KeyPair(o.ClientCertificate, o.ClientPrivateKey)
		if err != nil {
			return nil, fmt.Errorf("client_certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Name implements exporters.Destination, as do the methods below.
func (d *Destination) Name() string { return CursorName(d.opts.Name) }

// CursorName is the key of the cursor of a destination.
func CursorName(name string) string { return "siem/" + name }

// Signal is events.
func (d *Destination) Signal() string { return Signal }

// Signal is what all destinations take.
const Signal = "events"

// Close ends what New and batches opened.
func (d *Destination) Close() error { return d.to.close() }

// NewBatch starts a batch.
func (d *Destination) NewBatch(limits exporters.Limits) exporters.Batch {
	return &batch{d: d, limits: limits}
}

type batch struct {
	d      *Destination
	limits exporters.Limits
	frames [][]byte
	size   int
	state  any
}

func (b *batch) Records() int { return len(b.frames) }

func (b *batch) Add(_ context.Context, entry event.Entry) (bool, error) {
	if !leaves(entry.Kind) {
		return true, nil
	}
	text, err := Map(b.d.opts.Format, entry, b.d.opts.Policy)
	if err != nil {
		return true, err
	}
	about, _ := event.Lookup(entry.Kind)
	frame := b.d.to.frame(record{about, entry.Receipt, entry.Event, text})
	if n := len(b.frames); n > 0 && (n >= b.limits.Records || b.size+len(frame) > b.limits.Bytes) {
		return false, nil
	}
	b.frames = append(b.frames, frame)
	b.size += len(frame)
	return true, nil
}

func (b *batch) Send(ctx context.Context) (exporters.Result, error) {
	if len(b.frames) == 0 {
		return exporters.Result{}, nil
	}
	return b.d.to.send(ctx, b.frames, &b.state)
}

// failed says what a failure means for the batch.
func failed(class exporters.Class, format string, args ...any) error {
	return &exporters.SendError{Class: class, Err: fmt.Errorf(format, args...)}
}

var errClosedByReceiver = errors.New("the receiver closed the connection")
