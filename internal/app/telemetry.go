package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"proctor/event"
	"proctor/exporters"
	"proctor/internal/cli"
	"proctor/ledger"
)

// telemetry is how the records of a run leave: through the exporters of this process while it owns the ledger, else
// through those of the owner. A process that becomes the owner goes on where the last one stopped, by the cursors in the ledger.
type telemetry struct {
	r *run

	mu       sync.Mutex
	export   Export
	started  bool
	finished bool
}

// telemetry starts the exporters, or leaves them to the owner of the ledger for as long as there is another one.
func (r *run) telemetry() (*telemetry, error) {
	t := &telemetry{r: r}
	if !exports(r.cfg) || r.store.whenOwner(func(context.Context) { t.takeOver() }) {
		return t, nil
	}
	return t, t.start()
}

func (t *telemetry) start() (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.finished || t.started {
		return nil
	}
	t.export, err = StartExport(t.r.store, t.r.cfg, t.r.session, t.r.env.Logger())
	t.started = err == nil
	return err
}

func (t *telemetry) takeOver() {
	if err := t.start(); err != nil {
		cli.Warn(t.r.env, "telemetry stays in the ledger: "+err.Error())
	}
}

// finish flushes, or waits for the owner to, within the configured time, says what is left for a later run, and stops.
func (t *telemetry) finish(ctx context.Context) {
	if exports(t.r.cfg) && t.r.store.owned() != nil {
		t.takeOver() // the owner that sent for this run has ended meanwhile
	}
	t.mu.Lock()
	t.finished = true
	export, started := t.export, t.started
	t.mu.Unlock()
	switch {
	case started:
		export.finish(ctx, t.r.env)
	case exports(t.r.cfg) && !t.r.store.remote: // the ledger nodes of a cluster export by themselves
		if err := t.r.awaitExport(context.WithoutCancel(ctx)); err != nil {
			_, _ = fmt.Fprintln(t.r.env.Stderr, "telemetry:", cli.Plain(err.Error()))
		}
	}
}

// awaitExport has the owner's exporters send what this run recorded.
func (r *run) awaitExport(ctx context.Context) error {
	var names []string
	for _, d := range configured(r.cfg) {
		names = append(names, d.Name)
	}
	left, _, err := behind(ctx, r.store.dir, r.session, names)
	if err != nil || len(left) == 0 {
		return err
	}
	within := r.cfg.Proctor.Export.ExitTimeout
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, asking := r.store.askExport(ctx, exportQuestion{Flush: within})
	left, sent, err := behind(context.WithoutCancel(ctx), r.store.dir, r.session, names)
	if err != nil || len(left) == 0 {
		return err
	}
	if !sent || errors.Is(asking, errNoExporters) {
		return fmt.Errorf("the process that owns the ledger does not export to %q; the records of this run stay there for a later one", left)
	}
	return fmt.Errorf("the process that owns the ledger has not sent all of this run to %q yet", left)
}

// behind are the destinations that have not got the whole session; sent is false when one of them never got anything.
func behind(ctx context.Context, dir, session string, names []string) (left []string, sent bool, err error) {
	view, err := ledger.OpenReadOnly(dir, ledger.Options{})
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = view.Close() }()
	info, err := view.SessionInfo(ctx, session)
	if errors.Is(err, ledger.ErrUnknownSession) { // it recorded nothing
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	sent = true
	for _, name := range names {
		next, ran, err := exporters.Next(view, name)
		if err != nil {
			return nil, false, err
		}
		if next <= event.Seq(info.Last) {
			left, sent = append(left, name), sent && ran
		}
	}
	return left, sent, nil
}
