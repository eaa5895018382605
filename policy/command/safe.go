package command

import (
	"path"
	"strings"
)

// knownSafe is the documented list: the base name of the program counts.
func knownSafe(argv []string) bool {
	name, args := path.Base(argv[0]), argv[1:]
	if argv[0] == "" || strings.HasSuffix(argv[0], "/") {
		return false
	}
	if anyArgs.has(name) {
		return true
	}
	if refused, ok := withoutOptions[name]; ok {
		return !hasOption(args, refused)
	}
	switch name {
	case "base64":
		return !base64Writes(args)
	case "sed":
		return sedPrints(args)
	case "git":
		return gitReadsOnly(args)
	}
	return false
}

// hasOption: some argument is one of the options, alone or before "=".
func hasOption(args []string, options set) bool {
	for _, a := range args {
		name, _, _ := strings.Cut(a, "=")
		if options.has(a) || (strings.HasPrefix(a, "--") && options.has(name)) {
			return true
		}
	}
	return false
}

func base64Writes(args []string) bool {
	for _, a := range args {
		if strings.HasPrefix(a, "-o") || a == "--output" || strings.HasPrefix(a, "--output=") {
			return true
		}
	}
	return false
}

// sedPrints: -n, one address Np or N,Mp, and at most one file.
func sedPrints(args []string) bool {
	if len(args) < 2 || len(args) > 3 || args[0] != "-n" {
		return false
	}
	address, ok := strings.CutSuffix(args[1], "p")
	if !ok {
		return false
	}
	from, to, two := strings.Cut(address, ",")
	return isNumber(from) && (!two || isNumber(to))
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// gitReadsOnly: a reading subcommand, reached without a configuration override and without options that write or start programs.
func gitReadsOnly(args []string) bool {
	rest, ok := gitSubcommand(args, gitGlobalValue)
	if !ok || !gitReads.has(rest[0]) || hasOption(args, gitWrites) || gitOverridesConfig(args) {
		return false
	}
	return rest[0] != "branch" || branchLists(rest[1:])
}

// gitSubcommand skips global options, those of withValue with the next word, and returns the subcommand with its arguments.
func gitSubcommand(args []string, withValue set) ([]string, bool) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case withValue.has(a):
			i++
		case strings.HasPrefix(a, "-"):
		default:
			return args[i:], true
		}
	}
	return nil, false
}

// gitOverridesConfig: -c counts wherever it stands, as in Codex, although log and diff have a -c of their own.
func gitOverridesConfig(args []string) bool {
	for _, a := range args {
		if strings.HasPrefix(a, "-c") || a == "--config-env" || strings.HasPrefix(a, "--config-env=") {
			return true
		}
	}
	return false
}

// branchLists: every argument is a listing option; without arguments git lists too.
func branchLists(args []string) bool {
	for _, a := range args {
		if !gitBranchRead.has(a) && !strings.HasPrefix(a, "--format=") {
			return false
		}
	}
	return true
}
