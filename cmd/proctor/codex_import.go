//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newCodexImport(env cli.Env) *cobra.Command {
	var s settings
	var o app.CodexImportOptions
	c := &cobra.Command{
		Use:   "import [flags] FILE|FOLDER...",
		Short: "record what the Codex CLI left in files: output of 'codex exec --json' and rollout files",
		Long: `import reads files of Codex and records what they tell, marked as reported: Codex says so, nobody saw it. A file is the saved output of
'codex exec --json', which goes into session THREAD-jsonl, or a rollout file, also compressed with zstd, which goes into THREAD-rollout. Of a FOLDER, such
as $CODEX_HOME/sessions, all rollout files are taken. What looks like a secret is masked before it is recorded.

Importing again adds nothing; a longer version of a file adds its new part. A file of the same thread with another beginning, such as the output
of 'codex exec resume', gets a session of its own: THREAD-jsonl-2 and so on. Lines that are not understood are counted and passed over. A file that
is something else, or above the bounds (16 MiB a line, a million lines, 4 GiB), leaves no event; the others are taken.

Exit status: 0 all files were taken; 1 a file could not be, or configuration; 2 usage; 7 evidence could not be made durable; 130 and 143 interrupted:
import again.`,
		Example: "  proctor codex import run.jsonl\n  proctor codex import ~/.codex/sessions\n  proctor codex import --json run.jsonl rollout.jsonl.zst",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Config, o.Paths = s.options(env), args
			return app.CodexImport(c.Context(), env, o)
		},
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&o.JSON, "json", false, "print what became of each file as one JSON object")
	return c
}
