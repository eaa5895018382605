// Package executor runs the turns of an agent under supervision.
//
// A [Session] talks to the model, takes the tool calls it asks for through one
// path (propose, decide, record, act, record) and writes everything that happens
// to the session's [event.Stream]:
//
//	session.Open(ctx, ...)   // conversation_starts and what decides
//	session.Turn(ctx, prompt)
//	session.Close(ctx, reason)
//
// Nothing runs before its codex.tool_decision and proctor.exec_started are
// committed, in one commit; whatever ends the run, everything up to that point is
// in the ledger: cancelling a turn kills what runs, records the interruption and
// returns. An error that wraps [event.ErrNotRecorded] means the ledger is gone:
// nothing further may be done but to end the process.
//
// The state of a session is a fold over its events ([Fold]); resuming one
// rebuilds the conversation from the ledger. A call that was started and has no
// result is closed as interrupted and never repeated ([Recover]).
//
// A Session runs one turn at a time; tool calls within a turn run side by side
// where their tools allow it.
package executor
