// Package exportertest has a ledger in memory for tests of exporters: an event.Sink,
// an event.Reader and the cursors. Events pass the real encoding, so what an exporter
// reads is what a ledger would return. It keeps everything and proves nothing.
//
// [Every] makes one event of each kind, with every field set and a secret in every
// sensitive one.
package exportertest
