package kerberos

import (
	"bytes"
	"encoding/asn1"
	"fmt"
)

var (
	oidSPNEGO     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}
	oidKerberos   = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
	oidMSKerberos = asn1.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2} // an old slip of Windows, which still says it (MS-SPNG, appendix)
)

// Kinds of a Kerberos token (RFC 4121 §4.1).
const (
	tokenRequest = 0x0100
	tokenReply   = 0x0200
	tokenError   = 0x0300
)

// negTokenInit offers Kerberos alone, with its token (RFC 4178 §4.2.1). With one
// mechanism there is nothing to negotiate that would want protection (§5).
type negTokenInit struct {
	MechTypes []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	MechToken []byte                  `asn1:"explicit,tag:2"`
}

// negTokenResp is the answer (RFC 4178 §4.2.2).
type negTokenResp struct {
	NegState      asn1.Enumerated       `asn1:"explicit,optional,tag:0,default:-1"`
	SupportedMech asn1.ObjectIdentifier `asn1:"explicit,optional,tag:1"`
	ResponseToken []byte                `asn1:"explicit,optional,tag:2"`
	MechListMIC   []byte                `asn1:"explicit,optional,tag:3"`
}

// acceptCompleted is the state of a negotiation that is over.
const acceptCompleted = 0

// initToken puts an AP-REQ into the first token of a negotiation.
func initToken(request []byte) ([]byte, error) {
	inner, err := frame(oidKerberos, append([]byte{tokenRequest >> 8, tokenRequest & 0xff}, request...))
	if err != nil {
		return nil, err
	}
	offer, err := asn1.MarshalWithParams(negTokenInit{[]asn1.ObjectIdentifier{oidKerberos}, inner}, "explicit,tag:0")
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	return frame(oidSPNEGO, offer)
}

// frame names the mechanism of a token (RFC 2743 §3.1).
func frame(mechanism asn1.ObjectIdentifier, token []byte) ([]byte, error) {
	oid, err := asn1.Marshal(mechanism)
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	b, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, Tag: 0, IsCompound: true, Bytes: append(oid, token...)})
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	return b, nil
}

// unframe takes the mechanism off a token.
func unframe(b []byte) (mechanism asn1.ObjectIdentifier, token []byte, err error) {
	var whole asn1.RawValue
	if rest, err := asn1.Unmarshal(b, &whole); err != nil || len(rest) > 0 || whole.Class != asn1.ClassApplication || whole.Tag != 0 {
		return nil, nil, unproven("no token")
	}
	token, err = asn1.Unmarshal(whole.Bytes, &mechanism)
	if err != nil {
		return nil, nil, unproven("no token")
	}
	return mechanism, token, nil
}

// readToken takes the message of Kerberos out of the service's answer.
func readToken(answer []byte) (kind int, message []byte, err error) {
	response := negTokenResp{NegState: -1}
	if rest, err := asn1.UnmarshalWithParams(answer, &response, "explicit,tag:1"); err != nil || len(rest) > 0 {
		return 0, nil, unproven("no answer of SPNEGO")
	}
	if m := response.SupportedMech; m != nil && !m.Equal(oidKerberos) && !m.Equal(oidMSKerberos) {
		return 0, nil, unproven("it wants the mechanism %v", m)
	}
	if len(response.ResponseToken) == 0 {
		return 0, nil, unproven("its answer holds no token (state %d)", response.NegState)
	}
	mechanism, token, err := unframe(response.ResponseToken)
	if err != nil {
		return 0, nil, err
	}
	if !mechanism.Equal(oidKerberos) && !mechanism.Equal(oidMSKerberos) || len(token) < 2 {
		return 0, nil, unproven("no token of Kerberos")
	}
	kind, message = int(token[0])<<8|int(token[1]), bytes.Clone(token[2:])
	if kind == tokenReply && response.NegState != acceptCompleted {
		return 0, nil, unproven("the negotiation isn't over (state %d)", response.NegState)
	}
	return kind, message, nil
}
