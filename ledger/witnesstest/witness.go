package witnesstest

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
	"proctor/ledger"
	"proctor/ledger/witness"
)

// Fault is how a witness misbehaves. The zero value is well.
type Fault struct {
	Status int    // answer with it
	Body   string // with Status, or instead of the cosignature
	Hang   bool   // until the client gives up
	Forge  bool   // sign something else
}

// Witness is a server. Close it.
type Witness struct {
	*httptest.Server
	Key *ledger.Witness

	private ed25519.PrivateKey
	mu      sync.Mutex // guards what follows
	logs    map[string][]note.Verifier
	seen    map[string]tlog.Tree
	fault   Fault
	asked   int
}

// Start makes a witness with a key of its own that knows the logs of these keys.
func Start(name string, logs ...string) (*Witness, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	w := &Witness{Key: ledger.NewWitness(name, public), private: private, logs: map[string][]note.Verifier{}, seen: map[string]tlog.Tree{}}
	for _, key := range logs {
		if err := w.Trust(key); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.add)
	w.Server = httptest.NewServer(mux)
	return w, nil
}

// Trust makes it know a log, or another key of one.
func (w *Witness) Trust(vkey string) error {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, known := range w.logs[v.Name()] {
		if known.KeyHash() == v.KeyHash() {
			return nil
		}
	}
	w.logs[v.Name()] = append(w.logs[v.Name()], v)
	return nil
}

// Set changes how it behaves.
func (w *Witness) Set(f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// Seen is the size that it cosigned last for a log, and how often it was asked.
func (w *Witness) Seen(origin string) (size int64, asked int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[origin].N, w.asked
}

func (w *Witness) add(out http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(io.LimitReader(in.Body, witness.MaxRequest+1))
	if err != nil {
		return
	}
	w.mu.Lock()
	f := w.fault
	w.asked++
	w.mu.Unlock()
	if f.Hang {
		<-in.Context().Done()
		return
	}
	if f.Status != 0 {
		http.Error(out, f.Body, f.Status)
		return
	}
	r, err := witness.ParseRequest(body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	status, kind, answer := w.judge(r, f)
	if kind != "" {
		out.Header().Set("Content-Type", kind)
	}
	out.WriteHeader(status)
	_, _ = io.WriteString(out, answer)
}

// judge follows the rules of the protocol in their order.
func (w *Witness) judge(r witness.Request, f Fault) (status int, kind, answer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	origin, _, _ := strings.Cut(r.Checkpoint, "\n")
	if len(w.logs[origin]) == 0 {
		return http.StatusNotFound, "", ""
	}
	n, err := note.Open([]byte(r.Checkpoint), note.VerifierList(w.logs[origin]...))
	if err != nil {
		return http.StatusForbidden, "", ""
	}
	tree, err := parse(n.Text)
	if err != nil || int64(r.Old) > tree.N { //nolint:gosec // a size has 63 bits
		return http.StatusBadRequest, "", ""
	}
	last := w.seen[origin]
	if int64(r.Old) != last.N { //nolint:gosec // a size has 63 bits
		return http.StatusConflict, "text/x.tlog.size", fmt.Sprintf("%d\n", last.N)
	}
	switch {
	case last.N == tree.N && last.Hash != tree.Hash:
		return http.StatusConflict, "", ""
	case last.N > 0 && last.N < tree.N && tlog.CheckTree(proof(r.Proof), tree.N, tree.Hash, last.N, last.Hash) != nil:
		return http.StatusUnprocessableEntity, "", ""
	case (last.N == 0 || last.N == tree.N) && len(r.Proof) > 0:
		return http.StatusUnprocessableEntity, "", ""
	}
	w.seen[origin] = tree
	text := n.Text
	if f.Forge {
		text += "more\n"
	}
	return http.StatusOK, "", ledger.Cosign(w.Key, w.private, text, time.Now()) + f.Body
}

func parse(text string) (t tlog.Tree, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return t, fmt.Errorf("%d lines", len(lines))
	}
	if _, err := fmt.Sscan(lines[1], &t.N); err != nil {
		return t, err
	}
	t.Hash, err = tlog.ParseHash(lines[2])
	return t, err
}

func proof(hashes []event.Hash) (p tlog.TreeProof) {
	for _, h := range hashes {
		p = append(p, tlog.Hash(h))
	}
	return p
}
