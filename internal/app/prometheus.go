package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"proctor/event"
	"proctor/exporters/otlp"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// serveMetrics answers a scraper with what was recorded since this process took the ledger, and how far behind each destination is. It
// returns when it listens; the function ends it.
func (s *Store) serveMetrics(env cli.Env, cfg *config.Config) (stop func(), err error) {
	addr := cfg.Proctor.Serve.Metrics
	if addr == "" {
		return func() {}, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Errorf("[serve] metrics: %w", err))
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		cli.Warn(env, fmt.Sprintf("[serve] metrics listens on %s: whoever reaches that address reads counts, tool and host names without a password", host))
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Errorf("[serve] metrics: %w; choose another port", err))
	}
	options, err := otlpOptions(env, cfg)
	if err != nil {
		return nil, errors.Join(cli.Fail(cli.Failure, err), listener.Close())
	}
	l := s.owned()
	totals := otlp.NewTotals(options, l)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = totals.Write(w, l.Tree().Size, s.lags(r.Context(), cfg)) // a scraper that went away
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	ctx, cancel := context.WithCancel(context.Background())
	s.work.Go(func() { _ = server.Serve(listener) }) // ends with ErrServerClosed
	from := event.Seq(l.Tree().Size)
	s.work.Go(func() {
		_ = l.Follow(ctx, from, func(e event.Entry) error { totals.Add(ctx, e); return nil }) // ends with ctx, or with the ledger
	})
	serving(env, "metrics for Prometheus on http://%s/metrics", listener.Addr())
	return func() { cancel(); _ = server.Close() }, nil
}

// lags are those of every destination that is configured or ever ran.
func (s *Store) lags(ctx context.Context, cfg *config.Config) []otlp.Lag {
	list, err := s.exportStatus(ctx, cfg)
	if err != nil {
		return nil
	}
	out := make([]otlp.Lag, 0, len(list))
	for _, d := range list {
		out = append(out, otlp.Lag{
			Destination: d.Destination, Signal: d.Signal, Entries: int64(d.Lag), Millis: d.LagTime, //nolint:gosec // numbers of entries, far below 2^63
			Accepted: d.Accepted, Rejected: d.Rejected, Failures: d.Failures, Failing: d.Failing(),
		})
	}
	return out
}
