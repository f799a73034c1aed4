package oauth

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
)

// maxBody is more than ten times what Entra sends.
const maxBody = 64 << 10

// The values that a request may carry.
const (
	grantClientCredentials = "client_credentials"                                     // RFC 6749 §4.4.2
	assertionJWT           = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 §2.2
)

// request is a token request that is complete: either secret or assertion.
type request struct {
	clientID  string
	secret    string
	assertion string
}

// parse reads a token request from the body and, for the client, the
// Authorization header. Parameters in the URL are ignored, because URLs are
// logged along the way.
func parse(w http.ResponseWriter, r *http.Request) (request, error) {
	form, err := readForm(w, r)
	if err != nil {
		return request{}, err
	}
	switch form.Get("grant_type") {
	case grantClientCredentials:
	case "":
		return request{}, invalidRequest("grant_type is missing.")
	default:
		return request{}, &tokenError{status: http.StatusBadRequest, Code: codeUnsupportedGrant, Description: "Only the grant type client_credentials is supported."}
	}
	req := request{clientID: form.Get("client_id"), secret: form.Get("client_secret"), assertion: form.Get("client_assertion")}
	basic := r.Header.Get("Authorization") != ""
	if basic {
		if req.secret != "" || req.assertion != "" {
			return request{}, invalidRequest("More than one way of client authentication.") // RFC 6749 §2.3
		}
		if err := req.fromBasic(r); err != nil {
			return request{}, err
		}
	}
	if typ := form.Get("client_assertion_type"); (typ != "" || req.assertion != "") && typ != assertionJWT {
		return request{}, invalidRequest("client_assertion_type has to be " + assertionJWT + ".")
	}
	switch {
	case req.clientID == "":
		return request{}, invalidClient("client_id is missing.")
	case req.secret != "" && req.assertion != "":
		return request{}, invalidRequest("More than one way of client authentication.")
	case req.secret == "" && req.assertion == "":
		return request{}, invalidClient("client_secret or client_assertion is missing.")
	}
	return req, nil
}

// readForm reads the body, which has to name each parameter once (RFC 6749
// §3.2). An empty value counts as absent (ibidem).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, invalidRequest("The content type has to be application/x-www-form-urlencoded.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, &tokenError{status: http.StatusRequestEntityTooLarge, Code: codeInvalidRequest, Description: "The request is larger than 64 KiB."}
		}
		return nil, invalidRequest("The body is no form.")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, invalidRequest("A parameter occurs more than once: " + name + ".")
		}
	}
	return r.PostForm, nil
}

// fromBasic takes id and secret from HTTP Basic, where both are form-encoded
// first (RFC 6749 §2.3.1).
func (req *request) fromBasic(r *http.Request) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		return invalidClient("The Authorization header has to be HTTP Basic.")
	}
	id, errID := url.QueryUnescape(user)
	secret, errSecret := url.QueryUnescape(password)
	if errID != nil || errSecret != nil {
		return invalidClient("The Authorization header isn't form-encoded.")
	}
	if req.clientID != "" && req.clientID != id {
		return invalidRequest("client_id differs from the Authorization header.")
	}
	req.clientID, req.secret = id, secret
	return nil
}
