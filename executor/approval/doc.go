// Package approval is the one path from a proposed action to a decision.
//
// A [Gate] gathers the facts of an action, lets [policy.Decide] judge them, asks
// a reviewer where the answer is a prompt, and returns a [Ruling] with the
// codex.tool_decision event that the executor records before anything happens.
// The facts go into that event, so the same decision can be made again later.
//
// Asking is two events: approval_requested is recorded first; the ruling waits
// for the approval_decided of that request. No answer means no: a deadline, a
// cancelled turn, a lost reviewer, an answer about another digest all refuse.
//
// A person may override what a review did not approve ([Gate.Change]): the same action, by its digest, once, for a while. The override is
// used up on the record before the decision it allows; it answers prompts and lifts no forbid, no requirement, no critical risk. What
// was granted for more than one call ends with a revocation, from the next decision on.
//
// A Gate may be used by several calls at once.
package approval
