// Package hook runs the programs that a person, a project or an administrator wants asked or told about what an agent does.
//
// Deciding is pure: [Parse] reads the tables of hooks, [Definition.Hash] is what trust is given to, [Set.Select] says whom an input
// concerns, [Read] reads one answer and [Combine] makes one of several. Only [Set.Run] touches the system: it starts the selected
// programs side by side, outside of the sandbox, with the input on standard input, and bounds their time and their output.
//
// Words, payloads, matchers and the hash are those of Codex CLI 0.169.0. A hook that is asked whether something may happen
// ([Event.Gates]) and does not answer properly - it crashes, takes too long, writes what cannot be read - is an objection;
// Codex goes on then, and [Options.Open] does as well. No answer lifts a rule, a requirement or the need of a receipt: an approval
// answers only a prompt, see policy.Hook.
//
// A Set does not change after it was made and may be used by several goroutines.
package hook
