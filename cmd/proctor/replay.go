//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newReplay(env cli.Env) *cobra.Command {
	var s settings
	var o app.ReplayOptions
	var w app.WhatIfOptions
	var again app.ReReviewOptions
	var judge bool
	var evidence, key string
	c := &cobra.Command{
		Use:   "replay [SESSION]",
		Short: "show what happened in a session",
		Long: `replay prints the timeline of a session: what was asked, who decided and why, what ran, what was
refused, how it ended. --json prints one event a line, envelope included.

With --evidence it shows the session of a file that 'proctor ledger export' wrote, if all of the file holds; no ledger is needed.

With --what-if it decides every recorded decision again, under another configuration, and prints those that flip: CONFIG is a
folder laid out like CODEX_HOME, which may hold requirements.toml too, a folder of .rules files, or one file config.toml or
requirements.toml. The flags of the recorded run stay in force, and -c is added. Nothing is run.

With --re-review it sends the recorded requests for approval to the automatic reviewer again, with another model or policy, and
prints those that would end otherwise. What was recorded with a request (command, transcript) goes to the model's server. Nothing is
run, the reviewer has no tools, and nothing is recorded.

Exit status: 0 shown, and with --what-if or --re-review nothing changes; 1 no such session, CONFIG does not load, or no review
could be judged; 2 usage; 3 with --what-if or --re-review: outcomes change, with --evidence: the file does not hold; 7 the ledger cannot be opened.`,
		Example: `  proctor replay --last
  proctor replay --last --json | jq -r .kind
  proctor replay --last --kind proctor.sandbox_denial
  proctor replay --last --html run.html
  proctor replay --evidence run.evidence
  proctor replay --all --what-if ./new-codex-home
  proctor replay --all --re-review --model other-model --policy rules.md
  proctor replay --last --what-if ~/.codex -c sandbox_mode=read-only --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if evidence != "" {
				if len(args) > 0 || o.Last || w.All || w.Config != "" || judge {
					return usage("--evidence names the session, and goes with neither a session id, --last, --all nor --what-if")
				}
				return app.ReplayEvidence(env, evidence, key, o)
			}
			if key != "" {
				return usage("--key goes with --evidence")
			}
			if judge {
				if w.Config != "" {
					return usage("--re-review and --what-if are two questions; ask one")
				}
				again.All = w.All
				return s.reReview(c, env, o, again, args)
			}
			if again.Model != "" || again.PolicyFile != "" {
				return usage("--model and --policy go with --re-review")
			}
			if w.Config != "" {
				return s.whatIf(c, env, o, w, args)
			}
			if w.All {
				return usage("--all goes with --what-if and --re-review; 'proctor ledger ls' lists sessions")
			}
			if o.Last == (len(args) == 1) {
				return usage("replay needs a session id or --last; 'proctor ledger ls' lists sessions")
			}
			if len(args) == 1 {
				o.Session = args[0]
			}
			return s.withStore(c, env, reads, func(store *app.Store, _ *config.Config) error { return app.Replay(c.Context(), env, store, o) })
		},
	}
	f := c.Flags()
	s.bind(f)
	f.BoolVar(&o.Last, "last", false, "the newest session")
	f.BoolVar(&w.All, "all", false, "with --what-if or --re-review: every session of the ledger")
	f.StringVar(&w.Config, "what-if", "", "decide again under `CONFIG`, and print what flips")
	f.BoolVar(&judge, "re-review", false, "judge recorded requests for approval again, and print what changes")
	f.StringVar(&again.Model, "model", "", "with --re-review: ask `MODEL`")
	f.StringVar(&again.PolicyFile, "policy", "", "with --re-review: the rules of the environment are those in `FILE`")
	f.StringVar(&evidence, "evidence", "", "the session of the evidence `FILE`")
	f.StringVar(&key, "key", "", "with --evidence: it must be signed with `KEY`, as 'proctor ledger key' prints it")
	f.BoolVar(&o.JSON, "json", false, "one event a line")
	f.BoolVar(&o.Redact, "redact", false, "with --json: no sensitive text")
	f.BoolVar(&o.Full, "full", false, "show output and patches whole")
	f.StringArrayVar(&o.Kinds, "kind", nil, "only events of `KIND`, for example codex.tool_decision")
	f.StringVar(&o.HTML, "html", "", "write a page to `FILE`")
	f.StringVar(&o.Call, "explain", "", "why call `ID` was allowed or refused")
	return c
}

// whatIf is replay --what-if.
func (s *settings) whatIf(c *cobra.Command, env cli.Env, o app.ReplayOptions, w app.WhatIfOptions, args []string) (err error) {
	chosen := len(args)
	for _, on := range []bool{o.Last, w.All} {
		if on {
			chosen++
		}
	}
	switch {
	case chosen != 1:
		return usage("--what-if needs one of a session id, --last and --all")
	case len(o.Kinds) > 0 || o.HTML != "" || o.Call != "" || o.Full || o.Redact:
		return usage("--what-if goes with --json and -c only")
	}
	if len(args) == 1 {
		w.Session = args[0]
	}
	w.Last, w.JSON, w.Overrides = o.Last, o.JSON, s.overrides
	s.overrides = nil // they are about the decisions, and not about where the ledger is
	return s.withStore(c, env, reads, func(store *app.Store, _ *config.Config) error { return app.WhatIf(c.Context(), env, store, w) })
}
