// Package tsatest is a time-stamping authority by RFC 3161, for tests, with a root and a certificate of its own. It signs by code that is
// not the reader's, and can be told to answer wrongly, slowly, or with what nobody should believe.
package tsatest
