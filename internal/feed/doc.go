// Package feed tells others what happens, as security event tokens (RFC 8417) of
// the SCIM profile (RFC 9967): it signs them, and delivers them as they ask for
// them (RFC 8936) or to where they want them (RFC 8935).
//
// What a stream gets is worked out by the core from its log of events
// (directory.ReadStream), so that nothing is written for a stream when something
// happens, and nothing can be lost between the two. The id of a token names its
// stream and the event: delivered again, it is the same.
package feed
