// Package exporters follows the ledger and hands its entries to destinations: an
// OTLP collector (package otlp), a file or pipe for a SIEM (package siem).
//
// An [Exporter] is a durable cursor over an [event.Reader] in front of one
// [Destination]. It reads entries, fills a batch (at most 512 records and 1 MiB, or
// what arrived within the interval), sends it, and moves the cursor when the
// destination accepted it. While a full batch is on its way the next ones are
// filled, up to three, and wait for the answer. There is no queue in between: what a destination cannot
// take stays in the ledger, an outage costs disk space and nothing else, and the
// lag is head minus cursor.
//
//	e, err := exporters.New(dest, reader, cursors, exporters.Options{Head: ledger.Head, Session: id})
//	go e.Run(ctx)             // whoever starts it waits for it
//	report := e.Flush(ctx)    // at the end of a run, failed or not
//	e.Close()
//
// Guarantees. Order: entries leave in ledger order. Delivery: at least once; an
// answer that got lost leads to a second delivery, which the event id in every
// record lets the receiver recognise. Memory: four batches and one page of entries, of at most 128 or what the reader makes of them.
// Run and Flush may be called at the same time, from different goroutines; one of
// them works at a time. Flush returns within its deadline even when the destination
// hangs, and neither ever fails the run: trouble goes into the [Report] and the log.
//
// Answers of a destination are of five classes, see [Class]: accepted, in part
// (counted, not sent again, reported as proctor.export_gap), retry later (full
// jitter back-off; a time that the server names is obeyed), too large (the batch
// is cut in half), refused for its content (reported as a gap, passed over), and
// blocked: wrong credentials, wrong address. Blocked data stays in the ledger and is
// offered again after a minute or in the next run: an expired token must not cost
// evidence.
//
// An outage longer than [Options.OutageAfter] is itself an event, when it is noticed
// and when it is over. Gaps about batches that hold nothing but gaps are only
// logged, otherwise a destination that refuses everything would fill the ledger.
//
// Account. What a destination accepted and refused since it first ran, and its newest error, is an
// [Account], stored in the step that moves the cursor.
//
// Limits. A destination that never ran begins at the first entry of
// Options.Session, else at the head: history is not sent unless asked for
// (Options.FromBeginning). One destination must be driven by one exporter at a
// time. Entries of kinds that this program does not know are passed over and counted.
package exporters
