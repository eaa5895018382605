// Package codexhook answers the hooks of the Codex CLI so that it can never mistake an error for a yes. Codex goes on when a hook
// crashes, takes too long or says something that it does not understand; so whatever happens here becomes one of the few answers
// that it understands: [Answer.Write] makes them, [Run] sees that there is exactly one in time.
//
// Who decides is elsewhere: in a process that stays, behind a socket in the folder of the ledger ([Serve], [Dial]), or in the same
// process. Whoever asks over the socket must know the pass that lies beside it, which no confined command can read.
//
// Payloads are hostile: bounded by [MaxPayload], and a member of another type than it should have makes the payload unreadable.
//
// Words are those of Codex CLI 0.169.0. The package imports nothing of ours, so that the small front can link it.
package codexhook
