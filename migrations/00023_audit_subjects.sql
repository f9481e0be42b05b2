-- +goose Up
-- One look can be at many people: a page of the inbox names those of each row. Such an event names them all, and each of them
-- sees it, and no others in it: the digest is what binds them to the event, and a person's role cannot read the column.
alter table audit_event
  add column subjects uuid[],
  add column subjects_digest bytea,
  add constraint audit_event_subjects check ((subjects is null) = (subjects_digest is null)
    and (subjects is null or person_ref is null and cardinality(subjects) > 0 and length(subjects_digest) = 32));
create index audit_event_subjects on audit_event using gin (subjects) where subjects is not null;

revoke select on audit_event from akashi_citizen;
grant select (id, xid, at, act, actor_kind, actor_id, actor_role, actor_body, purpose, register_id, registrar_id, person_ref, case_id,
  entry_id, items, outcome, salt, commitment, subjects_digest) on audit_event to akashi_citizen;
grant insert (subjects, subjects_digest) on audit_event to akashi_office;

drop policy person_reads on audit_event;
create policy person_reads on audit_event for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and (person_ref = nullif(current_setting('app.person_ref', true), '')::uuid
    or subjects @> array[nullif(current_setting('app.person_ref', true), '')::uuid]));

-- +goose Down
drop policy person_reads on audit_event;
create policy person_reads on audit_event for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
grant select on audit_event to akashi_citizen;
alter table audit_event drop column subjects, drop column subjects_digest;
