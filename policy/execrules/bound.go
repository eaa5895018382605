package execrules

// The bounds of loading. Beyond one of them the file is refused.
const (
	maxFiles    = 1024
	maxText     = 1 << 20 // bytes, all files together
	maxSteps    = 1 << 20 // Starlark steps, each file
	maxRules    = 20_000  // after alternatives of the first word are taken apart
	maxTokens   = 256     // elements of a pattern, and words of an example
	maxAlts     = 256     // alternatives of one element
	maxWordSize = 4 << 10 // bytes of one word, host, path or justification
	maxExamples = 1024    // of one rule
)
