//go:build !lean

package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func bindIntake(f *pflag.FlagSet, o *app.IntakeOptions, http, grpc string) {
	f.StringVar(&o.HTTP, "otlp-http", http, "receive over HTTP on `HOST:PORT`")
	f.StringVar(&o.GRPC, "otlp-grpc", grpc, "receive over gRPC on `HOST:PORT`")
	f.StringVar(&o.TokenFile, "otlp-token-file", "", "clients must bear the text of `FILE`")
	f.Int64Var(&o.MaxBody, "otlp-max-body", 4<<20, "refuse larger requests, in `BYTES`, before and after decompression")
	f.IntVar(&o.Rate, "otlp-rate", 50_000, "refuse more `RECORDS` a second")
}

func newOtelReceive(env cli.Env) *cobra.Command {
	var s settings
	var o app.IntakeOptions
	c := &cobra.Command{
		Use:   "otel-receive",
		Short: "record what the Codex CLI tells over OpenTelemetry",
		Long: `otel-receive takes OTLP in over HTTP (protobuf and JSON) and gRPC, and prints its addresses. The logs of Codex become events of session
CONVERSATION-otel, marked as reported: Codex says so, nobody saw it. What looks like a secret is masked before it is recorded, and the exporters of
[otel] send it on. Metrics and traces are accepted and dropped; other kinds of records are left out, and counted.

A client is answered when its records are durable. Too large, too strongly compressed (100 times) or too many: it is refused. Addresses
other than of this machine need --otlp-token-file.

Exit status: 0 ended by a signal; 1 it cannot listen, or configuration; 2 usage; 7 evidence could not be made durable.`,
		Example: "  proctor codex otel-receive\n  proctor codex otel-receive --otlp-http 127.0.0.1:0 --otlp-grpc ''\n  proctor codex otel-receive --otlp-http 0.0.0.0:4318 --otlp-token-file token",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.HTTP == "" && o.GRPC == "" {
				return usage("nothing to listen on: give --otlp-http or --otlp-grpc")
			}
			return app.ReceiveOtel(c.Context(), env, s.options(env), o)
		},
	}
	s.bind(c.Flags())
	bindIntake(c.Flags(), &o, "127.0.0.1:4318", "127.0.0.1:4317")
	return c
}
