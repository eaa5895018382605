// Package cli is what every command of proctor stands on: the world around it ([Env]), how it ends ([Exit]), what
// it tells a person ([Warn], [Plain]), the signals that end it ([Signals]).
//
// Functions that serve a command take an Env, so that tests and the binary differ only in their streams and
// environment. Errors that decide the exit status are [ExitError]s.
package cli
