// Package rulefile adds rules to a .rules file that people and other programs write too, and removes them.
//
// Append(path, line) makes sure that the file holds the line, Remove(path, line) that it does not. The file is locked while it is read and replaced, also against
// Codex, which locks the same file; it is replaced whole, so that a crash leaves the old text or the new one; it is on the disk
// when Append returns. A line that is there already is not written again. What the file would then say must load, otherwise
// nothing is written.
//
// Guarantees: the file and its folder are created for the owner alone; an existing file keeps its mode, a symbolic link stays
// one. Waiting for the lock ends with the context. Bounds: MaxSize bytes of text.
//
// It does not decide which rules are worth having (executor/approval) or write them (policy/execrules.Amend).
package rulefile
