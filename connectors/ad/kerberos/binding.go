package kerberos

import (
	"crypto"
	"crypto/md5"
	"crypto/x509"
	"encoding/binary"
)

// ServerEndPoint is the channel binding tls-server-end-point of a server that has
// shown this certificate (RFC 5929 §4; MS-ADTS 5.1.2.2 demands it of domain
// controllers), for [Start]. It is nil if the certificate is signed by an
// algorithm for which none is defined, such as Ed25519.
func ServerEndPoint(certificate *x509.Certificate) []byte {
	hash := endPointHash(certificate.SignatureAlgorithm)
	if hash == 0 {
		return nil
	}
	h := hash.New()
	h.Write(certificate.Raw)
	return h.Sum([]byte("tls-server-end-point:"))
}

// endPointHash is the hash of a signature algorithm, or SHA-256 in place of one
// that is too weak (RFC 5929 §4.1); 0 if there isn't exactly one.
func endPointHash(a x509.SignatureAlgorithm) crypto.Hash {
	switch a {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.DSAWithSHA256, x509.ECDSAWithSHA256, x509.SHA256WithRSAPSS:
		return crypto.SHA256
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		return crypto.SHA512
	}
	return 0
}

// contextFlags of RFC 4121 §4.1.1.1 that we ask for: the service proves itself
// too. Integrity and privacy are left to TLS; a controller refuses them inside
// it.
const contextFlags = 0x02

// contextChecksum is the checksum of an authenticator (RFC 4121 §4.1.1), which
// isn't one: it carries the channel binding and the flags.
func contextChecksum(binding []byte) []byte {
	const bindingSize = md5.Size
	b := binary.LittleEndian.AppendUint32(nil, bindingSize)
	if binding == nil {
		b = append(b, make([]byte, bindingSize)...)
	} else {
		sum := md5.Sum(bindingsStruct(binding))
		b = append(b, sum[:]...)
	}
	return binary.LittleEndian.AppendUint32(b, contextFlags)
}

// bindingsStruct is a gss_channel_bindings_struct as RFC 4121 §4.1.1.2 hashes it:
// types and lengths of two addresses that aren't given, then the application's
// data.
func bindingsStruct(application []byte) []byte {
	b := make([]byte, 16, 20+len(application))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(application)))
	return append(b, application...)
}
