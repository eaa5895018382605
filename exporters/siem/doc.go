// Package siem writes ledger entries as newline-delimited JSON for a SIEM's file
// collector. OCSF, ECS and CEF are not written yet.
//
// [Map] is the pure part: one redacted entry as one JSON object on one line, members
// in fixed order, format named "proctor.entry/1". [NewWriter] is an
// [exporters.Destination] around an io.Writer: a batch is one Write, followed by Sync
// where the writer has it; the cursor moves after both. After a write that failed in
// the middle the next one begins on a new line, so that a torn line cannot swallow a
// whole one. Lines are at most a few hundred KiB: redact bounds each text.
//
// Which kinds leave is the same as for OTLP but for settings of the CLI: all but
// output pieces and history items. Rotation is the business of the one who opened the file.
package siem
