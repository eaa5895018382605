// Package ledgertest makes ledgers for the tests of what stands on package ledger.
package ledgertest
