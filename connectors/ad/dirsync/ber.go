package dirsync

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The part of BER (X.690) that LDAP uses: tags of one byte and definite lengths
// (RFC 4511 §5.1).
const (
	tagBoolean    = 0x01
	tagInteger    = 0x02
	tagOctets     = 0x04
	tagEnumerated = 0x0a
	tagSequence   = 0x30
)

var errBER = errors.New("dirsync: the server's answer is no LDAP message")

// tlv encodes one element around its parts.
func tlv(tag byte, parts ...[]byte) []byte {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	b := append(make([]byte, 0, size+6), tag)
	if size < 0x80 {
		b = append(b, byte(size))
	} else {
		b = append(b, 0x84)
		b = binary.BigEndian.AppendUint32(b, uint32(size))
	}
	for _, part := range parts {
		b = append(b, part...)
	}
	return b
}

func octets(s string) []byte { return tlv(tagOctets, []byte(s)) }

// integer encodes in four bytes. A Windows server refuses the flag 0x80000000
// in five, which is the shortest form of the positive number; in four it is
// negative (MS-ADTS 3.1.1.3.4.1.3 has it as a bit field).
func integer(n int32) []byte { return tlv(tagInteger, binary.BigEndian.AppendUint32(nil, uint32(n))) }

func enumerated(n byte) []byte { return tlv(tagEnumerated, []byte{n}) }

// element is one decoded element.
type element struct {
	tag     byte
	content []byte
}

// cut takes the first element off b.
func cut(b []byte) (e element, rest []byte, err error) {
	if len(b) < 2 {
		return element{}, nil, errBER
	}
	e.tag = b[0]
	size, header := int(b[1]), 2
	if size >= 0x80 {
		count := size & 0x7f
		if count == 0 || count > 4 || len(b) < 2+count {
			return element{}, nil, errBER
		}
		size = 0
		for _, octet := range b[2 : 2+count] {
			size = size<<8 | int(octet)
		}
		header += count
	}
	if size > len(b)-header {
		return element{}, nil, errBER
	}
	e.content = b[header : header+size : header+size]
	return e, b[header+size:], nil
}

// cutTag takes the first element off b, which must have that tag.
func cutTag(b []byte, tag byte) (content, rest []byte, err error) {
	e, rest, err := cut(b)
	if err != nil || e.tag != tag {
		return nil, nil, errBER
	}
	return e.content, rest, nil
}

// cutInteger takes an INTEGER or ENUMERATED off b.
func cutInteger(b []byte, tag byte) (n int64, rest []byte, err error) {
	content, rest, err := cutTag(b, tag)
	if err != nil || len(content) == 0 || len(content) > 8 {
		return 0, nil, errBER
	}
	n = int64(int8(content[0]))
	for _, octet := range content[1:] {
		n = n<<8 | int64(octet)
	}
	return n, rest, nil
}

// readMessage reads one LDAPMessage and gives what is in its SEQUENCE, in
// memory of its own. An end before the first byte is io.ErrUnexpectedEOF too:
// we only read while an answer is due.
func readMessage(r *bufio.Reader, most int) ([]byte, error) {
	var header [6]byte
	if _, err := io.ReadFull(r, header[:2]); err != nil {
		return nil, unexpected(err)
	}
	if header[0] != tagSequence {
		return nil, errBER
	}
	size := int(header[1])
	if size >= 0x80 {
		count := size & 0x7f
		if count == 0 || count > 4 {
			return nil, errBER
		}
		if _, err := io.ReadFull(r, header[2:2+count]); err != nil {
			return nil, unexpected(err)
		}
		size = 0
		for _, octet := range header[2 : 2+count] {
			size = size<<8 | int(octet)
		}
	}
	if size > most {
		return nil, fmt.Errorf("dirsync: one entry has %d bytes, more than the %d that are read: ask for fewer attributes", size, most)
	}
	message := make([]byte, size)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, unexpected(err)
	}
	return message, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
