package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/otlp"
	"proctor/exporters/siem"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// destinationStatus is one destination as the ledger knows it.
type destinationStatus struct {
	Destination string `json:"destination"`
	// State is delivered, waiting, failing or never_ran.
	State      string    `json:"state"`
	Configured *bool     `json:"configured,omitempty"` // in [otel] or [[siem]] of who asks; absent when that cannot be read
	Next       event.Seq `json:"next"`
	Head       event.Seq `json:"head"`
	Lag        uint64    `json:"lag_entries"`
	LagTime    int64     `json:"lag_ms"` // how long the oldest entry that waits has been in the ledger
	exporters.Account
}

// Status says how far each destination got. cfg is nil when the configuration cannot be read.
func Status(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, asJSON bool) error {
	list, err := s.exportStatus(ctx, cfg)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if !asJSON && len(list) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "no destination: there is no exporter in [otel] and no [[siem]], and nothing was ever sent")
		return err
	}
	for _, d := range list {
		if asJSON {
			if err := jsonLine(env, d); err != nil {
				return cli.Fail(cli.Failure, err)
			}
			continue
		}
		if _, err := fmt.Fprintln(env.Stdout, cli.Plain(d.String())); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	return nil
}

// configured are the destinations of [otel] and [[siem]].
func configured(cfg *config.Config) []otlp.Named {
	o := cfg.Otel
	out := otlp.Options{Logs: otlpExporter(o.Exporter), Metrics: otlpExporter(o.MetricsExporter), Traces: otlpExporter(o.TraceExporter)}.Destinations()
	for _, s := range cfg.Proctor.SIEM {
		out = append(out, otlp.Named{Name: siem.CursorName(s.Name), Signal: siem.Signal})
	}
	return out
}

func (s *Store) exportStatus(ctx context.Context, cfg *config.Config) ([]destinationStatus, error) {
	names, err := s.Ledger.CursorNames()
	if err != nil {
		return nil, err
	}
	signals := map[string]string{}
	if cfg != nil {
		for _, d := range configured(cfg) {
			signals[d.Name] = d.Signal
			if !slices.Contains(names, d.Name) {
				names = append(names, d.Name)
			}
		}
	}
	slices.Sort(names)
	list := make([]destinationStatus, 0, len(names))
	for _, name := range names {
		d, err := s.destinationStatus(ctx, name)
		if err != nil {
			return nil, err
		}
		if cfg != nil {
			signal, ok := signals[name]
			d.Configured = &ok
			if d.Signal == "" {
				d.Signal = signal
			}
		}
		list = append(list, d)
	}
	return list, nil
}

func (s *Store) destinationStatus(ctx context.Context, name string) (destinationStatus, error) {
	d := destinationStatus{Destination: name, Head: event.Seq(s.Ledger.Tree().Size), State: "never_ran"}
	next, ran, err := exporters.Next(s.Ledger, name)
	if err != nil || !ran {
		return d, err
	}
	if d.Account, err = exporters.ReadAccount(s.Ledger, name); err != nil {
		return d, err
	}
	d.Next, d.State = next, "delivered"
	if next < d.Head {
		d.State, d.Lag = "waiting", uint64(d.Head-next)
		if oldest, err := s.Ledger.Read(ctx, next, 1); err == nil && len(oldest) == 1 {
			d.LagTime = max(0, time.Since(oldest[0].Received).Milliseconds())
		}
	}
	if d.Failing() {
		d.State = "failing"
	}
	return d, nil
}

func (d destinationStatus) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	fmt.Fprintf(&b, "%s: %s", d.Destination, strings.ReplaceAll(d.State, "_", " "))
	if d.Configured != nil && !*d.Configured {
		b.WriteString(", not in the configuration here")
	}
	b.WriteByte('\n')
	if d.State == "never_ran" {
		return strings.TrimSuffix(b.String(), "\n")
	}
	if d.Lag == 0 {
		line("lag       none: all %d entries", d.Head)
	} else {
		line("lag       %d entries, the oldest waits for %s", d.Lag, (time.Duration(d.LagTime) * time.Millisecond).Round(time.Second))
	}
	line("records   %d accepted, %d rejected; entries: %d withheld, %d passed over", d.Accepted, d.Rejected, d.Withheld, d.Skipped)
	if !d.LastAccepted.IsZero() {
		line("accepted  last at %s", d.LastAccepted.Local().Format(time.DateTime))
	}
	if d.Failing() {
		line("failing   since %s (%s); tried again from %s", d.FailingSince.Local().Format(time.DateTime), d.Class, d.RetryAt.Local().Format(time.DateTime))
	}
	if d.LastError != "" {
		line("error     %s: %s", d.LastErrorAt.Local().Format(time.DateTime), d.LastError)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// jsonLine prints one object on one line.
func jsonLine(env cli.Env, v any) error {
	e := json.NewEncoder(env.Stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
