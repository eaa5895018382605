// Package proxy stands between the Codex CLI and the model server: it holds the key, and records what goes through before it goes on.
//
//	s, err := proxy.Start(ctx, proxy.Options{Upstream: url, Key: key, Record: record})
//
// It takes the place of codex-responses-api-proxy and forwards what that one does: POST /v1/responses, without a query; all else is 403. So nobody who reaches it
// can use the key for anything else.
//
// # What is recorded
//
// One [event.ModelRequest] for each piece of a request, committed before anything is sent; one [event.ModelAnswered] before the client sees the head of the answer; one
// [event.ModelEvent] for each event of the stream before the client sees it; one [event.ModelEnded]. When that fails the exchange ends there. Events that are on their way to
// the ledger do not keep the next ones from being read: a stream is as fast as the ledger commits, not as one commit after the other.
//
// Texts that come in deltas are recorded with the event that ends them, since a secret in pieces is not recognised: of a delta kind, length and
// digest are recorded. Texts that nothing ended, of a stream that was cut, are in ModelEnded.
//
// # The key
//
// It is in no event, no log and no error, and not in what the client gets: where a server repeats it, it is replaced before the answer is recorded and passed on. Authorization of the client is dropped.
//
// # Bounds
//
// 64 MiB of a request, and of an answer that is no stream; 16 MiB of one event; 256 events that wait for their commit; [Options].Concurrent exchanges at once. Compressed
// requests are refused, since what is in them could not be masked. Clients that are web pages, by Origin or by Host, are refused.
package proxy
