// Package auto is the reviewer that asks a model.
//
// A [Reviewer] builds one prompt from the request (policy, project instructions, environment, transcript,
// action), sends it through a [Model], reads the answer with reviewer.Parse and holds reviewer.Gate
// against it:
//
//	client := remote.Client{Stream: responsesClient.Stream, Observe: recordAs(event.Reviewer)}
//	r := auto.New(client, auto.Options{Model: "codex-auto-review", Effort: "low"})
//	err := reviewer.Serve(ctx, bus, streams, r, reviewer.Options{})
//
// # Guarantees
//
// Closed. Whatever goes wrong, the verdict is one of failed_closed, timed_out and aborted. At most
// three attempts share one deadline of 90 seconds. Attempts follow again after text that is no valid answer,
// after HTTP 429, 408 and 5xx, and after a connection that could not be made; an empty answer, any other
// refusal, a cut stream and a call that could not be recorded end the review at once. Pauses are 200 and 400 ms,
// spread by 10 %, or what the server asks for; a pause that would reach the deadline is not begun.
//
// The whole action is shown. Transcript entries are chosen and shortened within budgets, and each cut is
// marked; an action above 512 KiB is not reviewed and fails closed, because nobody could say what was approved.
//
// Untrusted text cannot pose as ours. Everything from the model and the workspace stands below header lines that carry a mark
// drawn from the random review id; its own lines are indented, and hidden characters stand as code points. A request can be read back
// region by region, without the loss of a byte.
//
// One conversation. Reviews of a session go on in one conversation and send what is new; one that fails drops it, and
// while one is under way others fork from its last completed state. At most 32 conversations of about 384 KiB are kept.
//
// Bounded looks. With an [Inspector] the model may call tools, Options.Inspections times in a review, all within the deadline; what they
// return is marked as untrusted.
//
// Every call is observable. [proctor/reviewer/auto/remote.Client] hands each HTTP attempt and stream event of a review to the observer
// that its caller made for it; an observer that fails ends the review.
//
// # What it does not do
//
// It does not run tools itself, and does not keep conversations beyond the process.
//
// [RunCase] runs one line of a review or breaker case file against scripted answers on a virtual clock.
package auto
