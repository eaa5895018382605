// Package command reads an argument vector: which commands it holds, and whether each is known safe, ordinary or
// dangerous.
//
// Parse(argv) gives Parts, the commands that are judged and matched against rules one by one. A vector of exactly
// three words, bash|zsh|sh -c|-lc SCRIPT, is split when the script holds nothing but plain commands joined by && || ; | or
// line breaks; everything else stays whole. Classify(argv) is the documented class of the whole.
//
// Two layers of classes are kept apart. Part.Class is the documented one, with its known gaps (source: security
// document and reference/codex-sandbox-approvals.md section 6). Part.Findings say what the documented class does not see (a forced rm
// behind xargs, git reset --hard, a download piped into a shell, a safe name taken from the workspace, ...) and raise it; policy.Decide
// uses the raised class unless told otherwise. A finding raises to dangerous only for what nothing brings back: removing named
// files, find -name x -delete or chmod -R of one folder are ordinary, a sandbox confines them. Inner lists literal commands seen inside what stayed whole, so that forbidding rules reach
// them; rules that allow never do.
//
// Guarantees: pure, deterministic, safe for concurrent use, never panics, and never marks as safe what it could not
// parse. Bounds: MaxScript bytes of script, MaxWords words, maxDepth nested shells, maxInner inner commands, a fixed
// amount of parsing per vector; what exceeds a bound is dangerous (finding "uninspectable"), not skipped.
//
// It does not expand variables, globs or aliases, does not know what programs do beyond its tables, and
// is no confinement: the sandbox is.
package command
