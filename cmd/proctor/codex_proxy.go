//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newCodexProxy(env cli.Env) *cobra.Command {
	var s settings
	var o app.CodexProxyOptions
	var dump string
	c := &cobra.Command{
		Use:   "proxy",
		Short: "hold the key of the model server for the Codex CLI, and record each request and each event of the answers",
		Long: `proxy stands between Codex and the model server. It reads the key from standard input, so that the agent needs none, and passes POST /v1/responses on; everything
else is 403. Each request is recorded before it is sent, each event of the stream before Codex sees it: session THREAD-proxy. Secrets are masked in the record, and the
key is nowhere in it. The flags are those of codex-responses-api-proxy, so that it fits where the official CI action starts that one:

  printenv OPENAI_API_KEY | env -u OPENAI_API_KEY proctor codex proxy --http-shutdown --server-info info.json &
  codex exec -c model_provider=p -c 'model_providers.p={name="p",base_url="http://127.0.0.1:PORT/v1",wire_api="responses"}' PROMPT
  curl http://127.0.0.1:PORT/shutdown

It listens on 127.0.0.1 only, and any process of this machine may use it. Run it as another user than the agent: one of the same user is kept from its memory on Linux only.

Exit status: 0 ended by GET /shutdown or a signal; 1 it cannot listen, or configuration; 2 usage, or no key; 7 evidence could not be made durable.`,
		Example: "  printenv OPENAI_API_KEY | proctor codex proxy --port 4141\n  printenv OPENAI_API_KEY | proctor codex proxy --http-shutdown --server-info info.json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Port < 0 || o.Port > 65535 {
				return usage("--port %d: expected 0 to 65535", o.Port)
			}
			if dump != "" {
				return usage("--dump-dir: requests and answers are in the ledger, masked, and in no other file; 'proctor replay THREAD-proxy --json' prints them")
			}
			o.Config = s.options(env)
			return app.CodexProxy(c.Context(), env, o)
		},
	}
	f := c.Flags()
	s.bind(f)
	f.IntVar(&o.Port, "port", 0, "listen on `PORT` of 127.0.0.1; a free one without")
	f.StringVar(&o.ServerInfo, "server-info", "", "write port and process id as JSON to `FILE`, once it listens")
	f.BoolVar(&o.HTTPShutdown, "http-shutdown", false, "end at GET /shutdown")
	f.StringVar(&o.Upstream, "upstream-url", "https://api.openai.com/v1/responses", "pass requests on to `URL`")
	f.StringVar(&dump, "dump-dir", "", "not taken: the ledger has what went through")
	return c
}
