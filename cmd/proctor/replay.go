package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
)

func newReplay(env app.Env) *cobra.Command {
	var s settings
	var o app.ReplayOptions
	c := &cobra.Command{
		Use:   "replay [SESSION]",
		Short: "show what happened in a session",
		Long: `replay prints the timeline of a session: what was asked, who decided and why, what ran, what was
refused, how it ended. --json prints one event a line, envelope included.

Exit status: 0 shown; 1 no such session; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor replay --last
  proctor replay --last --json | jq -r .kind
  proctor replay --last --kind proctor.sandbox_denial
  proctor replay --last --html run.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.Last == (len(args) == 1) {
				return usage("replay needs a session id or --last; 'proctor ledger ls' lists sessions")
			}
			if len(args) == 1 {
				o.Session = args[0]
			}
			store, _, done, err := s.openReading(c, env)
			if err != nil {
				return err
			}
			defer done(&err)
			return app.Replay(c.Context(), env, store, o)
		},
	}
	f := c.Flags()
	s.bind(f)
	f.BoolVar(&o.Last, "last", false, "the newest session")
	f.BoolVar(&o.JSON, "json", false, "one event a line")
	f.BoolVar(&o.Redact, "redact", false, "with --json: no sensitive text")
	f.BoolVar(&o.Full, "full", false, "show output and patches whole")
	f.StringArrayVar(&o.Kinds, "kind", nil, "only events of `KIND`, for example codex.tool_decision")
	f.StringVar(&o.HTML, "html", "", "write a page to `FILE`")
	f.StringVar(&o.Call, "explain", "", "why call `ID` was allowed or refused")
	return c
}
