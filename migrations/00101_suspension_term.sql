-- +goose Up
-- suspended_until: the last day of a suspension that has a term, as the measure's two persons decided; null while the entry is not
-- suspended, and for a suspension without an end. It ends by a job, which finds it here and believes the history: a program from
-- before knows nothing of terms and leaves the day behind when it restores. until in the history is the day that the measure named.
alter table entry add column suspended_until date;
alter table entry_history add column until date;
alter table credential add column suspended_until date;
grant select (suspended_until) on credential to akashi_public;
create index entry_suspended_until on entry (registrar_id, suspended_until) where suspended_until is not null;

-- +goose Down
drop index entry_suspended_until;
alter table credential drop column suspended_until;
alter table entry_history drop column until;
alter table entry drop column suspended_until;
