//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// reReview is replay --re-review.
func (s *settings) reReview(c *cobra.Command, env cli.Env, o app.ReplayOptions, r app.ReReviewOptions, args []string) error {
	chosen := len(args)
	for _, on := range []bool{o.Last, r.All} {
		if on {
			chosen++
		}
	}
	switch {
	case chosen != 1:
		return usage("--re-review needs one of a session id, --last and --all")
	case len(o.Kinds) > 0 || o.HTML != "" || o.Call != "" || o.Full || o.Redact:
		return usage("--re-review goes with --model, --policy, --json and -c only")
	}
	if len(args) == 1 {
		r.Session = args[0]
	}
	r.Last, r.JSON = o.Last, o.JSON
	return app.WithStore(c.Context(), env, s.options(env), app.Open, app.Reader, func(store *app.Store, cfg *config.Config) error {
		return app.ReReview(c.Context(), env, store, cfg, r)
	})
}
