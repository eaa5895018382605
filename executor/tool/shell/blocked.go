package shell

import (
	"fmt"
	"strconv"
	"strings"

	"proctor/executor/sandbox"
)

// blocked names all destinations that the proxy refused, for the model: programs often say little about it.
func blocked(r sandbox.Result) string {
	if len(r.Blocked) == 0 {
		return ""
	}
	var b strings.Builder
	for _, why := range r.Blocked {
		b.WriteString("\n" + why)
	}
	if r.BlockedMore > 0 {
		fmt.Fprintf(&b, "\nNetwork access to %d more destinations was blocked.", r.BlockedMore)
	}
	return b.String() + "\n"
}

// processFailed is what a model knows of Codex when a command was ended for a destination.
func processFailed(why string) string {
	return "exec_command failed: ProcessFailed { message: " + strconv.Quote(why) + " }"
}
