-- +goose Up
-- The chain of hashes over the events of each tenant.
CREATE TABLE seals (
  tenant BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  prev BIGINT NOT NULL,
  events BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  sealed BIGINT NOT NULL,
  PRIMARY KEY (tenant, seq),
  UNIQUE (tenant, prev)
);
