package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/feed"
	"github.com/workspace-scim/workspace/store"
)

// stream is a stream of security events as it is shown. Its secret never is.
type stream struct {
	ID               string     `json:"id"`
	Description      string     `json:"description"`
	Source           string     `json:"source,omitempty"` // whose it is; none for the administrators
	Subjects         string     `json:"subjects,omitempty"`
	Delivery         string     `json:"delivery"`
	Endpoint         string     `json:"endpoint,omitempty"`
	HasAuthorization bool       `json:"hasAuthorization,omitempty"`
	PollURL          string     `json:"pollUrl,omitempty"`
	Issuer           string     `json:"issuer"`
	KeysURL          string     `json:"keysUrl"`
	Audience         []string   `json:"audience"`
	Events           []string   `json:"events"`
	Status           string     `json:"status"` // enabled, paused
	Reason           string     `json:"reason,omitempty"`
	CreatedAt        time.Time  `json:"createdAt"`
	Position         int64      `json:"position"`
	Last             int64      `json:"last"`
	DeliveredAt      *time.Time `json:"deliveredAt,omitempty"`
	Refused          int64      `json:"refused"`
	LastError        string     `json:"lastError,omitempty"`
	LastErrorAt      *time.Time `json:"lastErrorAt,omitempty"`
	Failures         int        `json:"failures"`
	FailingSince     *time.Time `json:"failingSince,omitempty"`
	NextAttemptAt    *time.Time `json:"nextAttemptAt,omitempty"`
}

func showStream(v directory.StreamView) stream {
	out := stream{
		ID: v.PublicID, Description: v.Description, Source: v.HolderID, Subjects: v.SubjectsID, Delivery: string(v.Delivery), Endpoint: v.Endpoint,
		HasAuthorization: v.HasAuthorization, Issuer: v.Issuer, KeysURL: feed.KeysURL(directory.ServerOf(v.Issuer)), Audience: v.Audience, Events: v.Events,
		Status: "enabled", Reason: v.Reason, CreatedAt: v.CreatedAt, Position: v.Position, Last: v.Last, DeliveredAt: timeOrNil(v.DeliveredAt),
		Refused: v.Refused, LastError: v.LastError, LastErrorAt: timeOrNil(v.LastErrorAt), Failures: v.Failures,
		FailingSince: timeOrNil(v.FailingSince), NextAttemptAt: timeOrNil(v.NextAt),
	}
	if v.Paused {
		out.Status = "paused"
	}
	if v.Delivery == store.DeliveryPoll {
		out.PollURL = directory.ServerOf(v.Issuer) + Prefix + "/streams/" + v.PublicID + "/poll"
	}
	return out
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Server) listStreams(r *request) error {
	p, after, err := r.numbered()
	if err != nil {
		return err
	}
	all, err := s.dir.Streams(r.c.Request().Context(), r.actor, after, p.limit)
	if err != nil {
		return err
	}
	return list(r, p, all, showStream, func(v directory.StreamView) []string { return []string{strconv.FormatInt(v.ID, 10)} })
}

func (s *Server) addStream(r *request) error {
	var body struct {
		Description   string         `json:"description"`
		Delivery      store.Delivery `json:"delivery"`
		Endpoint      string         `json:"endpoint"`
		Authorization string         `json:"authorization"`
		Subjects      string         `json:"subjects"`
		Audience      []string       `json:"audience"`
		Events        []string       `json:"events"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	if err := s.feed.CheckEndpoint(body.Endpoint); err != nil {
		return err
	}
	v, err := s.dir.AddStream(r.c.Request().Context(), r.actor, directory.StreamSpec{
		Description: body.Description, Delivery: body.Delivery, Endpoint: body.Endpoint, Authorization: body.Authorization, Subjects: body.Subjects,
		Audience: body.Audience, Events: body.Events, Server: s.feed.Server(r.server()),
	})
	if err != nil {
		return err
	}
	r.c.Response().Header().Set("Location", Prefix+"/streams/"+v.PublicID)
	return r.json(http.StatusCreated, showStream(v))
}

func (s *Server) getStream(r *request) error {
	v, err := s.dir.StreamOf(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, showStream(v))
}

func (s *Server) patchStream(r *request) error {
	var body struct {
		Description   *string  `json:"description"`
		Endpoint      *string  `json:"endpoint"`
		Authorization *string  `json:"authorization"`
		Audience      []string `json:"audience"`
		Events        []string `json:"events"`
		Paused        *bool    `json:"paused"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	if body.Endpoint != nil {
		if err := s.feed.CheckEndpoint(*body.Endpoint); err != nil {
			return err
		}
	}
	v, err := s.dir.ChangeStream(r.c.Request().Context(), r.actor, r.id, directory.StreamChange{
		Description: body.Description, Endpoint: body.Endpoint, Authorization: body.Authorization, Audience: body.Audience, Events: body.Events, Paused: body.Paused,
	})
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, showStream(v))
}

func (s *Server) deleteStream(r *request) error {
	if err := s.dir.RemoveStream(r.c.Request().Context(), r.actor, r.id); err != nil {
		return err
	}
	return r.respond(http.StatusNoContent, "", nil)
}

// poll answers a receiver that fetches (RFC 8936 §2). Members that aren't
// described are passed over, as receivers send some of their own.
func (s *Server) poll(r *request) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	var body struct {
		MaxEvents         *int                          `json:"maxEvents"`
		ReturnImmediately bool                          `json:"returnImmediately"`
		Ack               []string                      `json:"ack"`
		SetErrs           map[string]directory.SetError `json:"setErrs"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return decodeError(err)
	}
	ask := feed.Poll{
		Settled: directory.Settled{Acked: body.Ack, Refused: body.SetErrs}, Max: directory.MaxNotices, Immediately: body.ReturnImmediately,
		Again: func(ctx context.Context) (directory.Actor, error) {
			p, err := r.speaks(ctx)
			return directory.NewActor(p, r.txn()), err
		},
	}
	if body.MaxEvents != nil {
		if *body.MaxEvents < 0 {
			return problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "maxEvents", Detail: "maxEvents is a number from 0."}
		}
		ask.Max = min(*body.MaxEvents, directory.MaxNotices)
	}
	answer, err := s.feed.Poll(r.c.Request().Context(), r.actor, r.id, ask)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, answer)
}
