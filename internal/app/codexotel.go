package app

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/codex"
	"proctor/internal/codex/intake"
	"proctor/internal/config"
)

// IntakeOptions are the flags of proctor codex otel-receive, and of serve with --otel-receive.
type IntakeOptions struct {
	// HTTP and GRPC are addresses, empty for none.
	HTTP, GRPC string
	TokenFile  string
	MaxBody    int64
	Rate       int
}

func (o IntakeOptions) on() bool { return o.HTTP != "" || o.GRPC != "" }

// loops reports whether what is taken in would be sent to where it came in: Codex and this program read one [otel].
func (o IntakeOptions) loops(cfg *config.Config) bool {
	u, err := url.Parse(cfg.Otel.Exporter.Endpoint)
	return err == nil && u.Host != "" && (u.Host == o.HTTP || u.Host == o.GRPC)
}

// ReceiveOtel takes in what Codex tells over OTLP, until ctx ends.
func ReceiveOtel(ctx context.Context, env cli.Env, co config.Options, o IntakeOptions) error {
	return WithStore(ctx, env, co, Open, Runner, func(store *Store, cfg *config.Config) error { return receiveOtel(ctx, env, store, cfg, o) })
}

func receiveOtel(ctx context.Context, env cli.Env, store *Store, cfg *config.Config, o IntakeOptions) error {
	if o.loops(cfg) {
		cli.Warn(env, "[otel] sends to this receiver itself, so nothing is sent on; name another exporter with -c otel.exporter=...")
		cfg.Otel.Exporter = config.Exporter{}
	}
	r := &run{env: env, cfg: cfg, store: store}
	telemetry, err := r.telemetry()
	if err != nil {
		return err
	}
	stop, err := store.receive(ctx, env, o)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-store.Failed():
		err = notRecordedBy(store)
	}
	stop()
	telemetry.finish(ctx)
	return err
}

// receive listens for telemetry of Codex and records it.
func (s *Store) receive(ctx context.Context, env cli.Env, o IntakeOptions) (stop func(), err error) {
	token, err := readToken(env, o.TokenFile)
	if err != nil {
		return nil, err
	}
	for _, address := range []string{o.HTTP, o.GRPC} {
		if address != "" && token == "" && !loopback(address) {
			return nil, cli.Fail(cli.Usage, fmt.Errorf("receive on %s: everybody who reaches it could write into the record; give clients a token with --token-file", address))
		}
	}
	r, err := intake.Start(ctx, intake.Options{HTTP: o.HTTP, GRPC: o.GRPC, Token: token, MaxBody: o.MaxBody, Rate: o.Rate, Take: s.takeReports})
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	for _, at := range []struct{ what, address string }{{"HTTP", r.HTTP}, {"gRPC", r.GRPC}} {
		if at.address != "" {
			if _, err := fmt.Fprintf(env.Stdout, "otlp %s http://%s\n", at.what, at.address); err != nil {
				r.Close()
				return nil, cli.Fail(cli.Failure, err)
			}
		}
	}
	return func() {
		r.Close()
		c := r.Counts()
		serving(env, "telemetry of Codex: %d records taken, %d of unknown kinds left out, %d without a conversation refused", c.Taken, c.Unknown, c.Homeless)
	}, nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// takeReports commits reports, in steps that the bus takes.
func (s *Store) takeReports(ctx context.Context, reports []codex.Report) error {
	if err := s.Err(); err != nil {
		return err
	}
	const most = 512
	var pending []event.Pending
	for len(reports) > 0 {
		n, size := 0, 0
		for n < len(reports) && n < most && (n == 0 || size < maxReportBytes) {
			size += reportBytes(reports[n])
			n++
		}
		events := make([]*event.Event, n)
		for i, r := range reports[:n] {
			events[i] = reporter{session: r.Session, turn: r.Turn, call: r.Call, cause: r.Cause, at: r.Time, id: func() event.ID { return r.ID }}.event(event.System, r.Payload)
		}
		p, err := s.Bus.Submit(ctx, events...)
		if err != nil {
			return err
		}
		pending, reports = append(pending, p), reports[n:]
	}
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// maxReportBytes bounds what one submission holds, about.
const maxReportBytes = 256 << 10

func reportBytes(r codex.Report) int {
	switch p := r.Payload.(type) {
	case *event.ToolResultPayload:
		return p.Arguments.Len() + p.Output.Len() + 1024
	case *event.UserPromptPayload:
		return p.Prompt.Len() + 1024
	case *event.AgentResponsePayload:
		return p.Response.Len() + 1024
	case *event.FileChangePayload:
		return p.Diff.Len() + 2*len(p.Path) + 1024
	case *event.TurnCompletedPayload:
		return p.LastMessage.Len() + p.Error.Len() + 1024
	case *event.ConfigResolvedPayload:
		return p.Settings.Len() + 1024
	case *event.StreamRetryPayload:
		return p.Message.Len() + 1024
	}
	return 1024
}
