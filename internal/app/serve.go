package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"proctor/bus"
	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// Serve owns the ledger until ctx ends: other processes record through it, and what they record leaves through its
// exporters. While another process has the ledger it stands by, and takes over when that one ends.
func Serve(ctx context.Context, env cli.Env, o config.Options, in IntakeOptions) error {
	cfg, warnings, err := env.Configure(o)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	if err := checkNode(cfg.Proctor.Bus); err != nil {
		return err
	}
	return withStore(ctx, env, cfg, Open, Service, func(store *Store) error { return serve(ctx, env, store, cfg, in) })
}

func serve(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, in IntakeOptions) error {
	owns := make(chan struct{})
	if s.whenOwner(func(context.Context) { close(owns) }) {
		serving(env, "standing by: another process owns the ledger %s; this one takes over when it ends", s.dir)
	} else {
		close(owns)
	}
	select {
	case <-owns:
	case <-ctx.Done():
		return nil
	case <-s.Failed():
		return notRecordedBy(s)
	}
	if in.on() && in.loops(cfg) {
		cli.Warn(env, "[otel] sends to this receiver itself, so nothing is sent on; name another exporter with -c otel.exporter=...")
		cfg.Otel.Exporter = config.Exporter{}
	}
	export, err := StartExport(s, cfg, "", env.Logger())
	if err != nil {
		return err
	}
	unserve, err := s.serveMetrics(env, cfg)
	if err != nil {
		return errors.Join(err, export.close())
	}
	defer unserve()
	retaining, stop := context.WithCancel(ctx)
	defer stop()
	s.work.Go(func() { s.retain(retaining, env, cfg.Proctor.Ledger.Retention) })
	defer s.serveHooks(retaining, env)()
	if in.on() {
		unreceive, err := s.receive(ctx, env, in)
		if err != nil {
			return errors.Join(err, export.close())
		}
		defer unreceive()
	}
	serving(env, "serving process %d: ledger %s to the processes of this user on %s, %s", os.Getpid(), s.dir, filepath.Join(s.dir, bus.Socket), destinations(export))
	node := make(chan error, 1) // its end; none comes without a cluster
	var taking sync.WaitGroup
	if cfg.Proctor.Bus.URL != "" {
		taking.Go(func() { node <- s.serveNode(retaining, env, cfg.Proctor.Bus) })
	}
	select {
	case <-ctx.Done():
		serving(env, "%v: ending", context.Cause(ctx))
		err = nil
	case <-s.Failed():
		err = notRecordedBy(s)
	case err = <-node:
	}
	stop()
	taking.Wait()
	export.finish(ctx, env)
	return err
}

func serving(env cli.Env, format string, args ...any) {
	_, _ = fmt.Fprintln(env.Stderr, "proctor:", cli.Plain(fmt.Sprintf(format, args...)))
}

func destinations(e Export) string {
	if len(e.group) == 0 {
		return "no exporter"
	}
	return fmt.Sprintf("%d exporters", len(e.group))
}

func notRecordedBy(s *Store) error {
	return cli.Fail(cli.NotDurable, fmt.Errorf("%w: %w; %s, then start again", event.ErrNotRecorded, s.Err(), remedy(s.Err())))
}
