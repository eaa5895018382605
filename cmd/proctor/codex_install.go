//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newCodexInstall(env cli.Env) *cobra.Command {
	var o app.CodexInstallOptions
	c := &cobra.Command{
		Use:   "install [--exec-server] [--hooks] [--otel] [--managed]",
		Short: "write proctor into the configuration of the Codex CLI",
		Long: `install makes Codex use proctor, and prints what changes in which file:

  --exec-server  $CODEX_HOME/environments.toml: proctor is the only executor
  --hooks        $CODEX_HOME/hooks.json: 'proctor codex hook' for every event, behind the hooks of others, and in config.toml the hash
                 that each is trusted by; a hook without it is silently left out
  --otel         config.toml: telemetry to 'proctor codex otel-receive'
  --managed      with --hooks: into /etc/codex/requirements.toml instead, where no user can take them out

Installing again changes nothing. --uninstall puts every file back byte for byte as it was; from one that was changed meanwhile it takes
only what is ours. 'proctor doctor --codex' then proves that Codex takes it.

Exit status: 0 done; 1 a file cannot be read or written, or holds a setting that ours would clash with; 2 usage.`,
		Example: "  proctor codex install --exec-server --hooks\n  proctor codex install --hooks --dry-run\n  proctor codex install --otel --endpoint http://127.0.0.1:4318\n  proctor codex install --uninstall",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return app.CodexInstall(env, o) },
	}
	f := c.Flags()
	f.BoolVar(&o.ExecServer, "exec-server", false, "be the executor of Codex")
	f.BoolVar(&o.Hooks, "hooks", false, "answer its hooks")
	f.BoolVar(&o.Otel, "otel", false, "take its telemetry in")
	f.BoolVar(&o.Managed, "managed", false, "put the hooks where no user can take them out")
	f.BoolVar(&o.Uninstall, "uninstall", false, "put everything back")
	f.BoolVar(&o.DryRun, "dry-run", false, "print what would change, and change nothing")
	f.StringVar(&o.Endpoint, "endpoint", "http://127.0.0.1:4318", "with --otel: the `URL` of otel-receive")
	f.StringVar(&o.TokenFile, "token-file", "", "with --otel: send the text of `FILE` as bearer token")
	f.StringVar(&o.Requirements, "requirements", "/etc/codex/requirements.toml", "with --managed: the `FILE` to write")
	return c
}
