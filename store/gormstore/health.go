package gormstore

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// lately is how long before the last renewal of any of a source's leases a
// partition has to have had its own renewed to be worked on still.
const lately = 10 * time.Minute

// lastSuccess gives a column of the newest run of a lease's partition that
// succeeded; for a partition without one it is NULL.
func lastSuccess(column string) string {
	return "(SELECT r." + column + ` FROM runs r
		WHERE r.source = l.source AND r.state = 'succeeded' AND r.partition = l.partition ORDER BY r.id DESC LIMIT 1)`
}

// healthSQL asks about each source with look-ups by index; the least of several
// partitions' times is that of the one furthest behind.
func healthSQL() string {
	const partitions = `FROM leases l WHERE l.source = s.id
		AND l.renewed >= (SELECT MAX(m.renewed) FROM leases m WHERE m.source = s.id) - ?`
	const connected = `(s.kind = 'ad'
			OR (SELECT 1 FROM leases l WHERE l.source = s.id LIMIT 1) IS NOT NULL
			OR (SELECT 1 FROM agents a WHERE a.tenant = s.tenant AND a.source = s.id AND a.revoked = ? LIMIT 1) IS NOT NULL)`
	return `SELECT t.slug, s.name,
		(SELECT MIN(COALESCE(` + lastSuccess("ended") + ", ?)) " + partitions + `),
		(SELECT MIN(NULLIF(` + lastSuccess("next") + ", ?)) " + partitions + `),
		(SELECT COUNT(*) FROM runs r WHERE r.source = s.id AND r.state = 'held'),
		(SELECT COUNT(*) FROM (SELECT 1 FROM problems p WHERE p.source = s.id LIMIT ` + fmt.Sprint(store.MaxCountedProblems) + `) counted),
		(SELECT COUNT(*) FROM agents a WHERE a.tenant = s.tenant AND a.source = s.id AND a.revoked = ? AND a.seen > ?),
		CASE WHEN ` + connected + ` THEN 0 ELSE 1 END
		FROM sources s CROSS JOIN tenants t
		WHERE t.id = s.tenant AND s.mode <> 'disabled' AND (` + connected + `
			OR (SELECT p.held FROM pushes p WHERE p.source = s.id) > 0)
		ORDER BY s.id LIMIT ?`
}

// SourceHealth implements store.ConnectorReader.
func (r *reader) SourceHealth(heardAfter time.Time, limit int) ([]store.SourceHealth, error) {
	var all []store.SourceHealth
	never, window := micros(time.Time{}), lately.Microseconds()
	err := r.eachOf(func(rs rows) error {
		var h store.SourceHealth
		var succeeded, next sql.NullInt64
		var pushOnly int
		if err := rs.Scan(&h.Tenant, &h.Source, &succeeded, &next, &h.Held, &h.Problems, &h.Agents, &pushOnly); err != nil {
			return err
		}
		h.PushOnly = pushOnly == 1
		if succeeded.Valid {
			h.SucceededAt = instant(succeeded.Int64)
		}
		if next.Valid {
			h.NextAt = instant(next.Int64)
		}
		all = append(all, h)
		return nil
	}, healthSQL(), never, window, never, window, never, micros(heardAfter), never, never, limit)
	return all, err
}
