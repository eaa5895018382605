package app

import "strings"

// quoteCommand writes argv as one line that a POSIX shell reads back as argv.
func quoteCommand(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = quoteWord(w)
	}
	return strings.Join(words, " ")
}

// inDouble escapes what a shell interprets between double quotes (POSIX.1-2017, 2.2.3).
var inDouble = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

func quoteWord(w string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,@%+", r)
	}
	switch {
	case w == "":
		return "''"
	case !strings.ContainsFunc(w, func(r rune) bool { return !safe(r) }):
		return w
	case strings.Contains(w, "'") && !strings.ContainsAny(w, "!^"): // these two are not literal in double quotes everywhere
		return `"` + inDouble.Replace(w) + `"`
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
