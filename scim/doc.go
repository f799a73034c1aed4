// Package scim is the one door: the SCIM 2.0 endpoint (RFC 7643, 7644, 9865)
// that Entra ID, our agents, HR tools and administrators all use.
//
// A request passes these stations, one file each: auth.go finds out who speaks,
// ratelimit.go whether it may now, request.go reads parameters and body within
// their bounds, scim/dialect mends the form, scim/document, scim/filter and
// scim/patch give it meaning, internal/directory makes it true, present.go and
// projection.go write the answer, errors.go the refusals. The engine knows no
// resource type by name where the dictionary (scim/schema) can tell.
package scim
