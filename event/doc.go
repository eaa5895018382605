// Package event is the vocabulary of proctor: what can happen, and what one
// says about it. Nearly every other package imports it; it imports none of ours.
//
// An [Event] is an envelope (who, when, in which session, turn and call, caused
// by what) around a [Payload], one Go struct for each [Kind]. [Catalog] lists
// them all; doc/events.md and doc/events.schema.json are generated from it.
//
// Text that may hold secrets or personal data is a [Sensitive]: it prints as a
// mask under every verb, and [Encode] splits it from the public part, which
// keeps only a salted commitment to it. The public part is what the ledger's
// tree commits to; the content lies beside it and can be erased without
// breaking a proof.
//
// Producers speak through a [Stream], which numbers the events of one session
// without gaps. Publish returns when the bus has accepted an event; Record
// returns when the ledger has committed it, with a [Receipt] each. An action
// whose Record failed must not run.
//
// Bounds: the public part of an event is at most [MaxPublic] bytes, its
// sensitive content at most [MaxContent]; larger events are refused by Encode
// with [ErrTooLarge], so producers cut, and mark the cut, before they record.
package event
