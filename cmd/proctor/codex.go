//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newCodex(env cli.Env) *cobra.Command {
	return group("codex", "work with the Codex CLI of OpenAI: be its executor, answer its hooks, take its telemetry and its files in, hold its key", newExecServer(env), newCodexRun(env), newCodexHook(env), newCodexInstall(env), newOtelReceive(env), newCodexImport(env), newCodexReconcile(env), newCodexProxy(env))
}

func newExecServer(env cli.Env) *cobra.Command {
	var s settings
	var o app.ExecServerOptions
	c := &cobra.Command{
		Use:   "exec-server",
		Short: "be the executor of the Codex CLI: what it runs and edits is decided, confined and recorded here",
		Long: `exec-server runs the commands of an unmodified Codex CLI, types into its terminals and makes its file edits. Codex starts it
itself when $CODEX_HOME/environments.toml names it as the only environment:

  default = "proctor"
  include_local = false
  [[environments]]
  id = "proctor"
  program = "proctor"
  args = ["codex", "exec-server"]

Each request becomes a decision under our policy and the sandbox that Codex states, the stricter of both; it is recorded before it
is carried out. A command that Codex approved to run outside its sandbox is judged again by the approval policy and the reviewer
of the configuration. The sessions in the ledger are the threads of Codex, the calls have its call ids.

With --listen ws://127.0.0.1:PORT it serves several clients of this machine and prints its address; port 0 takes a free one. Clients
without a token may work below the working folder and each --workspace only. With --token-file they must bear its
text, as 'Authorization: Bearer', or as the path of the URL.

When the client is gone, what it started is killed and its sessions are closed.

Exit status: 0 the client is gone; 1 configuration, or a client that does not speak the protocol; 2 usage; 7 evidence could not
be made durable; 130 and 143 interrupted.`,
		Example: "  proctor codex exec-server\n  proctor codex exec-server -c sandbox_mode=read-only\n  proctor codex exec-server --listen ws://127.0.0.1:4517 --token-file token",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Config = s.options(env)
			return app.ExecServer(c.Context(), env, o)
		},
	}
	f := c.Flags()
	s.bind(f)
	bindIgnoreRules(f, &o.IgnoreRules)
	f.StringVar(&o.Listen, "listen", "", "serve clients at `URL`: ws://127.0.0.1:PORT, or stdio, which is the default")
	f.StringVar(&o.TokenFile, "token-file", "", "clients of --listen must bear the text of `FILE`")
	f.StringArrayVar(&o.Workspaces, "workspace", nil, "clients without a token may work below `DIR` too")
	return c
}

func newCodexRun(env cli.Env) *cobra.Command {
	var s settings
	var o app.CodexRunOptions
	c := &cobra.Command{
		Use:   "run [flags] [PROMPT]",
		Short: "let the Codex CLI work on one prompt, under full supervision",
		Long: `run starts 'codex app-server', gives it PROMPT (standard input without one, or for "-"), and is its executor: every command and file
edit is decided, confined and recorded here, and the questions that Codex asks are answered by our policy and reviewer. What nobody may
be asked about is refused. Messages, diffs, reviews and token use of Codex are recorded in the same session, which has the id
of its thread.

Codex is $CODEX, else codex of PATH. It gets a private CODEX_HOME with everything of your own, but with environments that name this
executor alone; its processes end with this command. The final message is printed on standard output.

Exit status: 0 the turn completed; 1 it failed, Codex ended in the middle of it, it never attached to the executor, or
configuration; 2 usage; 7 evidence could not be made durable; 130 and 143 interrupted.`,
		Example: "  proctor codex run \"fix the failing test\"\n  proctor codex run -c sandbox_mode=read-only \"review this\"\n  proctor codex run --json -",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Config = s.options(env)
			if o.Prompted = len(args) > 0; o.Prompted {
				o.Prompt = args[0]
			}
			return app.RunCodex(c.Context(), env, o)
		},
	}
	f := c.Flags()
	s.bind(f)
	bindIgnoreRules(f, &o.IgnoreRules)
	f.BoolVar(&o.JSON, "json", false, "print what Codex tells about items and turns as JSON lines")
	return c
}
