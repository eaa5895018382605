// Package execrules reads .rules files (Starlark) and matches commands and hosts against them.
//
// Parse(files) evaluates the files in order, lowest precedence first; Check(argv, options) lists every rule that matches
// and the strictest decision; Apply does so for all commands of a parsed vector; Network answers for a host.
// Amend writes the line that an accepted proposal appends to a rules file.
//
// The language is prefix_rule, network_rule and host_executable in Starlark with top-level control flow and f-strings
// (source: reference/codex-sandbox-approvals.md section 7). load does not exist, recursion and while do not either.
//
// Guarantees: evaluation is hermetic and bounded (bytes, steps, sizes of values, rules; see bound.go), so a hostile file costs a
// bounded amount and is refused. A file is taken whole or refused with *Error, which names file, line and column.
// Examples in match and not_match are checked when the file is loaded. The order and number of files never weakens a
// decision: the strictest match wins. Rules are immutable and safe for concurrent use.
//
// It does not read the file system, split shell scripts (policy/command does) or know what a command does.
package execrules
