package shell

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"proctor/executor/tool"
)

// answer is the text that a model knows: heading lines and the output. It reports whether the output was cut.
// Running is a session id or 0, exit the exit code of an ended process.
func answer(out *tool.Buffer, tokens int, took time.Duration, running int, exit *int) (string, bool) {
	shown, cut := tool.Shown(out, tokens)
	var b strings.Builder
	fmt.Fprintf(&b, "Chunk ID: %s\nWall time: %.4f seconds\n", chunkID(), took.Seconds())
	if exit != nil {
		fmt.Fprintf(&b, "Process exited with code %d\n", *exit)
	}
	if running != 0 {
		fmt.Fprintf(&b, "Process running with session ID %d\n", running)
	}
	fmt.Fprintf(&b, "Original token count: %d\nOutput:\n%s", tool.Tokens(out.Total()), shown)
	return b.String(), cut
}

func chunkID() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
