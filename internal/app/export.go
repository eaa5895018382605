package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/otlp"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// Export is the running exporters of a process; the zero value exports nothing.
type Export struct {
	group  exporters.Group
	cancel context.CancelFunc
	run    *sync.WaitGroup
	deaf   func() // ends the answers to other processes
	note   func(context.Context, *event.ExportGapPayload) error
}

// StartExport follows the ledger to every destination of [otel] and [[siem]]. A destination that never ran
// begins with session. Only the owner of the ledger sends, so that nothing is sent twice.
func StartExport(s *Store, cfg *config.Config, session string, log *slog.Logger) (Export, error) {
	if !exports(cfg) {
		return Export{}, nil
	}
	options, err := otlpOptions(s.env, cfg)
	if err != nil {
		return Export{}, cli.Fail(cli.Failure, err)
	}
	l := s.owned()
	if l == nil {
		return Export{}, cli.Fail(cli.Failure, errors.New("another process owns the ledger, and sends what its own [otel] and [[siem]] say; try again when it has ended"))
	}
	options.Lags = func() []otlp.Lag { return s.lags(context.Background(), cfg) }
	destinations, err := otlp.New(options, l)
	if err != nil {
		return Export{}, cli.Fail(cli.Failure, fmt.Errorf("[otel]: %w", err))
	}
	more, err := siemDestinations(s.env, cfg)
	if err != nil {
		return Export{}, cli.Fail(cli.Failure, err)
	}
	destinations = append(destinations, more...)
	e := Export{note: s.note}
	for _, d := range destinations {
		x, err := exporters.New(d, l, l, exporters.Options{
			Head:    func(context.Context) (event.Seq, error) { return event.Seq(l.Tree().Size), nil },
			Session: session, Gap: s.note, Interval: cfg.Proctor.Export.BatchDelay, FlushWithin: cfg.Proctor.Export.ExitTimeout,
			Limits: exporters.Limits{Records: cfg.Proctor.Export.BatchRecords}, Log: log, Keep: s.consent(),
		})
		if err != nil {
			return Export{}, errors.Join(cli.Fail(cli.Failure, err), e.close())
		}
		e.group = append(e.group, x)
	}
	if len(e.group) == 0 {
		return e, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel, e.run = cancel, new(sync.WaitGroup)
	e.run.Go(func() { _ = e.group.Run(ctx) }) // trouble is logged and shows in the report
	if e.deaf, err = s.Bus.Answer(exportTopic, func(q []byte) []byte { return e.answer(ctx, q) }); err != nil {
		return Export{}, errors.Join(cli.Fail(cli.Failure, err), e.close())
	}
	return e, nil
}

// exports reports whether any signal is sent anywhere.
func exports(cfg *config.Config) bool {
	return exportsOtel(cfg) || len(cfg.Proctor.SIEM) > 0
}

// exportsOtel reports whether [otel] names a collector for any signal.
func exportsOtel(cfg *config.Config) bool {
	o := cfg.Otel
	return o.Exporter.Enabled() || o.MetricsExporter.Enabled() || o.TraceExporter.Enabled()
}

// consent keeps sessions at home that ran with telemetry off: a later run that
// has it on does not send them. What belongs to no session may leave.
func (s *Store) consent() func(event.Entry) bool {
	known := map[string]bool{} // by session; used by one exporter, one entry at a time
	return func(e event.Entry) bool {
		may, ok := known[e.Session]
		if !ok {
			may, ok = s.telemetry(e.Session)
			if ok {
				known[e.Session] = may
			}
		}
		return may
	}
}

// telemetry reports whether a session may leave, and whether that is known.
func (s *Store) telemetry(session string) (may, known bool) {
	if session == SystemSession {
		return true, true
	}
	first, err := s.owned().Session(context.Background(), session, 1, 1)
	if err != nil || len(first) == 0 || first[0].Event == nil {
		return false, false
	}
	p, ok := first[0].Event.Payload.(*event.ConversationStartsPayload)
	return ok && p.Telemetry, true
}

// Flush sends what the ledger has, within the configured time, and reports.
func (e Export) Flush(ctx context.Context) []exporters.Report {
	if len(e.group) == 0 {
		return nil
	}
	return e.group.Flush(context.WithoutCancel(ctx))
}

// finish flushes, says what is left for the next run, and stops.
func (e Export) finish(ctx context.Context, env cli.Env) {
	for _, report := range e.Flush(ctx) {
		if report.Left > 0 || report.Rejected > 0 {
			_, _ = fmt.Fprintln(env.Stderr, "telemetry:", cli.Plain(report.String()))
		}
	}
	if err := e.close(); err != nil {
		env.Logger().Warn("close exporters", "error", err)
	}
}

func (e Export) close() error {
	if e.deaf != nil {
		e.deaf()
	}
	if e.cancel != nil {
		e.cancel()
		e.run.Wait()
	}
	var errs []error
	for _, x := range e.group {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}

// note records something that belongs to no run.
func (s *Store) note(ctx context.Context, p *event.ExportGapPayload) error {
	entry, _ := event.Lookup(p.Kind())
	pending, err := s.Bus.Submit(ctx, &event.Event{
		ID: event.NewID(), Kind: p.Kind(), Schema: entry.Schema, Session: SystemSession, Time: time.Now(), Actor: event.System, Payload: p,
	})
	if err != nil {
		return err
	}
	_, err = pending.Wait(ctx)
	return err
}

func otlpOptions(env cli.Env, cfg *config.Config) (otlp.Options, error) {
	key, err := redactKey(cfg.ProctorHome)
	if err != nil {
		return otlp.Options{}, err
	}
	rules, err := exportRules(env, cfg)
	if err != nil {
		return otlp.Options{}, err
	}
	o := cfg.Otel
	host, _ := os.Hostname()
	osName, osVersion := osRelease()
	options := otlp.Options{
		Environment: o.Environment, Logs: otlpExporter(o.Exporter), Metrics: otlpExporter(o.MetricsExporter), Traces: otlpExporter(o.TraceExporter),
		LogUserPrompt: o.LogUserPrompt, LogAgentResponses: o.LogAgentResponses, LogGuardianAssessments: o.LogGuardianAssessment,
		DropSSEDeltas: !o.LogSSEDeltas || !cfg.Proctor.Export.DeltaRecords, DropToolContent: cfg.Proctor.Redact.Level == "strict",
		ToolResultMaxBytes: int(o.ToolResult.MaxBytes), SpanAttributes: o.SpanAttributes, Compat: otlp.Compat(o.Compat), GenAI: o.GenAI,
		Version: cli.Version, Host: host, OS: osName, OSVersion: osVersion, RedactKey: key, RedactRules: rules, RedactLevel: otlpLevel(cfg.Proctor.Redact.Level),
	}
	for _, text := range options.ReadEnv(env.Lookup) {
		cli.Warn(env, text)
	}
	return options, nil
}

// redactKey is the key of the fingerprints in redaction receipts: made once, mode 0600, known here alone.
func redactKey(home string) ([]byte, error) {
	path := filepath.Join(home, "keys", "redact.key")
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) == sha256.Size:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("redaction key %s has %d bytes, expected %d; restore it, or remove it to get a new one", path, len(key), sha256.Size)
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("read redaction key: %w", err)
	}
	key = make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return keepKey(path, key)
}

// keepKey stores a new key, whole or not at all, unless another process was first. Where nothing can be stored the key is of this
// process alone, and its fingerprints compare with no others.
func keepKey(path string, key []byte) ([]byte, error) {
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return key, nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".redact-*")
	if err != nil {
		return key, nil //nolint:nilerr // see above
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(key) // mode 0600
	if err = errors.Join(err, f.Close()); err != nil {
		return key, nil //nolint:nilerr // see above
	}
	if err = os.Link(f.Name(), path); errors.Is(err, os.ErrExist) {
		if key, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("read redaction key: %w", err)
		}
	}
	return key, nil
}

func otlpExporter(x config.Exporter) otlp.Exporter {
	out := otlp.Exporter{
		Endpoint: x.Endpoint, Protocol: x.Protocol,
		Compression: x.Compression,
		TLS:         otlp.TLS{CACertificate: x.TLS.CACertificate, ClientCertificate: x.TLS.ClientCertificate, ClientPrivateKey: x.TLS.ClientPrivateKey},
	}
	switch x.Kind {
	case config.ExporterOTLPHTTP:
		out.Kind = otlp.HTTP
	case config.ExporterOTLPGRPC:
		out.Kind = otlp.GRPC
	default:
		return otlp.Exporter{}
	}
	if len(x.Headers) > 0 {
		out.Headers = otlp.Headers{}
		for name, value := range x.Headers {
			out.Headers[name] = value.Reveal()
		}
	}
	return out
}
