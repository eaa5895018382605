package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxBlock bounds one event of a stream, in bytes.
const maxBlock = 16 << 20

var errBlock = fmt.Errorf("an event of the stream has more than %d bytes", maxBlock)

// blocks takes a stream of server-sent events apart without changing a byte: each block ends with its empty line.
type blocks struct{ in *bufio.Reader }

// next is a block of its own memory. At the end of the stream it is what is left, with io.EOF behind it.
func (b *blocks) next() ([]byte, error) {
	var block []byte
	for {
		line, err := b.in.ReadSlice('\n')
		if len(block)+len(line) > maxBlock {
			return nil, errBlock
		}
		begins := len(block) == 0 || block[len(block)-1] == '\n'
		block = append(block, line...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(block) > 0:
			return block, nil
		case err != nil:
			return block, err
		case begins && len(bytes.TrimRight(line, "\r\n")) == 0:
			return block, nil
		}
	}
}

// told is what a block says, as far as it is looked at.
type told struct {
	kind string // the type of the event
	item string // the item that it is about
	// delta is a piece of a text; ends: the text of item is there whole.
	delta   string
	isDelta bool
	ends    bool
	usage   *usage // of a completed response
}

type usage struct {
	Input   int64 `json:"input_tokens"`
	Output  int64 `json:"output_tokens"`
	Details struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
}

// readBlock reads the data of a block. What is no JSON has no kind.
func readBlock(block []byte) (t told) {
	var data []byte
	for line := range bytes.Lines(block) {
		if value, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(data, value...)
		}
	}
	var v struct {
		Type   string          `json:"type"`
		ItemID string          `json:"item_id"`
		Delta  json.RawMessage `json:"delta"`
		Item   struct {
			ID string `json:"id"`
		} `json:"item"`
		Response struct {
			Usage *usage `json:"usage"`
		} `json:"response"`
	}
	if json.Unmarshal(data, &v) != nil {
		return told{}
	}
	t.kind, t.item, t.usage = v.Type, v.ItemID, v.Response.Usage
	if len(v.Delta) > 0 {
		t.isDelta = true
		if json.Unmarshal(v.Delta, &t.delta) != nil {
			t.delta = string(v.Delta)
		}
	}
	if v.Type == "response.output_item.done" {
		t.item, t.ends = v.Item.ID, true
	}
	return t
}
