-- +goose Up
-- What a person decided: 'adopt', 'keepApart', '' for nothing yet. open is 1
-- until then; 2 for what is kept apart, which goes on counting; 0 for what is
-- over.
ALTER TABLE conflicts ADD COLUMN decision TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE conflicts ADD COLUMN decided_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE conflicts ADD COLUMN decided_at BIGINT NOT NULL DEFAULT -62135596800000000;
DROP INDEX conflicts_open;
CREATE UNIQUE INDEX conflicts_standing ON conflicts(source, rid, external_id) WHERE open > 0;
CREATE INDEX conflicts_undecided ON conflicts(tenant, id) WHERE open = 1;
CREATE INDEX conflicts_rid ON conflicts(rid, id);
CREATE INDEX conflicts_external ON conflicts(source, external_id, id);

-- The log by what it is about. Resources go by their number; what else an event
-- is about (sources, tokens, agents) has none, and few events.
CREATE INDEX events_resource ON events(subject_rid, seq) WHERE subject_rid <> 0;
CREATE INDEX events_other ON events(subject, seq) WHERE subject_rid = 0 AND subject <> '';
CREATE INDEX IF NOT EXISTS events_run ON events(run, seq) WHERE run <> '';
