// Package witnesstest is a witness by C2SP tlog-witness, for tests. It remembers in memory what it cosigned, checks consistency proofs by
// code that is not the ledger's, and can be told to be down, to hang, or to answer with a status.
package witnesstest
