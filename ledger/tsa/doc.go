// Package tsa asks time-stamping authorities for tokens, by RFC 3161 over HTTP (section 3.4 there).
//
// An authority signs a hash and the time. A token over a signed checkpoint shows to whoever trusts the authority that the ledger, up to there,
// was as it is at that time: whoever has the signing key cannot make a past any more that nobody saw then. Which of two histories
// is the true one it does not say; witnesses do (package witness).
//
//	result, err := tsa.Ask(ctx, l, "https://tsa.example/", roots)
//
// Ask takes the newest signed checkpoint, asks for a token over the bytes of its note with a fresh nonce, checks the answer (package timestamp)
// and stores it beside the store; ledger.Verify reports it. It is asked when somebody says so, and no event is recorded. What fails is the
// caller's to tell and leaves nothing behind. The authority gets the hash of the note, and nothing of the record.
//
// Answers and time are bounded, and redirects are not followed.
package tsa
