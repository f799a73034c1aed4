package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// aloud makes the story print what a person should see: make demo.
var aloud = flag.Bool("aloud", false, "print the story of testdata/story.txtar")

// TestStory plays what a tenant lives through, from the first directory to an
// undone run, against a server of its own.
func TestStory(t *testing.T) {
	out := io.Discard
	if *aloud {
		out = os.Stdout
	}
	s := &story{out: out}
	testscript.Run(t, testscript.Params{
		Files: []string{"testdata/story/story.txtar"}, RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": s.serve, "client": s.client, "send": s.send, "await": s.await, "keep": s.keep, "has": s.has, "say": s.say, "show": s.show, "tell": s.tell,
		},
	})
}

// story is the commands that the script has besides testscript's own.
type story struct {
	out    io.Writer
	url    string
	answer any // the last one, decoded
}

// serve starts the server and waits until it listens.
func (s *story) serve(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("workspace", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), append(os.Environ(), "HOME="+ts.Getenv("WORK"))
	log, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	listening := regexp.MustCompile(`msg=listening .*scim=(\S+)/scim/v2`)
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return
		}
	}
	ts.Fatalf("the server doesn't listen")
}

// client NAME FLAGS… adds a token, which send then uses under that name.
func (s *story) client(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("workspace", append([]string{"token", "add"}, args[1:]...)...))
	ts.Setenv("TOKEN_"+args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// send NAME METHOD PATH [BODY] sends a request; $NAMES in path and body are what
// keep kept. With ! it has to be refused.
func (s *story) send(ts *testscript.TestScript, neg bool, args []string) {
	var body io.Reader
	if len(args) > 3 {
		body = strings.NewReader(os.Expand(args[3], ts.Getenv))
	}
	prefix, mediaType := "/scim/v2", "application/scim+json"
	if strings.HasPrefix(args[2], "/api/") {
		prefix, mediaType = "", "application/json"
	}
	req, err := http.NewRequest(args[1], s.url+prefix+os.Expand(args[2], ts.Getenv), body)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("TOKEN_"+args[0]))
	req.Header.Set("Content-Type", mediaType)
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Logf("%d %s", resp.StatusCode, text)
	if (resp.StatusCode >= 400) != neg {
		ts.Fatalf("%s %s: %d %s", args[1], args[2], resp.StatusCode, text)
	}
	s.answer = nil
	if len(text) > 0 && json.Unmarshal(text, &s.answer) != nil {
		s.answer = string(text)
	}
}

// await VALUE PATH NAME METHOD PATH sends a request again and again until a value
// of the answer is so.
func (s *story) await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if s.send(ts, false, args[2:]); s.at(ts, args[1]) == args[0] {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s is %s", args[1], s.at(ts, args[1]))
		}
	}
}

// at gives a value of the last answer: lines/0/state.
func (s *story) at(ts *testscript.TestScript, path string) string {
	v := s.answer
	for name := range strings.SplitSeq(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			i, err := strconv.Atoi(name)
			ts.Check(err)
			if i >= len(x) {
				ts.Fatalf("%s: there are %d", path, len(x))
			}
			v = x[i]
		default:
			ts.Fatalf("%s: nothing there", path)
		}
	}
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	ts.Check(err)
	return string(text)
}

// keep NAME PATH makes a value of the last answer $NAME.
func (s *story) keep(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], s.at(ts, args[1]))
}

// has PATH EXPRESSION says what a value of the last answer is, as a whole.
func (s *story) has(ts *testscript.TestScript, neg bool, args []string) {
	got := s.at(ts, args[0])
	if regexp.MustCompile(`^(?:`+os.Expand(args[1], ts.Getenv)+`)$`).MatchString(got) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// say tells what comes next.
func (s *story) say(ts *testscript.TestScript, _ bool, args []string) {
	_, err := fmt.Fprintln(s.out, strings.Join(args, " "))
	ts.Check(err)
}

// tell prints what the last program that ran has printed.
func (s *story) tell(ts *testscript.TestScript, _ bool, _ []string) {
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		_, err := fmt.Fprint(s.out, "    ", line)
		ts.Check(err)
	}
	_, err := fmt.Fprintln(s.out)
	ts.Check(err)
}

// show NAME prints the last answer by a template of the script, NAME.tmpl.
func (s *story) show(ts *testscript.TestScript, _ bool, args []string) {
	t, err := template.New(args[0]).Parse(ts.ReadFile(args[0] + ".tmpl"))
	ts.Check(err)
	var b bytes.Buffer
	ts.Check(t.Execute(&b, s.answer))
	_, err = s.out.Write(b.Bytes())
	ts.Check(err)
}
