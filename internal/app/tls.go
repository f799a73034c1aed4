package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair in two files that may be renewed while the server
// runs, as ACME clients do. It is safe for concurrent use.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu    sync.Mutex
	pair  *tls.Certificate
	stamp [2]stamp
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// loadCertificate reads the files once, so that wrong ones are refused at start.
func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	now, err := c.stamps()
	if err != nil {
		return nil, err
	}
	if err := c.load(now); err != nil {
		return nil, err
	}
	return c, nil
}

// get is tls.Config.GetCertificate. It looks at the files on each handshake,
// which costs two system calls, and keeps the old pair as long as the new files
// don't fit together: a renewal writes one after the other.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := c.stamps()
	if err == nil && now == c.stamp {
		return c.pair, nil
	}
	if err == nil {
		err = c.load(now)
	}
	if err != nil {
		c.log.Warn("certificate not renewed", "error", err)
	} else {
		c.log.Info("certificate renewed", "file", c.certFile)
	}
	return c.pair, nil
}

func (c *certificate) load(now [2]stamp) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("tls-cert and tls-key: %w", err)
	}
	c.pair, c.stamp = &pair, now
	return nil
}

func (c *certificate) stamps() ([2]stamp, error) {
	var s [2]stamp
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return s, fmt.Errorf("tls-cert and tls-key: %w", err)
		}
		s[i] = stamp{info.ModTime(), info.Size()}
	}
	return s, nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.get,
		NextProtos:     []string{"h2", "http/1.1"},
	}
}
