package witness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"proctor/event"
	"proctor/ledger"
	"proctor/ledger/attestor"
)

var (
	// ErrRefused means that the witness answered and did not cosign.
	ErrRefused = errors.New("the witness did not cosign")
	// ErrFork means that the witness saw another history under this ledger's key: it was rolled back, or copies of it went on
	// differently. It is the word of the witness, without a signature.
	ErrFork = errors.New("the witness saw another history of this ledger")
)

// Log is what a witness is asked about; *ledger.Ledger is one.
type Log interface {
	LastCheckpoint() ledger.Checkpoint
	Tree() ledger.Tree
	Consistency(ctx context.Context, from, to uint64) ([]event.Hash, error)
	Witnessed() ([]ledger.Witnessed, error)
	AddCosignature(ctx context.Context, url string, c ledger.Checkpoint, lines string, witnesses []*ledger.Witness) ([]ledger.Cosignature, error)
	AddWitnessFailure(ctx context.Context, url string, size uint64, fork bool, cause error) error
}

// Result is what a witness cosigned.
type Result struct {
	URL          string               `json:"url"`
	Size         uint64               `json:"size"`
	Root         event.Hash           `json:"root"`
	Cosignatures []ledger.Cosignature `json:"cosignatures"`
	Already      bool                 `json:"already"` // it had cosigned this checkpoint before; nobody was asked
}

// CheckURL reads the address of a witness, its submission prefix.
func CheckURL(text string) (*url.URL, error) {
	u, err := attestor.ParseURL(text, "a witness", "https://witness.example/")
	if err == nil && u.RawQuery != "" {
		return nil, fmt.Errorf("address of a witness %q: expected one without a query, since a path is added to it", u.Redacted())
	}
	return u, err
}

// limit is how long one witness may take, whatever ctx says.
const limit = time.Minute

// Ask gets the newest checkpoint cosigned by the witness at a URL, whose key must be among the given ones, and stores the answer.
func Ask(ctx context.Context, l Log, address string, witnesses []*ledger.Witness) (Result, error) {
	u, err := CheckURL(address)
	if err != nil {
		return Result{}, err
	}
	if len(witnesses) == 0 {
		return Result{}, errors.New("no key of a witness is given: its answer could not be checked")
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := l.LastCheckpoint()
	r := Result{URL: u.Redacted(), Size: c.Size, Root: c.Root}
	if c.Size == 0 {
		return r, attestor.ErrUnsigned
	}
	old, done, err := seen(l, r.URL, c)
	if err != nil {
		return r, err
	}
	if done != nil {
		r.Already = true
		r.Cosignatures, err = l.AddCosignature(ctx, r.URL, c, lines(done.Note), witnesses)
		return r, err
	}
	a := asking{log: l, to: u, checkpoint: c}
	answer, err := a.cosign(ctx, old)
	if err == nil {
		r.Cosignatures, err = l.AddCosignature(ctx, r.URL, c, answer, witnesses)
	}
	if err != nil {
		err = fmt.Errorf("witness %s: %w", r.URL, err)
		keep, end := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer end()
		return r, errors.Join(err, l.AddWitnessFailure(keep, r.URL, c.Size, errors.Is(err, ErrFork), err))
	}
	return r, nil
}

// seen is what the witness cosigned last, as far as is known here.
func seen(l Log, address string, c ledger.Checkpoint) (old uint64, done *ledger.Witnessed, err error) {
	all, err := l.Witnessed()
	if err != nil {
		return 0, nil, err
	}
	for i := range all {
		if w := &all[i]; w.URL == address && w.Note != "" && w.Size <= c.Size {
			old, done = w.Size, w
		}
	}
	if old != c.Size || !strings.HasPrefix(done.Note, text(c.Note)) {
		done = nil
	}
	return old, done, nil
}

// text and lines are the two parts of a note.
func text(signed string) string {
	t, _, _ := strings.Cut(signed, "\n\n")
	return t + "\n\n"
}

func lines(signed string) string {
	_, l, _ := strings.Cut(signed, "\n\n")
	return l
}

// asking is one witness that is asked for one checkpoint.
type asking struct {
	log        Log
	to         *url.URL
	checkpoint ledger.Checkpoint
}

// cosign asks, and once more when the witness names another size that it saw.
func (a asking) cosign(ctx context.Context, old uint64) (string, error) {
	for again := false; ; again = true {
		answer, size, err := a.post(ctx, old)
		if !errors.Is(err, errConflict) {
			return answer, err
		}
		if err := a.judge(old, size); err != nil {
			return "", err
		}
		if again {
			return "", fmt.Errorf("%w: it says that it cosigned %d entries, after it said %d", ErrRefused, size, old)
		}
		old = size
	}
}

// judge says what a conflict means: the witness has cosigned size entries, or nothing more is known of it when size is that of old.
func (a asking) judge(old, size uint64) error {
	switch c := a.checkpoint.Size; {
	case size > a.log.Tree().Size:
		return fmt.Errorf("%w: it cosigned %d entries, %d are here", ErrFork, size, a.log.Tree().Size)
	case size > c:
		return fmt.Errorf("%w: it cosigned %d entries already, the newest checkpoint here has %d; ask again after the next one", ErrRefused, size, c)
	case size == old && old == c:
		return fmt.Errorf("%w: it cosigned another tree of %d entries", ErrFork, c)
	}
	return nil
}

// errConflict: the witness cosigned another size last.
var errConflict = errors.New("conflict")

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 10

func (a asking) post(ctx context.Context, old uint64) (answer string, size uint64, err error) {
	r := Request{Old: old, Checkpoint: a.checkpoint.Note}
	if old > 0 && old < a.checkpoint.Size {
		if r.Proof, err = a.log.Consistency(ctx, old, a.checkpoint.Size); err != nil {
			return "", 0, err
		}
	}
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	got, err := attestor.Post(ctx, a.to.JoinPath("add-checkpoint"), header, r.Encode(), maxAnswer)
	switch {
	case err != nil:
		return "", 0, err
	case got.Long:
		return "", 0, fmt.Errorf("%w: its answer has more than %d bytes", ErrRefused, maxAnswer)
	case got.Status == http.StatusOK:
		return string(got.Body), 0, nil
	case got.Status == http.StatusConflict:
		return a.conflict(got.Type, string(got.Body), old)
	}
	return "", 0, refused(got.Status, string(got.Body))
}

// conflict reads the size that the witness cosigned last. Without one, the sizes were equal and the trees are not.
func (a asking) conflict(kind, body string, old uint64) (string, uint64, error) {
	if kind != "text/x.tlog.size" {
		if old == a.checkpoint.Size {
			return "", old, errConflict
		}
		return "", 0, refused(http.StatusConflict, body)
	}
	size, err := parseSize(strings.TrimSuffix(body, "\n"))
	if err != nil {
		return "", 0, fmt.Errorf("%w: status 409 with the size %.40q", ErrRefused, body)
	}
	return "", size, errConflict
}

// refused says what a status means here.
func refused(status int, body string) error {
	meaning := map[int]string{
		http.StatusBadRequest:          "it cannot read the request",
		http.StatusForbidden:           "it does not trust the key that signed the checkpoint; give it 'proctor ledger key'",
		http.StatusNotFound:            "it does not know this ledger, or has another address; give it 'proctor ledger key'",
		http.StatusUnprocessableEntity: "what it cosigned before is no beginning of this ledger",
	}[status]
	cause := ErrRefused
	if status == http.StatusUnprocessableEntity {
		cause = ErrFork
	}
	if meaning == "" {
		meaning = http.StatusText(status)
	}
	err := fmt.Errorf("%w: status %d: %s", cause, status, meaning)
	if body = strings.TrimSpace(body); body != "" {
		err = fmt.Errorf("%w; it says %.200q", err, body)
	}
	return err
}
