package directory

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// maxStreams bounds the streams of a tenant.
const maxStreams = 100

// StreamSpec says what stream to add.
type StreamSpec struct {
	Description string // 0 to 256 bytes
	Delivery    store.Delivery
	// Endpoint is where a push goes, and Authorization the value of that header,
	// "" for none; neither is for a poll.
	Endpoint      string
	Authorization string
	// Subjects is the public id of the source to whose resources an administrator
	// limits it, "" for none.
	Subjects string
	Audience []string // 1 to 10
	Events   []string // event URIs; nil for all that its holder may have
	Server   string   // the server's URL, with which the iss begins
}

// IssuerOf is the iss of the tokens of an actor by a server with this URL. One key
// signs all tokens, so by the issuer it is told whose word they are: a tenant's,
// or only one source's.
func IssuerOf(server string, a Actor) string {
	iss := TenantIssuer(server, a.Tenant)
	if !a.Admin {
		iss += "/sources/" + a.Source.PublicID
	}
	return iss
}

// TenantIssuer is the iss of what a tenant says itself.
func TenantIssuer(server string, t store.Tenant) string { return server + issuedFor + t.Slug }

const issuedFor = "/tenants/"

// ServerOf gives the URL of the server of an issuer.
func ServerOf(issuer string) string {
	if i := strings.LastIndex(issuer, issuedFor); i >= 0 {
		return issuer[:i]
	}
	return issuer
}

// StreamChange is what to change of a stream; nil leaves a field as it is.
type StreamChange struct {
	Description   *string
	Endpoint      *string
	Authorization *string
	Audience      []string
	Events        []string
	Paused        *bool
}

// StreamView is a stream as who may see it sees it.
type StreamView struct {
	store.Stream
	HolderID   string // the public id of its source, "" for the administrators
	SubjectsID string // of the source that limits it, "" for none
	// HasAuthorization says that pushes carry a secret, which isn't shown.
	HasAuthorization bool
	// Last is the number of the tenant's last event: it is up to date if its
	// Position is that.
	Last int64
}

// AddStream adds a stream of the actor's source, or of the tenant's
// administrators, which begins with what comes from now on. Wrong arguments are a
// Violation of RuleInvalid, one too many of RuleTooMany.
func (d *Directory) AddStream(ctx context.Context, a Actor, spec StreamSpec) (StreamView, error) {
	if err := enabled(a); err != nil {
		return StreamView{}, err
	}
	x := store.Stream{
		Tenant: a.Tenant.ID, PublicID: d.newID(), Description: spec.Description, Delivery: spec.Delivery, Endpoint: spec.Endpoint,
		Audience: spec.Audience, Events: spec.Events, Issuer: IssuerOf(spec.Server, a), CreatedBy: a.Token, CreatedAt: d.now(),
	}
	if !a.Admin && a.Source.Kind == store.SourceWorkspace {
		// Its resources are the administrators'.
		return StreamView{}, &Violation{Rule: RuleForbidden, Detail: "The workspace source has no streams.", Way: "Use an admin token, or one of another source."}
	}
	if !a.Admin {
		x.Source = a.Source.ID
	}
	if x.Events == nil {
		x.Events = EventURIs(a.Admin)
	}
	if err := d.keepAuthorization(&x, spec.Authorization); err != nil {
		return StreamView{}, err
	}
	if err := d.checkStream(&x, spec.Authorization); err != nil {
		return StreamView{}, err
	}
	var out StreamView
	err := d.update(ctx, a, func(tx store.Tx) error {
		s := x
		if spec.Subjects != "" {
			if err := onlyAdmins(a); err != nil {
				return err
			}
			source, err := seenSource(tx, a, spec.Subjects)
			if err != nil {
				return invalid("subjects", "There is no such source.", "Send the id of a source of the tenant.")
			}
			s.Subjects = source.ID
		}
		if err := roomForStream(tx, a.Tenant.ID); err != nil {
			return err
		}
		var err error
		if s.Position, err = tx.LastEvent(a.Tenant.ID); err != nil {
			return err
		}
		if err := tx.InsertStream(&s); err != nil {
			return err
		}
		if err := d.tellStream(tx, a, "stream.created", s); err != nil {
			return err
		}
		out, err = d.streamView(tx, a, s)
		return err
	})
	return out, err
}

func roomForStream(r store.Reader, tenant int64) error {
	all, err := r.Streams(tenant, 0, 0, maxStreams)
	if err == nil && len(all) == maxStreams {
		err = &Violation{Rule: RuleTooMany, Detail: "The tenant has 100 streams already.", Way: "Delete one that nobody reads."}
	}
	return err
}

// keepAuthorization puts the secret of a push at rest.
func (d *Directory) keepAuthorization(x *store.Stream, secret string) (err error) {
	x.Authorization, err = d.seal("stream "+x.PublicID, []byte(secret))
	return err
}

// tellStream logs what became of a stream, without its secret.
func (d *Directory) tellStream(tx store.Tx, a Actor, typ string, x store.Stream) error {
	endpoint, _, _ := strings.Cut(x.Endpoint, "?") // what follows may be a secret too
	return d.tell(tx, controlEvent{
		tenant: x.Tenant, source: x.Source, by: a.Token, txn: a.Txn, typ: typ, subject: x.PublicID,
		after: map[string]any{"delivery": x.Delivery, "endpoint": endpoint, "audience": x.Audience, "events": x.Events, "paused": x.Paused},
	})
}

// seenStream finds a stream that the actor may see: an administrator all of the
// tenant, a source its own.
func seenStream(r store.Reader, a Actor, id string) (store.Stream, error) {
	if _, err := uuid.Parse(id); err != nil {
		return store.Stream{}, store.ErrNotFound
	}
	x, err := r.Stream(a.Tenant.ID, id)
	if err == nil && !a.Admin && x.Source != a.Source.ID {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Stream{}, err
	}
	return x, nil
}

// movedStream is seenStream for who changes or reads it, which a disabled source
// may not.
func movedStream(r store.Reader, a Actor, id string) (store.Stream, error) {
	if err := enabled(a); err != nil {
		return store.Stream{}, err
	}
	return seenStream(r, a, id)
}

func enabled(a Actor) error {
	if a.Admin || a.Source.Mode != store.ModeDisabled {
		return nil
	}
	return &Violation{
		Rule: RuleSourceDisabled, Detail: "The source " + a.Source.Name + " is disabled.", Way: "Wait until an administrator enables it.",
	}
}

func (d *Directory) streamView(r store.Reader, a Actor, x store.Stream) (v StreamView, err error) {
	v = StreamView{Stream: x, HasAuthorization: len(x.Authorization) > 0}
	v.Authorization = nil
	if v.HolderID, err = d.publicID(r, a, x.Source); err != nil {
		return v, err
	}
	if v.SubjectsID, err = d.publicID(r, a, x.Subjects); err != nil {
		return v, err
	}
	v.Last, err = r.LastEvent(a.Tenant.ID)
	return v, err
}

// publicID gives the public id of a source, "" for none.
func (d *Directory) publicID(r store.Reader, a Actor, source int64) (string, error) {
	if source == 0 {
		return "", nil
	}
	s, err := d.SourceInfo(r, a.Tenant.ID, source)
	return s.PublicID, err
}

// StreamOf gets a stream.
func (d *Directory) StreamOf(ctx context.Context, a Actor, id string) (v StreamView, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		x, err := seenStream(r, a, id)
		if err != nil {
			return err
		}
		v, err = d.streamView(r, a, x)
		return err
	})
	return v, err
}

// Streams gives the streams that the actor sees, behind an ID, in the order of
// their making.
func (d *Directory) Streams(ctx context.Context, a Actor, after int64, limit int) (all []StreamView, err error) {
	source := a.Source.ID
	if a.Admin {
		source = 0
	}
	err = d.store.View(ctx, func(r store.Reader) error {
		all = nil
		found, err := r.Streams(a.Tenant.ID, source, after, limit)
		if err != nil {
			return err
		}
		for _, x := range found {
			v, err := d.streamView(r, a, x)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return nil
	})
	return all, err
}

// ChangeStream changes a stream. Pausing keeps its position: resumed, it goes on
// where it was; resuming also forgets the failures of a push.
func (d *Directory) ChangeStream(ctx context.Context, a Actor, id string, c StreamChange) (v StreamView, err error) {
	err = d.update(ctx, a, func(tx store.Tx) error {
		x, err := movedStream(tx, a, id)
		if err != nil {
			return err
		}
		if err := d.changeStream(&x, c); err != nil {
			return err
		}
		if err := tx.UpdateStream(x); err != nil {
			return err
		}
		if err := d.tellStream(tx, a, "stream.changed", x); err != nil {
			return err
		}
		v, err = d.streamView(tx, a, x)
		return err
	})
	return v, err
}

func (d *Directory) changeStream(x *store.Stream, c StreamChange) error {
	if c.Description != nil {
		x.Description = *c.Description
	}
	if c.Audience != nil {
		x.Audience = c.Audience
	}
	if c.Events != nil {
		x.Events = c.Events
	}
	secret := ""
	if c.Authorization != nil {
		secret = *c.Authorization
		if err := d.keepAuthorization(x, secret); err != nil {
			return err
		}
	}
	if c.Endpoint != nil && *c.Endpoint != x.Endpoint {
		// A secret is for the receiver that it was given for, and no other.
		if c.Authorization == nil && len(x.Authorization) > 0 {
			return invalid("authorization", "With another endpoint the authorization has to be sent again.", "Send both.")
		}
		x.Endpoint = *c.Endpoint
	}
	if c.Paused != nil && *c.Paused != x.Paused {
		x.Paused, x.Reason = *c.Paused, ""
		x.Failures, x.FailingSince, x.NextAt = 0, store.Stream{}.FailingSince, store.Stream{}.NextAt
	}
	return d.checkStream(x, secret)
}

// RemoveStream forgets a stream, with its position.
func (d *Directory) RemoveStream(ctx context.Context, a Actor, id string) error {
	return d.update(ctx, a, func(tx store.Tx) error {
		x, err := movedStream(tx, a, id)
		if err != nil {
			return err
		}
		if err := d.tellStream(tx, a, "stream.deleted", x); err != nil {
			return err
		}
		return tx.DeleteStream(x.ID)
	})
}
