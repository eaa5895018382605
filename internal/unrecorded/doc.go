// Package unrecorded holds the commands that answer or confine and keep no record: sandbox, policy, config.
//
// They need neither bus, ledger, exporters nor a model, and internal/archtest sees to it that they do not link them either:
// the front of the two-file build consists of them, and its start is theirs.
package unrecorded
