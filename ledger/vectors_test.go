package ledger

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

const vectorFile = "testdata/vectors.json"

// vectors are described in doc/ledger-format.md. Bytes are hex unless they are text.
type vectors struct {
	Comment   string            `json:"comment"`
	Keys      vectorKeys        `json:"keys"`
	StoreKeys map[string]string `json:"store_keys"`
	Entries   []vectorEntry     `json:"entries"`
	Roots     []event.Hash      `json:"roots_of_the_first_n_entries"`
	Head      string            `json:"head_value"`
	Inclusion vectorProof       `json:"inclusion"`
	Consist   vectorProof       `json:"consistency"`
	Note      string            `json:"checkpoint"`
	Wide      vectorWide        `json:"wide_tree"`
	Content   vectorContent     `json:"content"`
}

type vectorKeys struct {
	SigningSeed string `json:"signing_seed"`
	VerifierKey string `json:"verifier_key"`
	Master      string `json:"master_key"`
}

type vectorEntry struct {
	Received   string     `json:"received"`
	SessionSeq uint64     `json:"session_seq"`
	Public     string     `json:"public"`
	Entry      string     `json:"entry"`
	Leaf       event.Hash `json:"leaf_hash"`
}

type vectorProof struct {
	Index uint64       `json:"index,omitempty"`
	From  uint64       `json:"from,omitempty"`
	Size  uint64       `json:"size"`
	Proof []event.Hash `json:"proof"`
}

// vectorWide is a tree whose n-th leaf is the decimal text of n, to show tiles.
type vectorWide struct {
	Size  uint64       `json:"size"`
	Root  event.Hash   `json:"root"`
	Upper []event.Hash `json:"tile_1_0"`
}

type vectorContent struct {
	Session string `json:"session"`
	EventID string `json:"event_id"`
	Index   uint64 `json:"index"`
	Wrapped string `json:"wrapped_data_key"`
	DataKey string `json:"data_key"`
	Bound   string `json:"associated_data"`
	Stored  string `json:"stored"`
	Content string `json:"content"`
	// Packed is the content as format 2 seals it, Dictionary the SHA-256 of the dictionary that it was made with.
	Packed     string `json:"packed"`
	Dictionary string `json:"dictionary_sha256"`
}

func TestVectors(t *testing.T) {
	b, err := os.ReadFile(vectorFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	var have vectors
	if err == nil {
		if err := json.Unmarshal(b, &have); err != nil {
			t.Fatal(err)
		}
	}
	want := computeVectors(t, have)
	if *update {
		b, err := json.MarshalIndent(want, "", "  ")
		if err == nil {
			err = os.WriteFile(vectorFile, append(b, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("vectors (-computed +file):\n%s", diff)
	}
}

// computeVectors makes everything from fixed inputs. Ciphertexts have random nonces, so those of
// the file are opened instead of made again.
func computeVectors(t *testing.T, have vectors) vectors {
	t.Helper()
	seed := []byte("proctor test signing seed, 32 b.")
	master := []byte("proctor test master key, 32 byte")
	keys, err := newSigningKey(seed, "")
	if err != nil {
		t.Fatal(err)
	}
	v := vectors{
		Comment: "see doc/ledger-format.md, section 8",
		Keys:    vectorKeys{hex.EncodeToString(seed), keys.public, hex.EncodeToString(master)},
	}
	publics := []string{
		`{"v":1,"id":"01a20900-0000-7000-8000-000000000001","kind":"codex.conversation_starts","schema":1,"session":"demo","seq":1,"time":"2026-11-23T12:00:00.000000Z","actor":"executor","payload":{}}`,
		`{"v":1,"id":"01a20900-0000-7000-8000-000000000002","kind":"codex.user_prompt","schema":1,"session":"demo","seq":2,"time":"2026-11-23T12:00:00.250000Z","actor":"user","payload":{"prompt_length":5,"prompt":{"sealed":"5be4ea4bf778800563dd08f63dadc4e3d7e31737bb332d38952ebd664fd8ef33","bytes":5}}}`,
		`{"v":1,"id":"01a20900-0000-7000-8000-000000000003","kind":"proctor.export_gap","schema":1,"session":"system","time":"2026-11-23T11:59:59.000000Z","actor":"system","payload":{"destination":"größe <&>"}}`,
	}
	var edge frontier
	v.Roots = append(v.Roots, edge.root())
	var leaves []tlog.Hash
	for i, p := range publics {
		number := []uint64{1, 2, 1}[i]
		received := time.Date(2026, 11, 23, 12, 0, i, 123456789, time.UTC)
		entry := appendEntry(nil, stored{event.Seq(i), received, number, []byte(p)})
		leaf := leafHash(entry)
		if want := event.Hash(tlog.RecordHash(entry)); want != leaf {
			t.Fatalf("leaf %s, tlog says %s", leaf, want)
		}
		v.Entries = append(v.Entries, vectorEntry{received.Format(timeLayout), number, p, string(entry), leaf})
		edge.push(leaf, func(int, uint64, event.Hash) {})
		leaves = append(leaves, tlog.Hash(leaf))
		v.Roots = append(v.Roots, edge.root())
	}
	v.Head = hex.EncodeToString(appendHead(nil, Tree{edge.size, edge.root()}))
	read := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		all := []tlog.Hash{leaves[0], leaves[1], tlog.NodeHash(leaves[0], leaves[1]), leaves[2]}
		for _, n := range indexes {
			out = append(out, all[n])
		}
		return out, nil
	})
	inclusion, err := tlog.ProveRecord(3, 1, read)
	if err != nil {
		t.Fatal(err)
	}
	consistency, err := tlog.ProveTree(3, 2, read)
	if err != nil {
		t.Fatal(err)
	}
	v.Inclusion = vectorProof{Index: 1, Size: 3, Proof: own(inclusion)}
	v.Consist = vectorProof{From: 2, Size: 3, Proof: own(consistency)}
	point, err := sign(Tree{edge.size, edge.root()}, keys.signer)
	if err != nil {
		t.Fatal(err)
	}
	v.Note = point.Note
	v.Wide = wideTree()
	v.StoreKeys = storeKeys(t)
	v.Content = contentVector(t, master, have.Content)
	return v
}

func own(in []tlog.Hash) []event.Hash {
	out := make([]event.Hash, len(in))
	for i, h := range in {
		out[i] = event.Hash(h)
	}
	return out
}

func wideTree() vectorWide {
	var f frontier
	w := vectorWide{Size: 1000}
	for n := range w.Size {
		f.push(leafHash(strconv.AppendUint(nil, n, 10)), func(level int, _ uint64, h event.Hash) {
			if level == tileHeight {
				w.Upper = append(w.Upper, h)
			}
		})
	}
	w.Root = f.root()
	return w
}

func storeKeys(t *testing.T) map[string]string {
	id, err := newIDKey("01a20900-0000-7000-8000-000000000002")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for name, k := range map[string][]byte{
		"head": headKey, "entry 258": numberKey(prefixEntry, 258), "tile level 1 number 3": appendTileKey(nil, 8, 3), "middle tile level 0 number 3": appendTileKey(nil, 4, 3),
		"checkpoint of 1000": numberKey(prefixCheckpoint, 1000), "number 2 of session demo": sessionKey(prefixSession, "demo", 2),
		"content of entry 1 of session demo": sessionKey(prefixContent, "demo", 1), "data key of session demo": nameKey(prefixKey, "demo"),
		"record of session demo": nameKey(prefixRecord, "demo"), "cursor siem": nameKey(prefixCursor, "siem"),
		"event 01a20900-0000-7000-8000-000000000002": id[:],
	} {
		keys[name] = hex.EncodeToString(k)
	}
	return keys
}

func contentVector(t *testing.T, master []byte, have vectorContent) vectorContent {
	v := vectorContent{
		Session: "demo", EventID: "01a20900-0000-7000-8000-000000000002", Index: 1,
		DataKey: hex.EncodeToString([]byte("proctor test session data key, 1")),
		Content: `{"prompt":{"salt":"` + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef")) + `","text":"hello"}}`,
		Wrapped: have.Wrapped, Stored: have.Stored, Packed: have.Packed, Dictionary: dictionary1Digest,
	}
	if v.Packed == "" {
		v.Packed = hex.EncodeToString(pack([]byte(v.Content)))
	}
	packed, _ := hex.DecodeString(v.Packed)
	if got, _, err := unpack(packed, nil); err != nil || string(got) != v.Content || packed[0] != packed1 {
		t.Fatalf("unpacked content %q, %v", got, err)
	}
	bound := appendBound(nil, event.ID(v.EventID), event.Seq(v.Index))
	v.Bound = hex.EncodeToString(bound)
	wrap, err := newAEAD(master)
	if err != nil {
		t.Fatal(err)
	}
	dataKey, _ := hex.DecodeString(v.DataKey)
	aead, err := newAEAD(dataKey)
	if err != nil {
		t.Fatal(err)
	}
	if v.Stored == "" {
		v.Wrapped = hex.EncodeToString(appendSealed(nil, wrap, dataKey, []byte(keyLabel+v.Session)))
		v.Stored = hex.EncodeToString(appendSealed(nil, aead, []byte(v.Content), bound))
		return v
	}
	wrapped, _ := hex.DecodeString(v.Wrapped)
	got, err := open(wrap, wrapped, []byte(keyLabel+v.Session))
	if err != nil || string(got) != string(dataKey) {
		t.Fatalf("data key %x, %v", got, err)
	}
	sealed, _ := hex.DecodeString(v.Stored)
	plain, err := open(aead, sealed, bound)
	if err != nil || string(plain) != v.Content {
		t.Fatalf("content %q, %v", plain, err)
	}
	return v
}
