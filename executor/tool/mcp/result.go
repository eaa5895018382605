package mcp

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"proctor/executor/tool"
)

// maxImages bounds the image bytes of one answer.
const maxImages = 2 << 20

// result turns an answer into what the model sees: text, and images as content items.
func result(a *sdk.CallToolResult, took time.Duration) tool.Result {
	var all tool.Buffer
	var images []json.RawMessage
	left := maxImages
	for i, c := range a.Content {
		if i > 0 {
			_, _ = all.Write([]byte("\n"))
		}
		if image, ok := c.(*sdk.ImageContent); ok && len(image.Data) <= left && strings.HasPrefix(image.MIMEType, "image/") {
			left -= len(image.Data)
			images = append(images, imageItem(image))
			continue
		}
		_, _ = all.Write([]byte(text(c)))
	}
	if len(a.Content) == 0 && a.StructuredContent != nil {
		b, _ := json.Marshal(a.StructuredContent) // it came as JSON
		_, _ = all.Write(b)
	}
	shown, cut := tool.Shown(&all, tool.DefaultOutputTokens)
	verdict := ""
	if a.IsError {
		verdict = "The tool reports a failure.\n"
	}
	r := tool.Result{
		Output:  fmt.Sprintf("Wall time: %.4f seconds\n%sOutput:\n%s", took.Seconds(), verdict, shown),
		Success: !a.IsError, Truncated: cut, Duration: took, Aggregated: all.String(),
	}
	if len(images) > 0 {
		r.Items = append([]json.RawMessage{textItem(r.Output)}, images...)
	}
	return r
}

// text is a piece of content in words.
func text(c sdk.Content) string {
	if t, ok := c.(*sdk.TextContent); ok {
		return t.Text
	}
	b, err := c.MarshalJSON()
	if err != nil {
		return fmt.Sprintf("[content of type %T without a JSON form]", c)
	}
	return string(b)
}

func textItem(s string) json.RawMessage {
	b, _ := json.Marshal(map[string]string{"type": "input_text", "text": s}) // strings always have a JSON form
	return b
}

func imageItem(c *sdk.ImageContent) json.RawMessage {
	url := "data:" + c.MIMEType + ";base64," + base64.StdEncoding.EncodeToString(c.Data)
	b, _ := json.Marshal(map[string]string{"type": "input_image", "image_url": url})
	return b
}
