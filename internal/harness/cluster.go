package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// newDatabase makes an empty PostgreSQL database on the server that
// WORKSPACE_TEST_POSTGRES names, or else on one of our own.
func (t *trial) newDatabase() (string, error) {
	server := os.Getenv("WORKSPACE_TEST_POSTGRES")
	if server == "" {
		c, err := t.newCluster()
		if err != nil {
			return "", err
		}
		server = c.url()
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("WORKSPACE_TEST_POSTGRES: %w", err)
	}
	name := fmt.Sprintf("harness_%d_%d", os.Getpid(), time.Now().UnixNano())
	if err := execute(t.ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	t.cleanup(func() error {
		return execute(context.Background(), server, "DROP DATABASE "+name+" WITH (FORCE)")
	})
	u.Path = "/" + name
	return u.String(), nil
}

func execute(ctx context.Context, server, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("PostgreSQL: %s: %w", sql, err)
	}
	return nil
}

// cluster is a PostgreSQL server of our own, which may be killed.
type cluster struct {
	t        *trial
	binaries string
	dir      string
	port     int
	as       *syscall.SysProcAttr
	cmd      *exec.Cmd
	ended    chan struct{}
}

// newCluster makes a cluster and starts it; it ends with the trial.
func (t *trial) newCluster() (*cluster, error) {
	c := &cluster{t: t, ended: make(chan struct{})}
	var err error
	if c.binaries, err = binaries(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "workspace-cluster-"); err != nil {
		return nil, err
	}
	t.cleanup(func() error { return os.RemoveAll(c.dir) })
	if c.as, err = unprivileged(c.dir); err != nil {
		return nil, err
	}
	initdb := c.program("initdb", "-D", filepath.Join(c.dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c.port = free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return nil, err
	}
	t.cleanup(func() error { c.signal(syscall.SIGQUIT); return nil })
	return c, c.start()
}

// binaries finds the directory of PostgreSQL's programs.
func binaries() (string, error) {
	if dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(dirs) > 0 {
		return filepath.Dir(dirs[len(dirs)-1]), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errors.New("PostgreSQL isn't installed, and this needs a server of its own")
	}
	return filepath.Dir(path), nil
}

// unprivileged gives the directory to a user that the server can run as: it
// refuses to run as root. Nil means as we are.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(dir, uid, gid)
}

func (c *cluster) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.binaries, name), args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, c.as
	return cmd
}

func (c *cluster) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

// start starts the server and waits until it takes connections. After a kill -9
// the processes that are left of it keep the next from starting for a moment.
func (c *cluster) start() error {
	return c.t.until(30*time.Second, "PostgreSQL", func() bool {
		if c.cmd == nil || c.over() {
			if err := c.launch(); err != nil {
				return false
			}
		}
		return execute(c.t.ctx, c.url(), "SELECT 1") == nil
	})
}

func (c *cluster) launch() error {
	log, err := os.OpenFile(filepath.Join(c.t.dir, "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := c.program("postgres", "-D", filepath.Join(c.dir, "data"), "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+c.dir, "-c", "max_connections=200")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	c.cmd, c.ended = cmd, ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is expected to end badly
	}()
	return nil
}

func (c *cluster) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// signal ends the server: SIGKILL as a crash, SIGQUIT at once, SIGINT in order.
func (c *cluster) signal(s syscall.Signal) {
	if c.cmd == nil || c.over() {
		return
	}
	if err := c.cmd.Process.Signal(s); err == nil || strings.Contains(err.Error(), "finished") {
		<-c.ended
	}
}
