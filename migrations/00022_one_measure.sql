-- +goose Up
-- Two measures on one entry at the same time would be decided without regard to each other.
create unique index application_one_measure on application (register_id, entry_id) where procedure_id = 'measure' and state = 'proposed';

-- +goose Down
drop index application_one_measure;
