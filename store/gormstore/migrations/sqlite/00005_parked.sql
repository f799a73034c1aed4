-- +goose Up
-- What a resource waits for; the primary key begins with what it waits for.
CREATE INDEX parked_rid ON parked(rid);
