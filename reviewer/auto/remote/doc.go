// Package remote is the reviewer's model behind a Responses API server.
//
//	r := auto.New(remote.Client{Stream: client.Stream, Observe: recordAs(event.Reviewer)}, auto.Options{Model: "codex-auto-review"})
//
// It stands apart from [proctor/reviewer/auto] so that whoever needs only what a review decides, such as a runner of
// case files, does without an HTTP client.
package remote
