// Package direct runs one argument vector that a person or the configuration names, and not a model: the command of
// proctor run, and the commands of the setup phase.
//
// [New] makes a [Command], a tool.Proposal: the executor decides and records it as any other call, then runs it. Its
// output is given to the observer first and shown afterwards, so that nothing is shown that is not recorded.
//
// A cancelled context does not kill the command: it gets the signal that [Options.Ask] names for the cause, and is
// killed when it has not ended after [Options.Grace]. Run returns when the command has ended, with the cause of the context.
//
// It has no shell, no background and no waiting room: those are package shell.
package direct
