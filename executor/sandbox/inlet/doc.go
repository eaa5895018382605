// Package inlet makes the sockets by which a command in an empty network namespace reaches the proxy: they are made inside,
// by the process that becomes the command, and handed out over a socket pair before its filters allow nothing more.
//
// A [Carrier] connects sockets of programs that know of no proxy to a second listener of the same kind.
//
// [Add] appends the system calls to a program of package steps; [Receive] takes the sockets on the other side. No process
// stands between command and proxy, nothing listens on the host, and whose connection it is follows from the socket.
package inlet
