package app

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// missing skips a test whose program is not installed.
func missing(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
			t.Skip("missing capability: " + program + " is not installed")
		}
	}
	return path
}

// refusals checks what a person finds when a destination is refused by name or by address.
func refusals(t *testing.T, w *internet, backend string, command func(host string) []string, status int, byName, byAddress string) {
	t.Helper()
	for host, want := range map[string]string{"nope.test": byName, "93.184.215.15": byAddress} {
		out, got := w.confined(t, backend, command(host), "site.test")
		if got != status || !strings.Contains(out, want) {
			t.Errorf("%s ends with status %d, want %d, and lacks %q: %s", host, got, status, want, out)
		}
	}
}

// ssh knows of no proxy. It reaches a real sshd by a name that a rule allows, and says why not otherwise.
func TestSSHIsCarried(t *testing.T) {
	ssh, sshd, keygen := missing(t, "ssh"), missing(t, "sshd"), missing(t, "ssh-keygen")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // where sshd wants to be confined itself
		if err := os.Mkdir("/run/sshd", 0o755); err == nil {
			t.Cleanup(func() { _ = os.Remove("/run/sshd") })
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"host", "me"} {
		if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	config := filepath.Join(dir, "config")
	text := fmt.Sprintf("HostKey %s/host\nAuthorizedKeysFile %s/me.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\n", dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func(c net.Conn) { // as inetd does
		f, err := c.(*net.TCPConn).File()
		if err != nil {
			return
		}
		defer f.Close()
		cmd := exec.Command(sshd, "-i", "-e", "-f", config)
		cmd.Stdin, cmd.Stdout = f, f
		var log strings.Builder
		cmd.Stderr = &log
		if err := cmd.Run(); err != nil && !strings.Contains(log.String(), "disconnected by user") {
			t.Logf("sshd: %v: %s", err, log.String())
		}
	}
	command := func(host string) []string {
		return []string{ssh, "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes",
			"-i", filepath.Join(dir, "me"), me.Username + "@" + host, "echo hello from ssh"}
	}
	eachServed(t, serve, func(t *testing.T, w *internet, backend string) {
		out, status := w.confined(t, backend, command("site.test"), "site.test")
		if os.Geteuid() != 0 && (strings.Contains(out, "account is currently not available") || strings.Contains(out, "Permission denied (publickey")) {
			t.Skip("missing capability: sshd does not let this user in; it was reached")
		}
		if status != 0 || !strings.Contains(out, "hello from ssh\n") {
			t.Errorf("status %d: %s", status, out)
		}
		refusals(t, w, backend, command, 255, "Could not resolve hostname nope.test", "connect to host 93.184.215.15 port 22: Permission denied")
		for _, to := range w.dialled {
			if to != publicIP+":22" {
				t.Errorf("dialled %s", to)
			}
		}
	})
}

// psql knows of no proxy. It reaches a server by a name that a rule allows, and says why not otherwise.
func TestPsqlIsCarried(t *testing.T) {
	psql := missing(t, "psql")
	command := func(host string) []string {
		return []string{psql, "-XAt", "-c", "select 1", "host=" + host + " user=me dbname=db sslmode=disable gssencmode=disable connect_timeout=60"}
	}
	eachServed(t, postgres, func(t *testing.T, w *internet, backend string) {
		out, status := w.confined(t, backend, command("site.test"), "site.test")
		if status != 0 || !strings.Contains(out, "hello from postgres\n") {
			t.Errorf("status %d: %s", status, out)
		}
		refusals(t, w, backend, command, 2, `could not translate host name "nope.test"`, `connection to server at "93.184.215.15", port 5432 failed: Permission denied`)
		for _, to := range w.dialled {
			if to != publicIP+":5432" {
				t.Errorf("dialled %s", to)
			}
		}
	})
}

// postgres speaks enough of the protocol, version 3, to let anybody in and to answer each query with one row.
func postgres(c net.Conn) {
	send := func(kind byte, body string) {
		_, _ = c.Write(append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(4+len(body))), body...))
	}
	receive := func() (ok bool) {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return false
		}
		n := binary.BigEndian.Uint32(size[:])
		_, err := io.CopyN(io.Discard, c, int64(min(n, 1<<20))-4)
		return err == nil
	}
	const ready = "I"
	if !receive() { // start of the session
		return
	}
	send('R', "\x00\x00\x00\x00") // no password is wanted
	send('Z', ready)
	for {
		var kind [1]byte
		if _, err := io.ReadFull(c, kind[:]); err != nil || !receive() || kind[0] != 'Q' {
			return
		}
		// one column of text, one row
		send('T', "\x00\x01greeting\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00")
		const row = "hello from postgres"
		send('D', "\x00\x01\x00\x00\x00"+string(rune(len(row)))+row)
		send('C', "SELECT 1\x00")
		send('Z', ready)
	}
}
