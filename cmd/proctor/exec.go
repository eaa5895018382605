//go:build !lean

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"proctor/internal/app"
	"proctor/internal/cli"
)

// execFlags are those of codex exec, and ours at the end.
type execFlags struct {
	choices
	json, skipGit        bool
	output, schema       string
	images               []string
	ignoreRules          bool
	colour               string
	ephemeral, hookTrust bool

	events  string
	failOn  []string
	timeout time.Duration
}

func newExec(env cli.Env) *cobra.Command {
	var f execFlags
	c := &cobra.Command{
		Use:   "exec [flags] [PROMPT]",
		Short: "run an agent without asking anybody, under supervision",
		Long: `exec runs one prompt to its end. Flags, standard input, output and exit statuses are those of
codex exec: the prompt is an argument, or '-' for standard input; an argument with piped input
gets that appended as a <stdin> block. The final message goes to standard output, everything
else to standard error; with --json standard output is one JSON object a line.

exec asks nobody, as codex exec: what would be asked is refused. With -a POLICY in a terminal, and without --json, the person
who sits there is asked. With approvals_reviewer = "user" written in the configuration, and 'proctor serve' in charge of the
ledger, what needs approval waits for 'proctor approvals' in another terminal.

Exit status: 0 the turn completed, whatever its commands did; 1 the turn or the configuration failed; 2 usage;
3 --fail-on found something; 6 sandbox unavailable; 7 evidence could not be made durable;
124 --timeout; 130 SIGINT; 143 SIGTERM.`,
		Example: `  proctor exec "run the tests and fix what fails"
  proctor exec -a on-request "release version 1.2"
  proctor exec -s read-only --json "list the open TODOs" > run.jsonl
  echo "explain main.go" | proctor exec -
  proctor exec --oss -m llama3.2 "what does this program do?"
  proctor exec resume --last "now add a test"`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 && args[0] != "review" && args[0] != "fork" {
				return fmt.Errorf("exec takes one prompt, got %d arguments; quote the prompt", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, env, app.ExecOptions{}, args) },
	}
	f.bind(c.PersistentFlags())
	c.AddCommand(newResume(env, &f))
	return c
}

func newResume(env cli.Env, f *execFlags) *cobra.Command {
	var last bool
	c := &cobra.Command{
		Use:   "resume [SESSION] [PROMPT]",
		Short: "go on with a session",
		Example: `  proctor exec resume --last "now add a test"
  proctor exec resume 01a207ab-9f1f-7ca2-b329-c847928d2424 "go on"`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			var o app.ExecOptions
			switch {
			case last:
				o.ResumeLast = true
			case len(args) == 0:
				return usage("resume needs a session id or --last; 'proctor ledger ls' lists sessions")
			default:
				o.Resume, args = args[0], args[1:]
			}
			if len(args) > 1 {
				return usage("resume takes one prompt, got %d arguments; quote the prompt", len(args))
			}
			return f.run(c, env, o, args)
		},
	}
	c.Flags().BoolVar(&last, "last", false, "the newest session")
	return c
}

func (f *execFlags) bind(s *pflag.FlagSet) {
	f.choices.bind(s)
	s.BoolVar(&f.json, "json", false, "print events as JSON lines")
	s.BoolVar(&f.json, "experimental-json", false, "same as --json")
	s.BoolVar(&f.skipGit, "skip-git-repo-check", false, "work outside a Git repository")
	s.StringVarP(&f.output, "output-last-message", "o", "", "write the last message to `FILE` as well")
	s.StringVar(&f.schema, "output-schema", "", "JSON schema `FILE` for the final answer")
	s.StringArrayVarP(&f.images, "image", "i", nil, "attach image `FILE`")
	bindIgnoreRules(s, &f.ignoreRules)
	s.StringVar(&f.colour, "color", "auto", "`WHEN`: auto, always or never")
	s.BoolVar(&f.ephemeral, "ephemeral", false, "accepted for compatibility: the ledger always records")
	s.BoolVar(&f.hookTrust, "dangerously-bypass-hook-trust", false, "run hooks that nobody trusted")

	bindEvents(s, &f.events)
	bindFailOn(s, &f.failOn)
	s.DurationVar(&f.timeout, "timeout", 0, "end the run after `DURATION`, with status 124")
	for _, name := range []string{"experimental-json", "ephemeral"} {
		_ = s.MarkHidden(name)
	}
}

func (f *execFlags) run(c *cobra.Command, env cli.Env, o app.ExecOptions, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if c.Name() == "exec" && len(args) > 0 && (args[0] == "review" || args[0] == "fork") {
		return usage("'proctor exec %s' is not part of this version; to send that word as a prompt, pipe it in", args[0])
	}
	var err error
	if o.Config, err = f.options(c, env); err != nil {
		return err
	}
	o.Config.BypassHookTrust = f.hookTrust
	o.Config.Headless, o.Ask = true, c.Flags().Changed("ask-for-approval")
	if len(args) > 0 {
		o.Prompt, o.Prompted = args[0], true
	}
	o.JSON, o.OutputFile, o.SchemaFile, o.AddDirs, o.Images = f.json, f.output, f.schema, o.Config.AddDirs, f.images
	o.SkipGit, o.IgnoreRules, o.Colour, o.EventsFile, o.FailOn, o.Bypass = f.skipGit, f.ignoreRules, f.colour, f.events, f.failOn, f.bypassed(c)
	return cli.WithTimeout(c.Context(), f.timeout, func(ctx context.Context) error { return app.Exec(ctx, env, o) })
}

func (f *execFlags) check() error {
	switch {
	case !slices.Contains([]string{"auto", "always", "never"}, f.colour):
		return usage("--color %q: expected auto, always or never", f.colour)
	case f.timeout < 0:
		return usage("--timeout %s: expected a positive duration, for example 10m", f.timeout)
	}
	return checkFailOn(f.failOn)
}

func checkFailOn(words []string) error {
	for _, w := range words {
		if !slices.Contains([]string{app.FailOnDenied, app.FailOnSandbox, app.FailOnTool}, w) {
			return usage("--fail-on %q: expected denied, sandbox or tool", w)
		}
	}
	return nil
}

// bypassed reports whether no approvals and no sandbox were asked for by name.
func (*execFlags) bypassed(c *cobra.Command) bool {
	return c.Flags().Changed("yolo") || c.Flags().Changed("dangerously-bypass-approvals-and-sandbox")
}
