package acceptance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// set is a security event token as a receiver reads it.
type set struct {
	Issuer   string   `json:"iss"`
	IssuedAt int64    `json:"iat"`
	Happened int64    `json:"toe"`
	ID       string   `json:"jti"`
	Audience []string `json:"aud"`
	Txn      string   `json:"txn"`
	Subject  struct {
		Format, URI, ExternalID string
	} `json:"sub_id"`
	Events map[string]object `json:"events"`
	text   string
}

// The URIs begin with it.
const scimEvent = "urn:ietf:params:scim:event:"

// named are the events of a set without the prefix of their URIs, sorted.
func (s set) named() string {
	var names []string
	for uri := range s.Events {
		names = append(names, strings.TrimPrefix(uri, scimEvent))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// receiver fetches the events of a stream, as RFC 8936 has it, and believes only
// what is signed by the keys that its stream names.
type receiver struct {
	*client
	url  string // of the stream
	conf object
}

// stream makes a stream of a client's.
func (c *client) stream(h *house, body object) *receiver {
	c.t.Helper()
	conf := c.do("POST", h.URL+"/api/v1/streams", with(object{"delivery": "poll", "audience": list{"https://receiver.example"}}, inPairs(body)...), "Content-Type: application/json").status(201)
	return &receiver{c, h.URL + conf.Header.Get("Location"), conf.Body.(object)}
}

func inPairs(o object) (all []any) {
	for k, v := range o {
		all = append(all, k, v)
	}
	return all
}

// poll sends a poll and gives the sets in the order of their events.
func (r *receiver) poll(ask object) (all []set, more bool) {
	r.t.Helper()
	a := r.do("POST", r.url+"/poll", ask, "Content-Type: application/json").status(200)
	for jti, token := range a.at("sets").(object) {
		s := r.verify(token.(string))
		if s.ID != jti {
			r.t.Errorf("the set %s stands under %s", s.ID, jti)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y set) int { // longer numbers are greater
		if len(x.ID) != len(y.ID) {
			return len(x.ID) - len(y.ID)
		}
		return strings.Compare(x.ID, y.ID)
	})
	return all, a.at("moreAvailable") == true
}

// verify believes a token (RFC 8417 §2.3, RFC 7515).
func (r *receiver) verify(token string) set {
	r.t.Helper()
	return verify(r.t, r.conf, token)
}

// signed gives what a token of a type says, verified by the keys at a URL.
func signed(t *testing.T, keysURL, typ, token string) []byte {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("%s: %v", token, err)
	}
	header := jws.Signatures[0].Header
	if header.ExtraHeaders[jose.HeaderType] != typ {
		t.Errorf("typ %v", header.ExtraHeaders[jose.HeaderType])
	}
	var keys jose.JSONWebKeySet
	resp, err := http.Get(keysURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil {
		t.Fatal(err)
	}
	known := keys.Key(header.KeyID)
	if len(known) != 1 || !known[0].IsPublic() {
		t.Fatalf("keys %+v for %s", keys, header.KeyID)
	}
	text, err := jws.Verify(known[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func verify(t *testing.T, conf object, token string) set {
	t.Helper()
	text := signed(t, conf["keysUrl"].(string), "secevent+jwt", token)
	s := set{text: string(text)}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	audience := "https://receiver.example"
	if other, ok := conf["audience"].(string); ok {
		audience = other
	}
	if s.Issuer != conf["issuer"] || !slices.Equal(s.Audience, []string{audience}) || s.Subject.Format != "scim" || len(s.Events) == 0 {
		t.Errorf("claims %s", text)
	}
	return s
}

// waiting polls until n sets wait, and acknowledges none. An event is told when none
// can come before it any more, so a slower transaction, of another test too, holds
// it back for a moment.
func (r *receiver) waiting(n int, ask object) (all []set) {
	r.t.Helper()
	until(r.t, "sets to wait for their acknowledgement", func() bool {
		all, _ = r.poll(with(object{"returnImmediately": true}, inPairs(ask)...))
		return len(all) >= n
	})
	return all
}

// take fetches and acknowledges until there are n sets.
func (r *receiver) take(n int) (all []set) {
	r.t.Helper()
	ask := object{"maxEvents": 7, "returnImmediately": true}
	for deadline := time.Now().Add(30 * time.Second); len(all) < n && time.Now().Before(deadline); {
		got, _ := r.poll(ask)
		ask["ack"] = ids(got)
		all = append(all, got...)
	}
	r.poll(object{"maxEvents": 0, "ack": ask["ack"]})
	if len(all) != n {
		r.t.Fatalf("%d sets, want %d: %+v", len(all), n, all)
	}
	return all
}

func ids(all []set) []string {
	out := []string{}
	for _, s := range all {
		out = append(out, s.ID)
	}
	return out
}

// nothing wants nothing to be there.
func (r *receiver) nothing() {
	r.t.Helper()
	if got, more := r.poll(object{"returnImmediately": true}); len(got) > 0 || more {
		r.t.Errorf("there is more: %+v", got)
	}
}
