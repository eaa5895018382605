package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/codex/proxy"
	"proctor/internal/config"
)

// CodexProxyOptions are the flags of proctor codex proxy.
type CodexProxyOptions struct {
	Config config.Options
	Port   int
	// ServerInfo is a file that gets port and process id, empty for none.
	ServerInfo string
	// HTTPShutdown lets GET /shutdown end the proxy.
	HTTPShutdown bool
	Upstream     string
}

// proxySession ends the name of a session with what went through the proxy about a thread.
const proxySession = "-proxy"

// CodexProxy passes requests of Codex on to the model server with the key from standard input, each recorded before, until ctx ends.
func CodexProxy(ctx context.Context, env cli.Env, o CodexProxyOptions) error {
	upstream, err := proxy.CheckUpstream(o.Upstream)
	if err != nil {
		return cli.Fail(cli.Usage, err)
	}
	if err := keepMemory(); err != nil {
		cli.Warn(env, "other processes of this user may read the key out of this one's memory: "+err.Error())
	}
	key, err := proxy.ReadKey(env.Stdin)
	if err != nil {
		return cli.Fail(cli.Usage, err)
	}
	for _, name := range []string{"OPENAI_API_KEY", "CODEX_API_KEY"} {
		if env.Getenv(name) != "" {
			cli.Warn(env, name+" is in the environment of this process, where it may be read; start it with env -u "+name)
		}
	}
	down := make(chan struct{})
	po := proxy.Options{Upstream: upstream, Key: key, Port: o.Port}
	if o.HTTPShutdown {
		po.Shutdown = sync.OnceFunc(func() { close(down) })
	}
	return WithStore(ctx, env, o.Config, Open, Runner, func(store *Store, cfg *config.Config) error {
		po.Record = (&proxyRecord{store: store, own: "proxy-" + string(event.NewID())}).record
		return serveProxy(ctx, env, store, cfg, po, o.ServerInfo, down)
	})
}

func serveProxy(ctx context.Context, env cli.Env, store *Store, cfg *config.Config, po proxy.Options, info string, down <-chan struct{}) error {
	telemetry, err := (&run{env: env, cfg: cfg, store: store}).telemetry()
	if err != nil {
		return err
	}
	p, err := proxy.Start(ctx, po)
	if err != nil {
		telemetry.finish(ctx)
		return cli.Fail(cli.Failure, err)
	}
	if _, err = fmt.Fprintf(env.Stdout, "proxy http://127.0.0.1:%d/v1\n", p.Port); err == nil && info != "" {
		err = writeServerInfo(env.Abs(info), p.Port)
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case <-down:
		case <-store.Failed():
			err = notRecordedBy(store)
		}
	}
	const patience = 5 * time.Second
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	p.Close(closing)
	cancel()
	telemetry.finish(ctx)
	return cli.Fail(cli.Failure, err)
}

// writeServerInfo tells port and process id, as codex-responses-api-proxy does. Who reads the file sees all of it or none.
func writeServerInfo(path string, port int) error {
	text, err := json.Marshal(struct {
		Port int `json:"port"`
		PID  int `json:"pid"`
	}{port, os.Getpid()})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // another user reads what is in it: the agent's
		return fmt.Errorf("write --server-info: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".server-info-")
	if err != nil {
		return fmt.Errorf("write --server-info: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Close()) // another user reads it: the agent's
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write --server-info: %w", err)
	}
	return nil
}

// proxyRecord records exchanges in the session of the thread that the client names.
type proxyRecord struct {
	store *Store
	own   string // the session where it names none
}

func (p *proxyRecord) record(ctx context.Context, about proxy.Thread, payloads ...event.Payload) (func(context.Context) error, error) {
	if err := p.store.Err(); err != nil {
		return nil, err
	}
	r := reporter{session: about.ID + proxySession, turn: about.Turn}
	if about.ID == "" || event.CheckSession(r.session) != nil {
		r.session = p.own
	}
	var all []event.Pending
	for _, payload := range payloads { // each for itself: together they may be too large
		actor := event.System
		switch payload.(type) {
		case *event.ModelAnsweredPayload, *event.ModelEventPayload:
			actor = event.Model
		}
		pending, err := p.store.Bus.Submit(ctx, r.event(actor, payload))
		if err != nil {
			return nil, err
		}
		all = append(all, pending)
	}
	return func(ctx context.Context) error {
		for _, pending := range all {
			if _, err := pending.Wait(ctx); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
