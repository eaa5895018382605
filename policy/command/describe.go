package command

// meanings are the findings in words for a person.
var meanings = map[string]string{
	FindingHiddenRemove:     "a forced rm behind a wrapper, in shell text, or under another spelling",
	FindingUnparsed:         "a forced rm in text that no shell grammar accepts",
	FindingDestroysFiles:    "removes or empties files for good, and more than it names",
	FindingDestroysDevice:   "writes over a device or a file system",
	FindingDiscardsWork:     "throws away work that no commit keeps, or rewrites what others have",
	FindingOpensPermissions: "changes permissions of a whole tree too far",
	FindingForkBomb:         "a function starts itself without end",
	FindingUnseenScript:     "runs text from a download or decoder that nobody has seen",
	FindingUninspectable:    "larger or deeper than what is looked into",
	FindingExpansion:        "the shell still expands a word, which may add options",
	FindingForeignPath:      "a known name, taken from a folder that is no system folder",
	FindingOption:           "an option that writes or runs, spelled past the list",
}

// Describe says in words what a finding code means; an unknown code is empty.
func Describe(code string) string { return meanings[code] }
