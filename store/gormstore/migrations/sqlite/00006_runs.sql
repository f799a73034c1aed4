-- +goose Up
-- The last run of a partition in a state, and how many of a source there are,
-- however many runs there were.
CREATE INDEX runs_state ON runs(source, state, partition, id);
