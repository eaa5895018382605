package replay

import (
	"encoding/json"
	"fmt"
	"strings"

	"proctor/event"
)

// actionText is what an action asks for: a line, and the lines of a patch or input.
func actionText(text string) (string, []string) {
	var a event.Action
	if json.Unmarshal([]byte(text), &a) != nil {
		return text, nil // sealed, or written by another version
	}
	switch a.Kind {
	case event.ActionCommand:
		all := lines(argvText(a.Argv))
		if len(all) == 0 {
			return "", nil
		}
		return join("  ", all[0], prefixed("# ", permissionText(a))), all[1:]
	case event.ActionStdin:
		return fmt.Sprintf("into process %d: %s", a.Process, a.Input), nil
	case event.ActionPatch:
		return strings.Join(a.Files, " "), lines(a.Patch)
	case event.ActionNetwork:
		return fmt.Sprintf("%s port %d (%s)", a.Host, a.Port, a.Protocol), nil
	case event.ActionMCP:
		return join(" ", a.Server, a.Arguments), nil
	default:
		return join(" ", strings.Join(a.Files, " "), a.Arguments), nil
	}
}

func permissionText(a event.Action) string {
	if a.Permissions == event.RequireEscalated {
		return "asks to leave the sandbox"
	}
	return ""
}

// commandText is the command of a JSON argument vector.
func commandText(argv string) string {
	var words []string
	if json.Unmarshal([]byte(argv), &words) != nil {
		return argv
	}
	return argvText(words)
}

// argvText shows the script of a shell command as it is, and quotes any other vector.
func argvText(argv []string) string {
	if len(argv) == 3 && (argv[1] == "-c" || argv[1] == "-lc") {
		return argv[2]
	}
	return event.CommandLine(argv)
}
