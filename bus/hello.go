package bus

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Protocol is the version of what processes say to each other: hello, subjects, frames.
const Protocol = 2

// ErrProtocol means that the other process is of a version that speaks another protocol.
var ErrProtocol = errors.New("another version of the bus protocol")

var errHello = errors.New("not a proctor process, or a broken one")

// A hello is one line: name/version and the process, and a word: from a guest its pass, from an owner that stays
// "service". Instead of its hello the owner may say "refused" and a reason.
const (
	helloName = "proctor-bus/"
	service   = "service"
	refused   = "refused "
	maxHello  = 256
)

func hello(version, pid int, word string) string {
	return strings.TrimRight(helloName+strconv.Itoa(version)+" "+strconv.Itoa(pid)+" "+word, " ") + "\n"
}

// readHello reads the first line of the other side and no byte more. The pid is only for messages.
func readHello(r io.Reader) (pid int, word string, err error) {
	line, err := readLine(r)
	if err != nil {
		return 0, "", err
	}
	return parseHello(line)
}

func parseHello(line string) (pid int, word string, err error) {
	if why, ok := strings.CutPrefix(line, refused); ok {
		return 0, "", fmt.Errorf("the process that has the ledger refuses: %q", why)
	}
	rest, ok := strings.CutPrefix(line, helloName)
	version, rest, cut := strings.Cut(rest, " ")
	id, word, _ := strings.Cut(rest, " ")
	v, err := strconv.ParseUint(version, 10, 31)
	if !ok || !cut || err != nil {
		return 0, "", fmt.Errorf("hello %q: %w", line[:min(len(line), 16)], errHello) // not more: it may hold a pass
	}
	if v != Protocol {
		return 0, "", fmt.Errorf("process %q speaks %s%d, this one %s%d; use one version of proctor for both: %w", id, helloName, v, helloName, Protocol, ErrProtocol)
	}
	n, err := strconv.ParseUint(id, 10, 31)
	if err != nil {
		return 0, "", fmt.Errorf("hello %q: %w", line[:min(len(line), 16)], errHello)
	}
	return int(n), word, nil
}

func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxHello; {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", fmt.Errorf("read hello: %w", err)
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", fmt.Errorf("hello of more than %d bytes: %w", maxHello, errHello)
}
