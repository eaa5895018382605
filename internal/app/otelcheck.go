package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"proctor/exporters/otlp"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// errOtelOff is the answer where [otel] names no collector; a [[siem]] takes no canary.
var errOtelOff = errors.New("no exporter is configured: set exporter, metrics_exporter or trace_exporter in [otel] of config.toml")

// CheckOtel sends a canary for each signal of [otel] and says what came of it.
func CheckOtel(ctx context.Context, env cli.Env, o config.Options, asJSON bool) error {
	cfg, warnings, err := env.Configure(o)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	if !exportsOtel(cfg) {
		return cli.Fail(cli.Failure, errOtelOff)
	}
	options, err := otlpOptions(env, cfg)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	checks, err := otlp.Check(ctx, options)
	if err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("[otel]: %w", err))
	}
	failed := 0
	for _, c := range checks {
		if !c.Accepted {
			failed++
		}
		if err := showCheck(env, c, asJSON); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	if failed > 0 {
		return cli.Fail(cli.Failure, errors.New("not every signal is accepted"))
	}
	return nil
}

func showCheck(env cli.Env, c otlp.Checked, asJSON bool) error {
	if asJSON {
		return jsonLine(env, c)
	}
	line := fmt.Sprintf("ok    %-8s %s: accepted in %s (proctor.canary_id = %s)", c.Signal, c.Name, c.Took.Round(time.Millisecond), c.ID)
	if !c.Accepted {
		line = fmt.Sprintf("FAIL  %-8s %s: %s\n      %-8s -> %s", c.Signal, c.Name, cli.Plain(c.Problem), "", c.Next)
	}
	_, err := fmt.Fprintln(env.Stdout, line)
	return err
}
