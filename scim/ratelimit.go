package scim

import scimerrors "github.com/elimity-com/scim/errors"

// errRate says that a source is too fast (RFC 6585 §4).
type errRate struct{ failure }

func (e errRate) Error() string { return e.Detail }

func tooFast() error {
	return errRate{failure{
		ScimError:  scimerrors.ScimError{Status: 429, Detail: "This source sends too many requests a second. Nothing was changed; try again."},
		retryAfter: 1,
	}}
}
