// Package fakemodel is a scripted model: a Responses API server on 127.0.0.1
// that answers from a [Scenario]. It serves the tests and `proctor demo`, which
// drives the real code path without a real model.
//
//	server := fakemodel.New(fakemodel.Script(
//		fakemodel.Answer(fakemodel.Call("exec_command", "c1", map[string]any{"cmd": "make test"})),
//		fakemodel.Answer(fakemodel.Say("Done.").Final()),
//	))
//	baseURL, err := server.Start()
//	defer server.Close()
//
// A scenario is Go values as above or the JSON format described at [Parse]. Each
// POST …/responses takes the next step of the first track whose match fits the
// request body; when a track has no step left, the answer is the message
// "(script ended)".
//
// # Guarantees
//
// Answers depend on the scenario and the order of requests only: ids count up,
// nothing is random, and nothing is delayed unless the step says so. Events are
// flushed at pauses and at the end of a step, not one by one. Every request is
// recorded before it is answered ([Server.Requests]); the Authorization header
// is recorded as present, never as text. A failed require or forbid does not
// change the answer; it shows in [Server.Unmet].
//
// Concurrency: all methods may be called from several goroutines. Close ends
// answers in progress, also silent ones, and returns when their goroutines have.
//
// Limits: a request body of 64 MiB; bodies kept until they fill 256 MiB, after
// which requests are recorded without them ([Request.BodyDropped]); one million
// deltas a part.
//
// # What it does not do
//
// No WebSocket (an upgrade is answered with 426), no telemetry intake, no TLS,
// no address but loopback. It does not check that a request makes sense.
package fakemodel
