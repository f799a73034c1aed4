package adtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/sys/unix"
)

// startTimeout bounds how long a controller may take to answer, on a busy
// machine too.
const startTimeout = 60 * time.Second

// DC is a domain controller: a Samba that this process runs. Its methods are
// for one goroutine at a time.
type DC struct {
	Settings
	// Address is the loopback address that it has for itself.
	Address string

	samba   string
	dir     string
	release func() // gives the address back
	process *exec.Cmd
	stdin   io.Closer
	log     *os.File
	ended   chan struct{} // closed when the process has ended
}

// Available says why no controller can be started here; nil if one can.
func Available() error {
	if os.Geteuid() != 0 {
		return errors.New("adtest: Samba listens on the ports 389 and 636 only, which needs root")
	}
	_, err := program()
	return err
}

// Run starts a controller of a new domain in a directory that must not exist.
// It answers when Run returns. The caller closes it; if the caller's process
// ends without, the controller ends too.
func Run(s Settings, dir string) (*DC, error) {
	s = s.withDefaults()
	samba, err := program()
	if err != nil {
		return nil, err
	}
	template, err := s.template(samba)
	if err != nil {
		return nil, err
	}
	return s.runCopy(samba, template, dir)
}

// runCopy starts a controller from a copy of a template's directory.
func (s Settings) runCopy(samba, template, dir string) (*DC, error) {
	if err := copyTree(template, dir); err != nil {
		return nil, err
	}
	address, release, err := freeAddress()
	if err != nil {
		return nil, err
	}
	dc := &DC{Settings: s, Address: address, samba: samba, dir: dir, release: release}
	if err := dc.settle(); err != nil {
		return nil, errors.Join(err, dc.Close())
	}
	if err := dc.Start(); err != nil {
		return nil, errors.Join(err, dc.Close())
	}
	return dc, nil
}

// settle writes into its directory what depends on where that is and on its
// address.
func (d *DC) settle() error {
	if err := d.writeConfig(d.dir, d.Address); err != nil {
		return err
	}
	return writeCertificate(filepath.Join(d.dir, "private", "tls"), d.Name(), d.Address)
}

// ports are all that Samba's LDAP server and KDC listen on.
var ports = []string{"389", "636", "3268", "3269", kdcPort, "464"}

// kdcPort is where the KDC listens.
const kdcPort = "88"

// freeAddress finds a loopback address that no other controller has, and holds
// it, among the processes of this machine, until it is released.
func freeAddress() (address string, release func(), err error) {
	for n := range 250 {
		address := fmt.Sprintf("127.0.83.%d", n+1)
		f, err := os.OpenFile(filepath.Join(os.TempDir(), "workspace-adtest-"+address+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return "", nil, fmt.Errorf("adtest: %w", err)
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil && canListen(address) {
			return address, func() { _ = f.Close() }, nil
		}
		_ = f.Close()
	}
	return "", nil, errors.New("adtest: no address of 127.0.83.0/24 has the ports 88, 389, 464, 636, 3268 and 3269 free; Samba needs them, and root to listen on them")
}

func canListen(address string) bool {
	for _, port := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}

// URL is where it speaks LDAP over TLS from the first byte.
func (d *DC) URL() string { return "ldaps://" + d.Address }

// PlainURL is where it speaks LDAP, and TLS after StartTLS.
func (d *DC) PlainURL() string { return "ldap://" + d.Address }

// KDCAddress is where its KDC is asked, if it has one.
func (d *DC) KDCAddress() string { return net.JoinHostPort(d.Address, kdcPort) }

// Name is its DNS name, for which it has a certificate.
func (d *DC) Name() string { return d.Settings.name() }

// Base is the DN of the domain's root.
func (d *DC) Base() string { return d.base() }

// CAFile is the PEM file of the CA that signed its certificate.
func (d *DC) CAFile() string { return filepath.Join(d.dir, "private", "tls", "ca.pem") }

// Administrator is the name to bind with as the domain's administrator.
func (d *DC) Administrator() string { return "Administrator@" + d.Realm }

// Start starts it again after Stop or Kill, with what it held then, and returns
// when it answers.
func (d *DC) Start() error {
	logFile, err := os.OpenFile(filepath.Join(d.dir, "samba.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("adtest: %w", err)
	}
	// With -i it stays in the foreground and ends when its standard input does,
	// so it can't outlive this process. A session of its own lets kill reach the
	// processes that it forks for its connections.
	cmd := exec.Command(d.samba, "-i", "--model=standard", "-s", configFile(d.dir))
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return errors.Join(fmt.Errorf("adtest: %w", err), logFile.Close())
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("adtest: %w", err), logFile.Close())
	}
	d.process, d.stdin, d.log, d.ended = cmd, stdin, logFile, make(chan struct{})
	go func(ended chan struct{}) {
		_ = cmd.Wait() // how it ended is of interest only while it should run
		close(ended)
	}(d.ended)
	return d.waitReady()
}

// waitReady returns when the administrator can bind and the KDC, if it has one,
// can be asked.
func (d *DC) waitReady() error {
	deadline := time.Now().Add(startTimeout)
	for {
		err := d.ready()
		if err == nil {
			return nil
		}
		select {
		case <-d.ended:
			return fmt.Errorf("adtest: samba ended when it was started: %s", d.logTail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("adtest: samba doesn't answer after %v: %w\n%s", startTimeout, err, d.logTail()), d.Kill())
		}
	}
}

func (d *DC) ready() error {
	conn, err := d.Connect()
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil || !d.KDC {
		return err
	}
	kdc, err := net.Dial("tcp", d.KDCAddress())
	if err != nil {
		return err
	}
	return kdc.Close()
}

func (d *DC) logTail() string {
	out, err := os.ReadFile(filepath.Join(d.dir, "samba.log"))
	if err != nil {
		return err.Error()
	}
	return tail(out)
}

// Connect gives a connection that is bound as the administrator, by LDAP over
// TLS. The caller closes it.
func (d *DC) Connect() (*ldap.Conn, error) {
	pem, err := os.ReadFile(d.CAFile())
	if err != nil {
		return nil, fmt.Errorf("adtest: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := ldap.DialURL(d.URL(), ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, ServerName: d.Name()}))
	if err != nil {
		return nil, fmt.Errorf("adtest: %w", err)
	}
	conn.SetTimeout(startTimeout)
	if err := conn.Bind(d.Administrator(), AdministratorPassword); err != nil {
		return nil, errors.Join(fmt.Errorf("adtest: %w", err), conn.Close())
	}
	return conn, nil
}

// Stop lets it end by itself. It may be started again.
func (d *DC) Stop() error { return d.end(syscall.SIGTERM) }

// Kill ends it and what it forked, at once. It may be started again: what it
// had answered is kept by the kernel.
func (d *DC) Kill() error { return d.end(syscall.SIGKILL) }

func (d *DC) end(signal syscall.Signal) error {
	if d.process == nil {
		return nil
	}
	group := d.process.Process.Pid // it leads its session
	if signal == syscall.SIGTERM {
		_ = syscall.Kill(group, signal) // that it has ended already is no error
		select {
		case <-d.ended:
		case <-time.After(10 * time.Second):
		}
	}
	// Those that serve connections end a moment after it.
	_ = syscall.Kill(-group, syscall.SIGKILL)
	<-d.ended
	err := errors.Join(d.stdin.Close(), d.log.Close())
	d.process = nil
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("adtest: %w", err)
	}
	return nil
}

// Close ends it and gives back its address. The directory stays.
func (d *DC) Close() error {
	err := d.Kill()
	d.release()
	return err
}

// Snapshot stops it, copies all that it holds to a directory that must not
// exist, and starts it again.
func (d *DC) Snapshot(to string) error {
	if err := d.Stop(); err != nil {
		return err
	}
	if err := copyTree(d.dir, to); err != nil {
		return err
	}
	return d.Start()
}

// SetBack makes it what it was at a snapshot, as a virtual machine is that is
// set back without its knowing: with the same invocation id and the update
// sequence numbers of then (USN rollback). The snapshot may be of another
// controller with the same settings. The CA is a new one.
func (d *DC) SetBack(to string) error {
	if err := d.Stop(); err != nil {
		return err
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("adtest: %w", err)
	}
	if err := copyTree(to, d.dir); err != nil {
		return err
	}
	if err := d.settle(); err != nil {
		return err
	}
	return d.Start()
}
