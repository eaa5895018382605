// Package attestor is the way to a service outside that signs what it is shown of a ledger: a witness (package witness) or a
// time-stamping authority (package tsa).
//
// An attestor has one address, so redirects are not followed. The address may hold a password, so no error of this package
// shows it. Answers are bounded; the time is that of the context.
package attestor
