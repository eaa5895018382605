// Package witness asks witnesses for cosignatures, by the protocol of C2SP tlog-witness.
//
// A witness remembers the newest checkpoint that it saw of a log. It cosigns a newer one only when a consistency proof shows that the
// older is a beginning of it. So whoever has the directory and the signing key of a ledger can no longer show two histories to two people
// who both ask for the witness's signature.
//
//	witnesses, err := ledger.ParseWitnesses(keys)
//	result, err := witness.Ask(ctx, l, "https://witness.example/", witnesses)
//
// Ask takes the newest signed checkpoint, proves it to the witness from what that cosigned last, checks the answer against the given keys
// and stores it beside the checkpoint. A failure is stored too, for ledger.Verify to report; with ErrFork the witness says that
// history is not what it saw. What a witness says without a signature is its word only.
//
// Nothing here delays a commit: the ledger does not know of it. The time that Ask may take is that of ctx, at most a minute.
//
// When something was recorded witnesses say only by the time of their own clocks; package tsa asks authorities for that.
package witness
