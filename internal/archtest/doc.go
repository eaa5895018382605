// Package archtest holds the layers of the repository as tables and compares them
// with what the code imports. Adding an edge means adding a line here, on purpose.
package archtest
