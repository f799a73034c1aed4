-- +goose Up
-- Features that were switched on or off for a tenant: a JSON object.
ALTER TABLE tenants ADD COLUMN features TEXT NOT NULL DEFAULT '{}';
-- What a tenant has done again and again.
CREATE TABLE jobs (
  tenant BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  enabled BOOLEAN NOT NULL,
  every BIGINT NOT NULL,
  next BIGINT NOT NULL,
  last_run TEXT NOT NULL,
  PRIMARY KEY (tenant, kind)
);
CREATE INDEX jobs_due ON jobs(next) WHERE enabled;
CREATE INDEX runs_waiting ON runs(kind, id) WHERE state IN ('queued', 'running');
