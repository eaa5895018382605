// Package siem brings ledger entries to a SIEM: NDJSON, OCSF, ECS or CEF, to a file, to syslog over TCP or TLS, or to a Splunk HTTP
// Event Collector. doc/siem.md says how to set it up, and doc/siem-fields.md lists the fields.
//
// [Map] is the pure part: one redacted entry as one line. NDJSON is format "proctor.entry/1"; OCSF is version [OCSFVersion], ECS
// [ECSVersion]. [New] makes an [exporters.Destination] of a format and a target.
//
// Delivery is at least once; the event id in every line lets the receiver recognise a second one. When the cursor moves:
//
//	file       after write and fsync of the batch; a torn line is followed by a line break before it is written again
//	syslog     when the connection took the batch and was still open; the protocol has no acknowledgement
//	collector  when the indexer acknowledged the batch
//
// Which kinds leave is the same as for OTLP, and settings of the CLI too: all but output pieces and history items.
package siem
