package directory

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// hidden stands for what a bundle leaves out.
const hidden = "[text]"

// plainWords are texts that programs write: codes, versions, ids, paths of
// attributes. Those of people have blanks, mostly; but a password hasn't, so only
// fields of which a program decides what they hold are passed through ours.
var plainWords = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,127}$`)

// secretLooks are the looks of secrets: our tokens, JSON web tokens, keys.
var secretLooks = regexp.MustCompile(`ws_[a-z][A-Za-z0-9_-]{12,}|eyJ[A-Za-z0-9_-]{8,}|-----BEGIN|://[^/\s]*@|[A-Za-z0-9_-]{40,}`)

// ours passes a text that a program wrote, if it looks like one.
func ours(s string) string {
	if s == "" || plainWords.MatchString(s) && !secretLooks.MatchString(s) {
		return s
	}
	return hidden
}

// configurationWords are the keys of connectors' configurations whose texts are
// words that the connectors know, names of attributes, or ids of the directory
// (docs/ad.md). A text under any other key is hidden, whatever it is.
var configurationWords = map[string]bool{
	"kind": true, "target": true, "sources": true, "operator": true, "attribute": true, "format": true,
	"names": true, "contacts": true, "primaryGroups": true, "nested": true, "scopeNested": true, "scopeMailEnabled": true,
	"include": true, "exclude": true, "groups": true, "partitions": true, "interval": true,
}

var configurationWord = regexp.MustCompile(`^[A-Za-z0-9$][A-Za-z0-9 _.:$\[\]"=-]{0,127}$`)

// withoutTexts gives a configuration with its form, numbers and switches, and of
// its texts only those that can't be a secret.
func withoutTexts(document []byte) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return json.RawMessage(`"` + hidden + `"`)
	}
	b, err := json.Marshal(hideTexts(v, ""))
	if err != nil {
		return json.RawMessage(`"` + hidden + `"`)
	}
	return b
}

func hideTexts(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			name := k
			if !plainWords.MatchString(k) || secretLooks.MatchString(k) {
				name = hidden
			}
			out[name] = hideTexts(inner, k)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = hideTexts(inner, key)
		}
		return out
	case string:
		if !configurationWords[key] || !configurationWord.MatchString(v) || secretLooks.MatchString(v) {
			return hidden
		}
	case json.Number:
		if len(v) > 12 {
			return hidden
		}
	}
	return v
}
