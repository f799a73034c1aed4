-- +goose Up
-- The source that an administrator declared the authority of a group; 0 for none.
ALTER TABLE resources ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;
