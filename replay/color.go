package replay

// Strong is a tone of headings.
const Strong Tone = -1

// ansi is the small set of SGR sequences in use.
var ansi = map[Tone]string{Strong: "\x1b[1m", Dim: "\x1b[2m", Good: "\x1b[32m", Warn: "\x1b[33m", Bad: "\x1b[31m"}

const ansiReset = "\x1b[0m"

// palette paints a text in a tone, or leaves it as it is.
func palette(color bool) func(Tone, string) string {
	return func(tone Tone, text string) string {
		sequence := ansi[tone]
		if !color || sequence == "" || text == "" {
			return text
		}
		return sequence + text + ansiReset
	}
}

// UseColor says whether to use colours: on a terminal, unless NO_COLOR has a value or TERM is dumb (no-color.org).
func UseColor(terminal bool, getenv func(string) string) bool {
	return terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}
