-- +goose Up
-- Why subjects have targets, but for what sources assert: those are members.
CREATE TABLE grants (
  tenant INTEGER NOT NULL,
  target INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  reason TEXT NOT NULL,
  cause INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (tenant, target, subject, reason, cause)
) WITHOUT ROWID;
CREATE INDEX grants_subject ON grants(tenant, subject, target, reason, cause);
CREATE INDEX grants_cause ON grants(tenant, cause, target, subject, reason) WHERE cause <> 0;
