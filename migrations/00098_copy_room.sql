-- +goose Up
-- Each copy is recorded before it is signed and completed afterwards. With room on its page the completion writes no index: without it,
-- all that the row has were written twice.
alter table credential_copy set (fillfactor = 70);

-- +goose Down
alter table credential_copy reset (fillfactor);
