// Package policy decides what an agent may do.
//
// A caller gathers Facts (what is asked, how it parsed, which rules matched, which approval policy and sandbox are
// in force) and calls Decide, which answers allow, prompt or forbid with a source, a reason code and a text for the
// model. The sub-packages make the facts: command reads argument vectors, execrules reads .rules files, egress reads
// network requests, filesystem reads paths.
//
// Guarantees. Decide is a pure function: no I/O, no clock, no map order, no state; the same Facts give the same Decision, so a
// recorded decision can be re-made. Deny wins: one forbidding rule forbids the whole action. Unknown is not allow:
// an action, class, mode or approval policy that this version does not know is forbidden or treated as dangerous.
// When nobody may be asked (policy "never", a granular category that is off, a headless run without an automatic
// reviewer) a prompt becomes a refusal. All functions may be called from several goroutines.
//
// Facts and Decision are plain data with stable JSON names. Size is bounded where the facts are made, not here.
//
// It does not ask anyone, remember answers, run anything or enforce anything: those are executor/approval,
// reviewer and executor/sandbox.
package policy
