package app

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"proctor/internal/cli"
	"proctor/internal/codex/execserver"
)

// codexPatience is how long the Codex CLI may take to tell its version.
const codexPatience = 20 * time.Second

// codexChecks say whether an installed Codex CLI has the version that its executor was made for; nothing where none is installed.
func codexChecks(ctx context.Context, env cli.Env) []check {
	program, err := findCodex(env)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, codexPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return []check{{"codex", false, false, program + " does not tell its version: " + err.Error()}}
	}
	return []check{codexCheck(program, string(out))}
}

// codexCheck judges what --version printed: "codex-cli 0.169.0".
func codexCheck(program, printed string) check {
	fields := strings.Fields(shorten(printed, 200))
	version := ""
	if len(fields) > 0 {
		version = fields[len(fields)-1]
	}
	if version != execserver.ProtocolVersion {
		return check{"codex", false, false, "warning: " + program + " is version " + or(version, "unknown") + "; 'proctor codex exec-server' and 'run' were made for " +
			execserver.ProtocolVersion + ", and refuse what they do not know"}
	}
	return check{"codex", true, false, program + " " + version}
}
