//go:build !lean

package main

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newExport(env cli.Env) *cobra.Command {
	return group("export", "telemetry to collectors", newExportStatus(env), newExportFlush(env), newExportBackfill(env))
}

func newExportStatus(env cli.Env) *cobra.Command {
	var s settings
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "how far each destination got, and why not further",
		Long: `status reads the ledger, also beside the process that owns it, and says for each destination: its lag in entries and
time, records accepted and rejected since it first ran, and the newest error. States: delivered, waiting, failing, never ran.
It sends nothing and asks nobody.

Exit status: 0 shown, whatever it shows; 2 usage; 7 there is no ledger, or it cannot be read.`,
		Example: "  proctor export status\n  proctor export status --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := env.Configure(s.options(env))
			if err != nil { // a missing secret must not hide what happened
				cli.Warn(env, "the configuration cannot be read, so what it names is not compared: "+err.Error())
			}
			return s.withStore(c, env, reads, func(store *app.Store, _ *config.Config) error {
				return app.Status(c.Context(), env, store, cfg, asJSON)
			})
		},
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each destination")
	return c
}

func newExportFlush(env cli.Env) *cobra.Command {
	var s settings
	var o app.FlushOptions
	c := &cobra.Command{
		Use: "flush", Aliases: []string{"drain"}, Short: "deliver what is pending now",
		Long: `flush sends everything behind the cursors of the exporters configured in [otel], and ends. Beside a process that owns
the ledger it has that one's exporters send. What a collector does not take stays in the ledger.

Exit status: 0 all is accepted; 1 something is left or was refused, [otel] is off, or the owner of the ledger does not export; 2 usage;
7 there is no ledger, or it cannot be opened.`,
		Example: "  proctor export flush\n  proctor export flush --within 10m --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return app.WithStore(c.Context(), env, s.options(env), app.OpenExisting, app.Runner, func(store *app.Store, cfg *config.Config) error {
				return app.FlushExport(c.Context(), env, store, cfg, o)
			})
		},
	}
	s.bind(c.Flags())
	deliveryFlags(c, &o)
	return c
}

func deliveryFlags(c *cobra.Command, o *app.FlushOptions) {
	c.Flags().DurationVar(&o.Within, "within", time.Minute, "give up after `TIME`; a collector that fails three times in a row ends it sooner")
	c.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object for each destination")
}

func newExportBackfill(env cli.Env) *cobra.Command {
	var s settings
	var o app.BackfillOptions
	c := &cobra.Command{
		Use: "backfill --from SEQ|TIME|AGE", Short: "send again from an entry on",
		Long: `backfill takes the cursors of the destinations in [otel] back to an entry of the ledger and sends from there: to a
destination that is new, lost what it had, or refused what it takes now. Every record carries proctor.event_id, by which the receiver tells
a second delivery; spans keep their ids. Metrics would be counted again, so they go only when --signal names them. Sessions that ran with
telemetry off stay at home. Each rewind is recorded as proctor.export_gap with reason backfill.

Exit status: as 'proctor export flush'.`,
		Example: `  proctor export backfill --from 0
  proctor export backfill --from 2026-11-23T09:00:00Z --within 1h
  proctor export backfill --from 7d --signal logs`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.From == "" {
				return usage("backfill needs --from: the number of an entry, a time, or an age such as 7d; 'proctor export status' shows where destinations are")
			}
			for _, signal := range o.Signals {
				if known := []string{"logs", "traces", "metrics", "events"}; !slices.Contains(known, signal) {
					return usage("--signal %q: want one of %q", signal, known)
				}
			}
			return app.WithStore(c.Context(), env, s.options(env), app.OpenExisting, app.Runner, func(store *app.Store, cfg *config.Config) error {
				return app.Backfill(c.Context(), env, store, cfg, o)
			})
		},
	}
	s.bind(c.Flags())
	deliveryFlags(c, &o.FlushOptions)
	c.Flags().StringVar(&o.From, "from", "", "first entry to send: its number, a `TIME` or an age")
	c.Flags().StringSliceVar(&o.Signals, "signal", []string{"logs", "traces", "events"}, "signals to send again: logs, traces, metrics, events")
	return c
}
