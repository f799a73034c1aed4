-- +goose Up
-- Features that were switched on or off for a tenant: a JSON object.
ALTER TABLE tenants ADD COLUMN features TEXT NOT NULL DEFAULT '{}';
-- What a tenant has done again and again.
CREATE TABLE jobs (
  tenant INTEGER NOT NULL,
  kind TEXT NOT NULL,
  enabled BOOLEAN NOT NULL,
  every INTEGER NOT NULL,
  next INTEGER NOT NULL,
  last_run TEXT NOT NULL,
  PRIMARY KEY (tenant, kind)
) WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs(next) WHERE enabled;
CREATE INDEX runs_waiting ON runs(kind, id) WHERE state IN ('queued', 'running');
