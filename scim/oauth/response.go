package oauth

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// The error codes of RFC 6749 §5.2 that can come up here, and two that §4.1.2.1
// names for faults of the server.
const (
	codeInvalidRequest   = "invalid_request"
	codeInvalidClient    = "invalid_client"
	codeUnsupportedGrant = "unsupported_grant_type"
	codeServerError      = "server_error"
	codeUnavailable      = "temporarily_unavailable"
)

// tokenError is an answer of RFC 6749 §5.2.
type tokenError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// Error gives the code and the description.
func (e *tokenError) Error() string { return e.Code + ": " + e.Description }

func invalidRequest(description string) error {
	return &tokenError{status: http.StatusBadRequest, Code: codeInvalidRequest, Description: description}
}

func invalidClient(description string) *tokenError {
	return &tokenError{status: http.StatusUnauthorized, Code: codeInvalidClient, Description: description}
}

func writeError(w http.ResponseWriter, e *tokenError) {
	if e.status == http.StatusUnauthorized {
		// RFC 9110 §11.6.1 wants a challenge with every 401.
		w.Header().Set("WWW-Authenticate", `Basic realm="workspace"`)
	}
	shown := *e
	shown.Description = strings.Map(descriptionRune, e.Description)
	write(w, e.status, shown)
}

// descriptionRune keeps a description within RFC 6749 §5.2: printable ASCII
// without quotation marks and backslashes.
func descriptionRune(r rune) rune {
	switch {
	case r == '"' || r == '\\':
		return '\''
	case r < 0x20 || r > 0x7e:
		return '?'
	default:
		return r
	}
}

// writeToken answers as RFC 6749 §5.1 has it.
func writeToken(w http.ResponseWriter, token string, expires time.Duration) {
	write(w, http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}{token, "Bearer", int64(expires / time.Second)})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone; nothing is left to tell it
}
