// Package otlp sends ledger entries to an OpenTelemetry collector: logs, metrics and
// spans, over HTTP (protobuf or JSON) or gRPC.
//
// [New] checks the options and makes one [exporters.Destination] for each signal
// that is switched on; an [exporters.Exporter] drives it along the ledger. Nothing
// is switched on by default, and nothing is dialled before the first batch.
//
// One codec. All three transports encode with collector/pdata. The exporters of the
// SDK are not used: they speak no JSON, which Codex documents, their result has no
// partial success, gRPC retries happen inside them, and the queue before them drops
// (one flood lost 63 % of its records). Here one batch is one request with one
// answer, so the cursor can follow it.
//
// Logs. One record for each event, attribute by attribute what the CLI exports
// (compat "codex": durations, lengths, token counts and success are text), with real
// times and the kind as eventName where the CLI has 0 and a line of its source.
// Join keys of ours are added: proctor.seq, proctor.leaf, proctor.session_seq,
// proctor.event_id, and turn.id and call_id. Fields of ours in Codex events are
// proctor.NAME. compat "typed" writes numbers and booleans as such. Which kinds leave
// is the table in kinds.go.
//
// Metrics. A pure fold of the same entries, see observe.go: delta temporality, the
// names, tags and buckets of the CLI. The SDK is not used because its readers know no
// cursor: what was observed and not yet sent dies with the process. Here it is
// observed again from the ledger. Overlapping time ranges do not occur within one
// process; values are exact over restarts up to a lost answer.
//
// Spans. Thin: session, turn, model request, tool call and review, each written when its
// closing event is in the ledger. Span ids are digests of what they name, so that a
// second delivery is the same span.
//
// Redaction is package redact's; no text of an event reaches this package otherwise.
//
// Limits: bodies of answers are read up to 64 KiB; redirects are not followed (they
// would carry headers elsewhere); 256 sessions are cached; 2,000 series per batch,
// then tags collapse into otel.metric.overflow.
//
// Deviations from the OTLP specification, in favour of the record: where it says to
// drop after 401, 403, 404, 500 and the like, the data stays in the ledger and is
// offered again rarely. With protocol "json" the batch bound is an estimate.
package otlp
