-- +goose Up
-- What clients uploaded. A record waits while its status is '', then it tells
-- what became of it.
CREATE TABLE uploads (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  run TEXT NOT NULL,
  position INTEGER NOT NULL,
  actor TEXT NOT NULL,
  txn TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  data TEXT NOT NULL,
  status TEXT NOT NULL,
  action TEXT NOT NULL,
  external_id TEXT NOT NULL,
  display TEXT NOT NULL,
  subject TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX uploads_waiting ON uploads(source, id) WHERE status = '';
CREATE INDEX uploads_log ON uploads(source, settled, id) WHERE status <> '';
CREATE INDEX uploads_failed ON uploads(source, settled, id) WHERE status = 'failure';
CREATE INDEX uploads_run ON uploads(source, run, settled, id) WHERE status <> '';
CREATE INDEX uploads_external ON uploads(source, external_id, settled, id) WHERE status <> '';

-- The work on the uploads of a source: one transaction at a time locks its row.
CREATE TABLE upload_jobs (
  source INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  paused BOOLEAN NOT NULL
);
CREATE INDEX runs_ended ON runs(kind, ended) WHERE kind = 'upload';
