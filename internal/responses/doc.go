// Package responses is the client for the model: the Responses API over
// server-sent events, on net/http and nothing else.
//
// It is thin on purpose. Every HTTP attempt, every stream event, every retry
// and every finished output item is handed to an [Observer] before the client
// goes on, so that the caller can record each of them:
//
//	client, err := responses.New(provider, responses.Options{Getenv: os.Getenv})
//	defer client.Close()
//	answer, err := client.Stream(ctx, request, responses.Observer{Event: record})
//
// # Guarantees
//
// Order: callbacks run on the goroutine that called Stream, one at a time, in
// the order in which things happened. Raw bytes given to a callback belong to
// the callee and are never written again.
//
// Abort: a callback that returns an error ends the call at once; the error
// comes back inside an [ObserverError]. A cancelled context ends the call at
// once too, in the middle of a stream as well as between retries, and the
// attempt or stream it cut is still reported (Attempt or Broken).
//
// Retries, as the Codex CLI counts them: one request is tried
// 1+request_max_retries times (HTTP 5xx, broken connections), and the whole is
// tried 1+stream_max_retries times (cut or silent stream, HTTP 429, retryable
// response.failed, and a request that used up its own tries). Nothing is
// retried without limit. Every attempt sends the full input; the attempt
// counter restarts with each stream retry.
//
// Items: an output item counts from its response.output_item.done on. Items of
// a stream that was cut later are kept apart in [Response.Kept], so that a
// caller can show a message but need not run a tool call that the next stream
// repeats.
//
// Limits: an SSE line of 8 MiB, an event of 16 MiB, a stream of 256 MiB, an
// error body of 64 KiB of which 1 KiB is shown; every wait has an end (the idle
// timeout covers the wait for the response head as well). Errors name the limit.
//
// Secrets: an [APIKey] prints a mask under every verb, and its text is removed
// from every error text, also where a server echoes it. [StreamEvent.Raw] and
// [Item.Raw] are what the server sent, untouched: treat them as sensitive.
//
// Network: HTTP/1.1 or HTTP/2, proxies as HTTP_PROXY, HTTPS_PROXY and NO_PROXY of
// the process say (never for loopback).
//
// Concurrency: a Client may be used by several goroutines; a Stream call runs on
// its caller's goroutine only and leaves none behind.
//
// # What it does not do
//
// No WebSocket transport, no sign-in and no token refresh (a 401 is final), no
// redirects, no request compression, no previous_response_id. It does not decide
// whether a tool call may run and does not validate the answer against the schema.
package responses
