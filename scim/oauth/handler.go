package oauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// Directory is what the endpoint needs of the core; *directory.Directory
// fulfils it. Refusals are *directory.AuthError.
type Directory interface {
	AuthenticateClient(ctx context.Context, clientID, secret string) (store.Principal, error)
	Client(ctx context.Context, clientID string) (store.Source, []store.Federation, error)
	IssueAccessToken(ctx context.Context, spec directory.AccessSpec) (secret string, expires time.Duration, err error)
}

// Config is what a Handler works with.
type Config struct {
	Directory Directory
	Logger    *slog.Logger
	// TokenLife is how long an access token lives; 0 for an hour. Entra asks for
	// 1 to 6 hours.
	TokenLife time.Duration
	// Clock is the system's if nil.
	Clock directory.Clock
	// Client fetches key sets; nil for one that gives up after 5 s and follows
	// no redirect.
	Client *http.Client
}

// Handler is the token endpoint. It is safe for concurrent use.
type Handler struct {
	directory Directory
	log       *slog.Logger
	life      time.Duration
	now       func() time.Time
	keys      *keySets
}

var _ http.Handler = (*Handler)(nil)

// New makes a Handler.
func New(c Config) *Handler {
	h := &Handler{directory: c.Directory, log: c.Logger, life: c.TokenLife, now: time.Now}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.life == 0 {
		h.life = time.Hour
	}
	if c.Clock != nil {
		h.now = c.Clock.Now
	}
	h.keys = newKeySets(c.Client, h.now)
	return h
}

// ServeHTTP answers a token request (RFC 6749 §4.4.2) with an access token
// (§5.1) or an error (§5.2), both JSON that no cache keeps.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost { // RFC 6749 §3.2
		w.Header().Set("Allow", http.MethodPost)
		writeError(w, &tokenError{status: http.StatusMethodNotAllowed, Code: codeInvalidRequest, Description: "The token endpoint takes POST only."})
		return
	}
	req, err := parse(w, r)
	if err != nil {
		h.refuse(w, err)
		return
	}
	spec, err := h.authenticate(r.Context(), req)
	if err != nil {
		h.refuse(w, err)
		return
	}
	spec.Expires = h.life
	token, expires, err := h.directory.IssueAccessToken(r.Context(), spec)
	if err != nil {
		h.refuse(w, err)
		return
	}
	h.log.Info("access token issued", "request_id", w.Header().Get("X-Request-Id"), "client_id", req.clientID, "by_assertion", req.assertion != "")
	writeToken(w, token, expires)
}

// authenticate finds for whom the token is.
func (h *Handler) authenticate(ctx context.Context, req request) (directory.AccessSpec, error) {
	if req.assertion == "" {
		p, err := h.directory.AuthenticateClient(ctx, req.clientID, req.secret)
		if err != nil {
			return directory.AccessSpec{}, err
		}
		return directory.AccessSpec{
			Tenant: p.Tenant.ID, Source: p.Source.ID, Prefix: p.Token.Prefix, NotAfter: p.Token.ExpiresAt,
		}, nil
	}
	source, federations, err := h.directory.Client(ctx, req.clientID)
	if err != nil {
		return directory.AccessSpec{}, err
	}
	if err := h.verify(ctx, req.assertion, federations); err != nil {
		return directory.AccessSpec{}, err
	}
	return directory.AccessSpec{Tenant: source.Tenant, Source: source.ID}, nil
}

// refuse maps an error to its answer; what it doesn't know stays inside.
func (h *Handler) refuse(w http.ResponseWriter, err error) {
	var te *tokenError
	var ae *directory.AuthError
	switch {
	case errors.As(err, &te):
		writeError(w, te)
	case errors.As(err, &ae):
		writeError(w, invalidClient(ae.Detail))
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		w.Header().Set("Retry-After", "1")
		writeError(w, &tokenError{status: http.StatusServiceUnavailable, Code: codeUnavailable, Description: "Try again later."})
	default:
		h.log.Error("token request failed", "error", store.LogText(err))
		writeError(w, &tokenError{status: http.StatusInternalServerError, Code: codeServerError, Description: "Internal error."})
	}
}
