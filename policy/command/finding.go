package command

import (
	"path"
	"slices"
	"strings"

	"proctor/policy"
)

// The finding codes. Those up to FindingUninspectable raise to dangerous, the others only to ordinary.
const (
	FindingHiddenRemove     = "hidden_forced_rm"    // behind a wrapper, in a nested shell, under an escaped or computed name
	FindingUnparsed         = "unparsed_forced_rm"  // in text that the shell grammar does not accept
	FindingDestroysFiles    = "destroys_files"      // shred, find -delete without a test, rm -r of a whole root, ...
	FindingDestroysDevice   = "destroys_device"     // mkfs, dd to a device, ...
	FindingDiscardsWork     = "discards_work"       // git reset --hard, clean -f, push --force, ...
	FindingOpensPermissions = "changes_permissions" // recursive and far too wide
	FindingForkBomb         = "fork_bomb"           // a function that starts itself in the background
	FindingUnseenScript     = "runs_unseen_script"  // downloaded or decoded text goes into an interpreter
	FindingUninspectable    = "uninspectable"       // larger or deeper than the bounds

	FindingExpansion   = "unquoted_expansion" // the shell still expands a word, which may add options
	FindingForeignPath = "program_by_path"    // a safe name taken from a folder that is not a system folder
	FindingOption      = "option_gap"         // an option that writes or runs, spelled so that the documented list misses it
)

var uninspectable = policy.Finding{Code: FindingUninspectable, Class: policy.Dangerous}

func unique(list []policy.Finding) []policy.Finding {
	var out []policy.Finding
	for _, f := range list {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// safeGaps lists what the documented safe list lets pass and should not.
func safeGaps(argv []string) []policy.Finding {
	var out []policy.Finding
	if strings.Contains(argv[0], "/") && !systemDirs.has(path.Dir(argv[0])) {
		out = append(out, policy.Finding{Code: FindingForeignPath, Class: policy.Ordinary})
	}
	if gap, ok := optionGaps[path.Base(argv[0])]; ok && gap(argv[1:]) {
		out = append(out, policy.Finding{Code: FindingOption, Class: policy.Ordinary})
	}
	return out
}

var optionGaps = map[string]func(args []string) bool{
	"rg":   bundles("z"),
	"uniq": func(args []string) bool { return operands(args, "-f", "-s", "-w") > 1 }, // the second operand is written
	"sed":  func(args []string) bool { return len(args) == 3 && strings.HasPrefix(args[2], "-") },
	"git":  gitGap,
}

// bundles: a bundle of short options holds letter.
func bundles(letter string) func([]string) bool {
	return func(args []string) bool {
		return slices.ContainsFunc(args, func(a string) bool {
			return len(a) > 2 && a[0] == '-' && a[1] != '-' && strings.Contains(a, letter)
		})
	}
}

// operands counts the words that are no options; the named options take a value.
func operands(args []string, withValue ...string) int {
	n := 0
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--":
			return n + len(args) - i - 1
		case slices.Contains(withValue, a):
			i++
		case len(a) < 2 || a[0] != '-':
			n++
		}
	}
	return n
}

// gitGap: git accepts unambiguous beginnings of long options, -p before the subcommand pages, and another git directory
// brings its own configuration.
func gitGap(args []string) bool {
	for i, a := range args {
		name, _, _ := strings.Cut(a, "=")
		if slices.Contains(gitForeign, name) || i == 0 && a == "-p" {
			return true
		}
		for _, long := range gitWrites {
			if len(name) > len("--x") && name != long && strings.HasPrefix(long, name) {
				return true
			}
		}
	}
	return false
}
