package directory

import (
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// The bounds of a stream's texts, in bytes.
const (
	maxAudience = 10
	maxURL      = 2048
)

// checkStream judges a stream, and brings its lists into order. secret is a new
// authorization, "" for none.
func (d *Directory) checkStream(x *store.Stream, secret string) error {
	if err := text("description", x.Description, 0, 256); err != nil {
		return err
	}
	if err := text("authorization", secret, 0, maxURL); err != nil {
		return err
	}
	if len(x.Audience) == 0 || len(x.Audience) > maxAudience {
		return invalid("audience", "A stream has 1 to 10 audiences.", "Send what the receiver calls itself, such as its URL.")
	}
	for _, aud := range x.Audience {
		if err := text("audience", aud, 1, 512); err != nil {
			return err
		}
	}
	x.Events = slices.Compact(slices.Sorted(slices.Values(x.Events)))
	if len(x.Events) == 0 {
		return invalid("events", "A stream wants at least one event.", "Send event URIs, or leave events out for all.")
	}
	for _, uri := range x.Events {
		if !slices.Contains(EventURIs(true), uri) {
			return invalid("events", "There is no event "+quoteID(uri)+".", "Use those of securityEvents.eventUris in the ServiceProviderConfig.")
		}
		if x.Source != 0 && !slices.Contains(EventURIs(false), uri) {
			return invalid("events", "A source has no "+quoteID(uri)+": its events hold no values.", "Take the notice, and read the resource.")
		}
	}
	return checkDelivery(x, secret)
}

func checkDelivery(x *store.Stream, secret string) error {
	switch x.Delivery {
	case store.DeliveryPoll:
		if x.Endpoint != "" || secret != "" {
			return invalid("endpoint", "What is polled is sent nowhere.", "Leave endpoint and authorization out, or use push.")
		}
		return nil
	case store.DeliveryPush:
		if len(x.Endpoint) > maxURL {
			return invalid("endpoint", "The endpoint is longer than 2048 bytes.", "")
		}
		if strings.TrimSpace(x.Endpoint) == "" {
			return invalid("endpoint", "A push needs an endpoint.", "Send the https URL of the receiver.")
		}
		return nil
	}
	return invalid("delivery", quoteID(string(x.Delivery))+" is no delivery.", "Use poll or push.")
}
