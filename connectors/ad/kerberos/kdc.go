package kerberos

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	// perKDC bounds one question to one KDC, so that the next can be asked in time.
	perKDC = 3 * time.Second
	// mostKDCs are asked, of those that DNS or a file names.
	mostKDCs = 16
	// mostReply bounds a reply: a ticket grows with the account's groups, up to
	// MaxTokenSize, 48,000 bytes.
	mostReply = 256 << 10
)

// kdcs are the KDCs of a realm, as HOST:PORT, in the order to ask them.
type kdcs struct {
	realm     string
	addresses []string
}

// findKDCs takes those that are named, or asks DNS for the realm's (RFC 4120
// §7.2.3.2).
func (s surroundings) findKDCs(ctx context.Context, realm string, named []string) (*kdcs, error) {
	k := &kdcs{realm: realm}
	for _, name := range named {
		address, err := kdcAddress(name)
		if err != nil {
			return nil, err
		}
		k.addresses = append(k.addresses, address)
	}
	if len(k.addresses) > 0 {
		return k, nil
	}
	_, records, err := s.lookupSRV(ctx, "kerberos", "tcp", realm)
	for _, record := range records {
		k.addresses = append(k.addresses, net.JoinHostPort(strings.TrimSuffix(record.Target, "."), strconv.Itoa(int(record.Port))))
	}
	if len(k.addresses) == 0 {
		return nil, &Error{Fault: KDCUnreachable, Reason: "DNS names no KDC of " + realm,
			WayOut: "name one, which each domain controller is, or let this machine ask the domain's DNS", Err: err}
	}
	k.addresses = k.addresses[:min(len(k.addresses), mostKDCs)]
	return k, nil
}

// kdcAddress reads HOST or HOST:PORT.
func kdcAddress(name string) (string, error) {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		host, port = strings.Trim(name, "[]"), "88"
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 || host == "" || strings.ContainsAny(host, " /@") {
		return "", fmt.Errorf("kerberos: %.200q is no KDC, want HOST or HOST:PORT", name)
	}
	return net.JoinHostPort(host, port), nil
}

// CheckKDC says what is wrong with the name of a KDC in [Account].
func CheckKDC(name string) error {
	_, err := kdcAddress(name)
	return err
}

// ask sends a request to the first KDC that answers, and asks that one first
// from then on: another may not know yet what it knows.
func (k *kdcs) ask(ctx context.Context, request []byte) ([]byte, error) {
	var faults []error
	for i, address := range k.addresses {
		reply, err := askOne(ctx, address, request)
		if err == nil {
			k.addresses[0], k.addresses[i] = k.addresses[i], k.addresses[0]
			return reply, nil
		}
		faults = append(faults, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, &Error{Fault: KDCUnreachable, Reason: "no KDC of " + k.realm + " answers",
		WayOut: "check its name, the firewall (TCP 88), and that it runs", Err: errors.Join(faults...)}
}

// askOne asks by TCP (RFC 4120 §7.2.2).
func askOne(ctx context.Context, address string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, perKDC)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
		return nil, err
	}
	var header [4]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return nil, fmt.Errorf("reading from %s: %w", address, err)
	}
	size := binary.BigEndian.Uint32(header[:])
	if size > mostReply {
		return nil, fmt.Errorf("%s isn't a KDC: its answer has %d bytes", address, size)
	}
	reply := make([]byte, size)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return nil, fmt.Errorf("reading from %s: %w", address, err)
	}
	return reply, nil
}

// ParseKDCs gives the KDCs that a krb5.conf names for a realm: the values of kdc
// in its part of the section realms. Nothing else of the file is looked at, and
// no file that it includes.
func ParseKDCs(conf []byte, realm string) []string {
	var found []string
	section, part, depth := "", "", 0
	for lines := bufio.NewScanner(bytes.NewReader(conf)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		name, value, _ := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			section, depth = strings.Trim(line, "[]*"), 0
		case strings.HasPrefix(line, "}"):
			depth--
		case strings.HasSuffix(line, "{"):
			if depth++; depth == 1 {
				part = name
			}
		case section == "realms" && depth == 1 && strings.EqualFold(part, realm) && name == "kdc" && len(found) < mostKDCs:
			found = append(found, strings.TrimSuffix(value, "*"))
		}
	}
	return found
}
