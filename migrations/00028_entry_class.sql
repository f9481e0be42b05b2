-- +goose Up
-- class: the items that tell entries of one person apart, such as grade and trade. valid_until: the last day of an entry
-- with a term; it ends by itself, so that no act and no state says so.
alter table entry add column class text not null default '', add column valid_until date;
drop index entry_one_living;
create unique index entry_one_living on entry (register_id, person_ref, class)
  where person_ref is not null and state in ('registered', 'suspended');
alter table credential add column valid_until date;
grant select (valid_until) on credential to akashi_public;

-- +goose Down
alter table credential drop column valid_until;
drop index entry_one_living;
create unique index entry_one_living on entry (register_id, person_ref)
  where person_ref is not null and state in ('registered', 'suspended');
alter table entry drop column valid_until, drop column class;
