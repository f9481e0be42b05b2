-- +goose Up
-- What a key has signed is found by the key when it has to be replaced in an emergency.
create index credential_kid on credential (kid, register_id, id) where state in ('intended', 'valid', 'suspended', 'held');
create index credential_copy_kid on credential_copy (kid) where ended_at is null;

-- +goose Down
drop index credential_copy_kid, credential_kid;
