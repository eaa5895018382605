// Package intake receives what the Codex CLI tells over OTLP: gRPC, HTTP with protobuf, HTTP with JSON. [Start] listens; logs become
// [proctor/internal/codex.Report] values, by the names that Codex gives its events and their attributes, which are those of the catalog (package event). Numbers and truth
// values that Codex sends as text are read as what they are. Metrics and traces are accepted and dropped.
//
// It is Codex's word, nobody saw it happen: sessions end with -otel, turn and call ids begin with [proctor/internal/codex.Mark]. A record has an id
// made of its content, so that one which is sent again is recorded once.
//
// Bounds: [Options] has size, compression ratio and rate. What is too much is refused so that the client sends it again. A client
// is answered after [Options].Take, which commits; when that fails the client is told to try again.
package intake
