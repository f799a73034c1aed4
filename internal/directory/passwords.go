package directory

import (
	"bytes"
	"encoding/json"
	"strings"
)

// WithoutPasswords gives a request's JSON as it may wait in the database: nobody
// reads a password, so none is kept, not even until the request is carried out.
// Members of that name are left out wherever they are, and the value of a PATCH
// operation on one is another. What is no JSON stays as it is.
func WithoutPasswords(body []byte) []byte {
	if !bytes.Contains(bytes.ToLower(body), []byte(`password`)) && !bytes.Contains(body, []byte(`\u00`)) {
		return body
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || !forgetPasswords(v) {
		return body
	}
	out, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return out
}

// forgetPasswords says whether there was any.
func forgetPasswords(v any) (found bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			found = forgetPasswords(e) || found
		}
	case map[string]any:
		for name, e := range v {
			if isPassword(name) {
				delete(v, name)
				found = true
				continue
			}
			found = forgetPasswords(e) || found
		}
		for name, path := range v {
			if s, ok := path.(string); ok && strings.EqualFold(name, "path") && isPassword(s) {
				found = withhold(v) || found
			}
		}
	}
	return found
}

func withhold(operation map[string]any) (found bool) {
	for name := range operation {
		if strings.EqualFold(name, "value") {
			operation[name], found = "withheld", true
		}
	}
	return found
}

// isPassword says whether a name, or a path with a URN before it, is password's.
func isPassword(name string) bool {
	return strings.EqualFold(strings.TrimSpace(name[strings.LastIndexByte(name, ':')+1:]), "password")
}
