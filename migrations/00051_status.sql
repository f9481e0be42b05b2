-- +goose Up
-- A holder stops own credentials (credential_hold); the office's suspension is another matter and goes before.
insert into credential_state (state, sentence) values
  ('held', 'Stopped by the holder, who can lift it after a fresh login.');
insert into credential_move (prior_state, state) values
  ('intended', 'held'), ('valid', 'held'), ('suspended', 'held'), ('held', 'valid'), ('held', 'suspended'), ('held', 'revoked'), ('held', 'replaced');
drop index credential_one_live;
create unique index credential_one_live on credential (register_id, entry_id) where state in ('intended', 'valid', 'suspended', 'held');
alter table credential drop constraint credential_signed;
alter table credential add constraint credential_signed check (state not in ('valid', 'held') or signature is not null);
create index credential_out_of_force on credential (register_id, id) where state in ('suspended', 'held', 'revoked', 'replaced');
create index credential_term on credential (register_id, valid_until) where valid_until is not null;

create table credential_hold (
  register_id text not null,
  credential_id uuid not null,
  id uuid not null,
  registrar_id text not null,
  person_ref uuid not null,
  held_at timestamptz not null,
  lifted_at timestamptz,
  constraint credential_hold_pkey primary key (register_id, credential_id, id),
  constraint credential_hold_lifted check (lifted_at >= held_at),
  constraint credential_hold_credential_fkey foreign key (register_id, credential_id) references credential (register_id, id)
);
create unique index credential_hold_one on credential_hold (register_id, credential_id) where lifted_at is null;
comment on table credential_hold is 'When a holder stopped an own credential and lifted it again. It outlives a suspension by the office: what the office restores is held again.';
alter table credential_hold enable row level security;
alter table credential_hold force row level security;
create policy registrar on credential_hold for select to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy person on credential_hold to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
grant select on credential_hold to akashi_citizen, akashi_office, akashi_worker;
grant insert on credential_hold to akashi_citizen;
grant update (lifted_at) on credential_hold to akashi_citizen;

-- What a holder's transaction may do to an own credential: hold it, lift that, replace it. One that the office has suspended
-- or that has ended is out of its reach.
create policy person_holds on credential for update to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid and state in ('valid', 'held'))
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid
    and state in ('valid', 'held', 'replaced'));
create policy person_reissues on credential for insert to akashi_citizen
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid and state = 'intended');
grant update (state, prior_state, status_at) on credential to akashi_citizen;
grant insert on credential, credential_history to akashi_citizen;

-- The list of a copy's place stands with the copy, too, so that whoever moves a credential knows which lists change.
alter table credential_copy add column list_no integer;
create index credential_copy_listed on credential_copy (register_id, credential_id) where list_no is not null;
create index credential_copy_ended on credential_copy (register_id, list_no) where ended_at is not null;
create index credential_copy_expiring on credential_copy (register_id, list_no, expires_at) where expires_at is not null;

-- The public finds a copy by the digest of what was signed, so that a signature alone, without the record of its intent, is
-- believed by nobody.
create index credential_copy_digest on credential_copy (register_id, digest);
grant select (digest) on credential_copy to akashi_public;

create table status_need (
  register_id text not null,
  list_no integer not null,
  id uuid not null,
  at timestamptz not null,
  constraint status_need_pkey primary key (register_id, list_no, id),
  constraint status_need_list_fkey foreign key (register_id, list_no) references status_list (register_id, list_no)
);
comment on table status_need is 'Lists that are to be published anew, written by the act that changes a status; removed by the publication that saw it. Names nobody.';

create table status_version (
  register_id text not null,
  list_no integer not null,
  version integer not null constraint status_version_version check (version > 0),
  kid text not null constraint status_version_kid_fkey references signing_key (kid),
  content bytea not null constraint status_version_content check (length(content) = 32),
  jwt text not null,
  cwt bytea not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  constraint status_version_pkey primary key (register_id, list_no, version),
  constraint status_version_term check (expires_at > issued_at),
  constraint status_version_list_fkey foreign key (register_id, list_no) references status_list (register_id, list_no)
);
comment on table status_version is 'Published status lists as they were signed; never changed. The highest version is the current one. content is the SHA-256 of the unpacked list.';

grant insert on status_need to akashi_citizen, akashi_office, akashi_worker;
grant select, delete on status_need to akashi_status;
grant select on status_version to akashi_public, akashi_status;
grant insert, delete on status_version to akashi_status;
grant select on status_list, signing_key to akashi_status;
grant insert on status_list, status_need to akashi_status;
grant update (full_at) on status_list to akashi_status;

-- Who publishes statuses signs no credential, and sees of credentials nothing but where they stand.
create policy publisher on credential for select to akashi_status
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy publisher on credential_copy for select to akashi_status
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy publisher on status_slot for select to akashi_status
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
grant select (register_id, id, registrar_id, state, valid_until) on credential to akashi_status;
grant select (register_id, id, registrar_id, credential_id, list_no, expires_at, ended_at) on credential_copy to akashi_status;
grant select on status_slot to akashi_status;
create policy publisher_records on audit_event for insert to akashi_status
  with check (act = 'status.publish' and person_ref is null and registrar_id = current_setting('app.registrar', true));
grant insert (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose, register_id, registrar_id, person_ref,
  case_id, entry_id, items, outcome, salt, commitment) on audit_event to akashi_status;

-- +goose Down
drop policy publisher_records on audit_event;
revoke insert (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose, register_id, registrar_id, person_ref,
  case_id, entry_id, items, outcome, salt, commitment) on audit_event from akashi_status;
drop policy publisher on status_slot;
drop policy publisher on credential_copy;
drop policy publisher on credential;
revoke all on credential, credential_copy, status_slot, status_list, signing_key from akashi_status;
drop table status_version, status_need;
revoke select (digest) on credential_copy from akashi_public;
drop index credential_copy_digest, credential_copy_expiring, credential_copy_ended, credential_copy_listed;
alter table credential_copy drop column list_no;
drop policy person_reissues on credential;
drop policy person_holds on credential;
revoke insert on credential, credential_history from akashi_citizen;
revoke update (state, prior_state, status_at) on credential from akashi_citizen;
drop table credential_hold;
drop index credential_term, credential_out_of_force;
delete from credential_move where 'held' in (prior_state, state);
delete from credential_state where state = 'held';
alter table credential drop constraint credential_signed;
alter table credential add constraint credential_signed check (state not in ('valid') or signature is not null);
drop index credential_one_live;
create unique index credential_one_live on credential (register_id, entry_id) where state in ('intended', 'valid', 'suspended');
