// Package config decides with which settings proctor runs, and remembers where
// every single one of them came from.
//
// Start with [Load]. It reads the layers below from an injected file system and
// environment, weakest first, merges them table by table (scalars and arrays
// replace), narrows the result by the managed requirements and returns one
// typed [Config]:
//
//	default       built in
//	system        /etc/codex/config.toml
//	user          $CODEX_HOME/config.toml
//	profile       [profiles.NAME] of the two files above, then $CODEX_HOME/NAME.config.toml
//	project       .codex/config.toml from the project root down to the working
//	              folder, only when the folder is trusted
//	flag          -c key=value, then the flags with a name of their own
//	managed       /etc/codex/managed_config.toml (legacy)
//	requirements  /etc/codex/requirements.toml, and managed_config.toml reread
//
// # Guarantees
//
//   - Requirements only narrow. A configured value outside of them is clamped
//     with a warning, or refused where a clamp would change what the user asked
//     for beyond recognition; see constrain.go for the table.
//   - A project file can never choose the model provider, the telemetry, the
//     notify program, a profile, or the trust of a folder.
//   - Every value has an origin ([Config.Origin], [Config.Explain],
//     [Config.Origins]); every problem has file, line and column where the file
//     has them ([Error]); problems are reported all at once.
//   - A missing file is an empty layer. An unreadable or malformed one is an
//     error, because running with fewer rules than written is worse than not
//     running.
//   - Everything read is bounded: see the constants in limits.go.
//
// Load touches only the given file system and environment, starts no goroutine
// and keeps no state; a Config is not changed after Load and may be read from
// many goroutines.
//
// # What it does not do
//
// It does not watch files, write files (saving trust is the caller's), resolve
// filesystem globs (policy/filesystem), judge domain patterns (policy/egress),
// compile rules (policy/execrules) or check that a folder is a git repository.
package config
