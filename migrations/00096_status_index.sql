-- +goose Up
-- A list is computed from the credentials that are not in force, of all its register: nine of ten belong to other lists. These
-- indexes tell so without a look at the rows. They have what the policies compare, too.
drop index status_slot_credential;
create index status_slot_credential on status_slot (register_id, credential_id, list_no) include (idx, registrar_id);
drop index credential_out_of_force;
create index credential_out_of_force on credential (register_id, id) include (state, registrar_id) where state in ('suspended', 'held', 'revoked', 'replaced');

-- +goose Down
drop index credential_out_of_force;
create index credential_out_of_force on credential (register_id, id) where state in ('suspended', 'held', 'revoked', 'replaced');
drop index status_slot_credential;
create index status_slot_credential on status_slot (register_id, credential_id);
