package human

import (
	"slices"
	"strings"

	"proctor/event"
	"proctor/policy"
	commands "proctor/policy/command"
)

// Risk is what is known of an action by its words alone, for a person who judges it: the class of a command and what was seen in it,
// or what else leaves the sandbox. Empty when nothing is known.
func Risk(a event.Action) string {
	switch a.Kind {
	case event.ActionCommand:
		return commandRisk(a.Argv)
	case event.ActionPatch:
		return "changes files that the session may not write"
	case event.ActionNetwork:
		return "data can leave the machine"
	case event.ActionMCP:
		return "acts outside the sandbox, through a server"
	case event.ActionStdin:
		return "typed into a command that runs outside the sandbox"
	case event.ActionPermissions:
		return "later commands get more rights without being asked about"
	default: // nothing is known of it beyond what is shown
	}
	return ""
}

var classWords = map[policy.Class]string{
	policy.Safe:      "low: known to only read",
	policy.Ordinary:  "not known: neither on the list of harmless commands nor of dangerous ones",
	policy.Dangerous: "high: may destroy what cannot be brought back",
}

func commandRisk(argv []string) string {
	parsed := commands.Parse(argv)
	worst, seen := policy.Safe, []string{}
	for _, p := range slices.Concat(parsed.Parts, parsed.Inner) {
		worst = policy.WorstClass(worst, p.Effective())
		for _, f := range p.Findings {
			seen = append(seen, f.Code)
		}
	}
	text := classWords[worst]
	if len(seen) > 0 {
		slices.Sort(seen)
		text += " (seen: " + strings.Join(slices.Compact(seen), ", ") + ")"
	}
	return text
}
