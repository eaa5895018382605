package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"proctor/internal/cli"
	"proctor/internal/config"
)

// choices are settings and the flags that set values of their own. What a flag means is config.ParseFlags' to say;
// here it only gets its place in the help.
type choices struct{ settings }

func (s *choices) bind(f *pflag.FlagSet) {
	s.settings.bind(f)
	f.StringP("model", "m", "", "`MODEL` to use")
	f.StringP("sandbox", "s", "", "`MODE`: read-only, workspace-write or danger-full-access")
	f.StringP("ask-for-approval", "a", "", "approval `POLICY`: untrusted, on-request or never")
	f.StringP("permissions-profile", "P", "", "permission profile `NAME` for commands, instead of --sandbox")
	f.Bool("trust", false, "trust the folder for this run; an untrusted mark stands")
	f.StringArray("add-dir", nil, "further writable `DIR`")
	f.StringArray("enable", nil, "switch `FEATURE` on")
	f.StringArray("disable", nil, "switch `FEATURE` off")
	f.Bool("full-auto", false, "deprecated: same as --sandbox workspace-write")
	f.Bool("dangerously-bypass-approvals-and-sandbox", false, "no approvals, no sandbox")
	f.Bool("yolo", false, "same as --dangerously-bypass-approvals-and-sandbox")
	f.Bool("approve-for-me", false, "workspace-write, on-request, automatic review")
	f.Bool("oss", false, "use a local model: Ollama, or --local-provider")
	f.String("local-provider", "", "`NAME`: ollama or lmstudio, with --oss")
	f.Bool("search", false, "live web search")
	for _, name := range []string{"yolo", "full-auto"} {
		_ = f.MarkHidden(name)
	}
}

// configured makes c take the flags of exec, and run with the configuration that they ask for.
func configured(c *cobra.Command, env cli.Env, run func(ctx context.Context, o config.Options, args []string) error) *cobra.Command {
	var s choices
	s.bind(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		o, err := s.options(c, env)
		if err != nil {
			return err
		}
		return run(c.Context(), o, args)
	}
	return c
}

// forCommand is configured for a command that is given another one: what follows the first word of that is not for us.
func forCommand(c *cobra.Command, env cli.Env, run func(ctx context.Context, o config.Options, args []string) error) *cobra.Command {
	c.Args = cobra.MinimumNArgs(1)
	c.Flags().SetInterspersed(false)
	return configured(c, env, run)
}

// Flags that several commands have alike.
func bindIgnoreRules(f *pflag.FlagSet, to *bool) {
	f.BoolVar(to, "ignore-rules", false, "leave out .rules files; managed rules stay")
}

func bindEvents(f *pflag.FlagSet, to *string) {
	f.StringVar(to, "events", "", "write every event of the run to `FILE`, '-' for standard output")
}

func bindFailOn(f *pflag.FlagSet, to *[]string) {
	f.StringSliceVar(to, "fail-on", nil, "end with status 3 when something was `WHAT`: denied, sandbox, tool")
}

// options are those of the flags that c was given.
func (s *choices) options(c *cobra.Command, env cli.Env) (config.Options, error) {
	o := config.Options{Cwd: env.Cwd}
	var given []string
	c.Flags().Visit(func(f *pflag.Flag) {
		if name := "--" + f.Name; config.KnowsFlag(name) {
			given = append(given, spelled(name, f.Value)...)
		}
	})
	_, err := config.ParseFlags(given, &o)
	return o, err
}

// spelled writes a flag as it could have been typed.
func spelled(name string, v pflag.Value) []string {
	if many, ok := v.(pflag.SliceValue); ok {
		var out []string
		for _, one := range many.GetSlice() {
			out = append(out, name+"="+one)
		}
		return out
	}
	if v.Type() != "bool" {
		return []string{name + "=" + v.String()}
	}
	if v.String() == "true" {
		return []string{name}
	}
	return nil
}
