// Package kerberos proves to a service of an Active Directory domain who an
// account is, without sending its password (RFC 4120, MS-KILE). It gets a ticket
// from the domain's KDC and makes of it the one token of SASL's GSS-SPNEGO (RFC
// 4178, MS-SPNG), bound to the TLS connection that the token goes over (RFC 5056,
// RFC 5929), so that it is of no use on another.
//
// [Start] asks the KDC anew each time and keeps nothing: no ticket outlives what
// it was got for, and no goroutine renews any. It is for use inside TLS and
// negotiates no integrity or privacy of its own.
//
// Messages and cryptography are gokrb5's. The exchange with the KDC is ours,
// because gokrb5's client takes no context, loses the KDC's error codes, and
// leaves the channel binding empty. What comes from the network is looked at
// before gokrb5 sees it where gokrb5 would panic.
package kerberos
