package main

import (
	"database/sql"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// badRow is a way in which a row of an HR tool's file is wrong, and its code.
var badRows = []struct{ row, code string }{
	{"p%d,,Ana,,Clerk,", "invalidValue"},                        // no userName
	{"p%d,u%[1]d@contoso.com,Ana", "wrongCells"},                // too few cells
	{"p%d,u%[1]d@contoso.com,Ana,,5\" pipe,", "strayQuote"},     // a quote that isn't doubled
	{"p%d,u%[1]d@contoso.com,Ana,perhaps,,", "invalidValue"},    // no boolean
	{"p1,u%d@contoso.com,Ana,,,", "duplicateKey"},               // the externalId of the first row
	{"p%d,u%[1]d@contoso.com,\"Ana,,,", "strayQuote"},           // a quote that meets the next one
	{"p%d,u%[1]d@contoso.com,Ana\x00,,,", "nulCharacter"},       // U+0000
	{"p%d,u%[1]d@contoso.com,Zo\xeb,true,,", "invalidEncoding"}, // Windows-1252 among UTF-8
}

// peopleCSV writes a file of people, one of a hundred in a bad row, and gives the
// code of each row, "" for a good one.
func peopleCSV(t *testing.T, name string, people int) (codes []string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("externalId,userName,name.givenName,active,title,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager\r\n")
	for i := 1; i <= people; i++ {
		if i%100 != 0 {
			fmt.Fprintf(&b, "p%d,u%[1]d@contoso.com,Zoë,true,\"Head of \"\"%[1]d\"\",\r\nEMEA\",p%d\r\n", i, (i+1)%people+1)
			codes = append(codes, "")
			continue
		}
		bad := badRows[i/100%len(badRows)]
		fmt.Fprintf(&b, bad.row+"\r\n", i)
		codes = append(codes, bad.code)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return codes
}

// resultOf reads a result: the cells of each row by the names of the columns.
func resultOf(t *testing.T, name string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// runsOf gives the runs of the tenant: how far each is, by its id.
func runsOf(t *testing.T, database string) map[string][2]int {
	t.Helper()
	out, _ := workspace(t, database, "run", "list", "--tenant", "contoso")
	all := map[string][2]int{}
	for _, m := range regexp.MustCompile(`(?m)^(\S+) +hr +upload +\S+ +(\d+)(?:/(\d+))? `).FindAllStringSubmatch(out, -1) {
		done, _ := strconv.Atoi(m[2]) // the expression has digits
		total, _ := strconv.Atoi(m[3])
		all[m[1]] = [2]int{done, total}
	}
	return all
}

// interrupt starts an upload and kills it when it has worked on some rows and not
// on all. How far it is the database tells, without a lock that it may hold.
func interrupt(t *testing.T, database, file string, people int) {
	t.Helper()
	driver, url := "pgx", database
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, url = "sqlite3", "file:"+path+"?mode=ro"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cmd := exec.Command("workspace", "upload", file, "--source", "hr", "--database", database)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		var done int
		err := db.QueryRow("SELECT COALESCE(MAX(done), 0) FROM runs WHERE kind = 'upload'").Scan(&done)
		if err == nil && done == 0 {
			continue
		}
		killed()
		if err != nil || done == people {
			t.Fatalf("%d of %d rows were worked on before it could be killed: %v", done, people, err)
		}
		return
	}
	killed()
	t.Fatal("nothing is worked on")
}

// TestAFileSurvivesKill9 uploads a file of which one row of a hundred is bad, and
// kills the command while it works; the same command goes on where it was. The
// result has each row, each is carried out once, and a server may help (rows E006
// and E063, law 10).
func TestAFileSurvivesKill9(t *testing.T) {
	const people = 1000
	apptest.Each(t, func(t *testing.T, database string) {
		file := filepath.Join(t.TempDir(), "people.csv")
		codes := peopleCSV(t, file, people)
		bad := people / 100
		workspace(t, database, "tenant", "add", "contoso", "--domain", "contoso.com")
		workspace(t, database, "tenant", "enable", "contoso")
		workspace(t, database, "source", "add", "--tenant", "contoso", "--name", "hr", "--kind", "api")

		out, status := workspace(t, database, "upload", file, "--source", "hr", "--dry-run")
		if status != 0 || !strings.Contains(out, fmt.Sprintf("created   %d\n", people-bad)) || !strings.Contains(out, fmt.Sprintf("refused   %d\n", bad)) ||
			!strings.Contains(out, "u1@contoso.com (p1)\n") || len(runsOf(t, database)) != 0 {
			t.Fatalf("dry run: %d\n%s", status, out)
		}
		checkResult(t, strings.TrimSuffix(file, ".csv")+".preview.csv", codes, "create")

		interrupt(t, database, file, people)
		s := serve(t, database) // which works on the rest, beside the command or before it
		out, status = workspace(t, database, "upload", file, "--source", "hr")
		if status != 1 || !strings.Contains(out, fmt.Sprintf("created %d\n", people-bad)) || !strings.Contains(out, fmt.Sprintf("refused %d", bad)) {
			t.Fatalf("the second command: %d\n%s", status, out)
		}
		s.end(syscall.SIGKILL)
		checkResult(t, strings.TrimSuffix(file, ".csv")+".result.csv", codes, "create")
		if runs := runsOf(t, database); len(runs) != 1 {
			t.Errorf("%d runs of one file", len(runs))
		}
		events, _ := workspace(t, database, "events", "--tenant", "contoso")
		if n := count(strings.Split(events, "\n"), `"user.created"`); n != people-bad {
			t.Errorf("%d users were created, want %d", n, people-bad)
		}

		out, _ = workspace(t, database, "upload", file, "--source", "hr")
		if !strings.Contains(out, fmt.Sprintf("created 0\nchanged 0\ndisabled 0\nunchanged %d\n", people-bad)) || len(runsOf(t, database)) != 2 {
			t.Errorf("the same file again:\n%s", out)
		}
		if left, err := filepath.Glob(file + "*part"); err != nil || left != nil {
			t.Errorf("%v %v is left", left, err)
		}
	})
}

// checkResult holds a result against the codes that its rows should have.
func checkResult(t *testing.T, name string, codes []string, action string) {
	t.Helper()
	rows := resultOf(t, name)
	if len(rows) != len(codes) {
		t.Fatalf("%s has %d rows, want %d", name, len(rows), len(codes))
	}
	wrong := 0
	for i, row := range rows {
		want := map[string]string{"row": strconv.Itoa(i + 1), "status": "success", "action": action, "code": codes[i]}
		if codes[i] != "" {
			want["status"], want["action"] = "failure", "other"
		}
		for column, value := range want {
			if row[column] != value && wrong < 10 {
				wrong++
				t.Errorf("%s: row %d has %s %q, want %q: %v", filepath.Base(name), i+1, column, row[column], value, row)
			}
		}
		if codes[i] != "" && row["detail"] == "" {
			t.Errorf("row %d doesn't say why", i+1)
		}
	}
}
