-- +goose Up
-- Why subjects have targets, but for what sources assert: those are members.
CREATE TABLE grants (
  tenant BIGINT NOT NULL,
  target BIGINT NOT NULL,
  subject BIGINT NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  cause BIGINT NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (tenant, target, subject, reason, cause)
);
CREATE INDEX grants_subject ON grants(tenant, subject, target, reason, cause);
CREATE INDEX grants_cause ON grants(tenant, cause, target, subject, reason) WHERE cause <> 0;
