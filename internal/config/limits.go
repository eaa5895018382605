package config

// Bounds on what a file or a flag may contain. All of them are far above what a
// person writes and far below what hurts.
const (
	maxFileBytes     = 1 << 20 // one configuration file
	maxDepth         = 64      // nested tables and arrays, and segments of a dotted key
	maxKeyBytes      = 1024    // one segment of a key
	maxValues        = 1 << 14 // keys and list elements of one file; the decoder is quadratic in the keys of a table
	maxOverrideBytes = 64 << 10
	maxOverrides     = 1024 // -c flags of one run
	maxProjectLevels = 256  // folders between project root and working folder
	maxProblems      = 100  // errors of one load; the rest is counted
	maxTextShown     = 120  // bytes of a wrong value repeated in a message
)
