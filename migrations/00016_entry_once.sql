-- +goose Up
-- A person stands in a register once, whichever act makes an entry theirs: a registration, a link, a restoration.
create unique index entry_one_living on entry (register_id, person_ref)
  where person_ref is not null and state in ('registered', 'suspended');

-- +goose Down
drop index entry_one_living;
