package scim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/workspace-scim/workspace/store"
)

func TestLogOfAFaultHoldsNothingThatTheClientSent(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		const private = "zaphod@contoso.com"
		fault := &pgconn.PgError{
			Severity: "ERROR", Code: "22P02", Message: `invalid input syntax for type bigint: "` + private + `"`,
			Detail: "Key (key)=(" + private + ") already exists.",
		}
		d.store.update = func(context.Context, func(store.Tx) error) error { return fault }
		user := userHead + `"userName":"` + private + `"}`
		for target, body := range map[string]string{"/Users": user, "/Bulk": bulkOf("", postUser("1", private))} {
			d.log.Reset()
			r := d.send("POST", target, body)
			if strings.Contains(r.Text, private) || r.Status/100 == 2 && r.statuses() != "500" {
				t.Errorf("%s: %d %s", target, r.Status, r.Text)
			}
			lines := d.faults()
			if len(lines) != 1 || !strings.Contains(lines[0], "SQLSTATE 22P02") || !strings.Contains(lines[0], "tenant=a") {
				t.Errorf("%s: %d lines in the log: %s", target, len(lines), d.log)
			}
			if strings.Contains(d.log.String(), private) || strings.Contains(d.log.String(), d.token) {
				t.Errorf("%s: the log holds what the client sent: %s", target, d.log)
			}
		}
	})
}
