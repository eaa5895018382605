// Package ledger is the record: an append-only, tamper-evident store of events in one directory.
//
// Open it, give it events with [Ledger.Submit] or [Ledger.Append], read them back with
// [Ledger.Read], [Ledger.Session] and [Ledger.Follow], prove them with [Ledger.Checkpoint] and
// [Ledger.Inclusion], and check everything with [Ledger.Verify]:
//
//	l, err := ledger.Open(dir, ledger.Options{Logger: log})
//	defer l.Close()
//	receipts, err := l.Append(ctx, e)
//
// # What a receipt promises
//
// The entry is in the write-ahead log of Pebble and the log is synced; it has its final place in
// the ledger and in its session; the Merkle tree covers it. A power cut after that loses nothing.
//
// # Order
//
// Entries are numbered from 0 without gaps, in the order in which Submit took them; those of one
// session also from 1. An event that carries its own number must be the next of its session, or
// its submission is refused with [ErrGap]. The clock plays no part: receive times may go back.
//
// # Once
//
// An event id is recorded once. Submitting it again with the same bytes gives the receipt of the
// first time, also after a crash; with other bytes it is [ErrConflict]. So a sender that does not
// know whether its events arrived sends them again.
//
// What comes from a numbered source, such as a partition of a message stream, goes through [Ledger.Ingest]: the position in the source
// moves in the commit of the entries, so that what is delivered again is refused, and nothing is passed over.
//
// # Concurrency
//
// One goroutine commits: all that waits goes into one Pebble batch with one sync, while the batch
// before it still syncs. Submissions are all or none. Every method may be called from any
// goroutine. One process owns a directory at a time; others get an [InUseError] with its pid. Beside an
// owner others read with [OpenReadOnly], send it events through package bus, and say with [Claim] which
// sessions they write, so that an owner that comes later leaves those alone.
//
// # Failure
//
// When a write or sync fails, also in the background (full disk, I/O error), the ledger has failed
// for good: everything unanswered and everything later gets [ErrFailed] at once, what is committed
// stays readable, and the process should end in order. Open and Close come back within two seconds
// of a failure even if Pebble does not; the directory then stays locked until the process ends. A
// disk that hangs without an error is not noticed; callers bound their wait.
//
// # Limits
//
// An entry has at most 65,535 bytes, a submission [MaxBatchEvents] events and [MaxBatchBytes]
// bytes; 8 MiB may wait, then Submit blocks. Whoever holds both the directory and the signing key
// can rewrite history: send checkpoints elsewhere, have them cosigned (package witness) or time-stamped (package tsa). Sequence numbers are unsigned 63-bit.
//
// The format is described in doc/ledger-format.md. A directory of an older format is read, and written as it is, until [Migrate]. [VerifyOptions.Since] checks what came after an
// earlier verification, in time that does not grow with what lies before; [VerifyOptions.Quick] checks the tree and what is signed, and nothing of what entries say.
package ledger
