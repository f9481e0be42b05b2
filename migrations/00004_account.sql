-- +goose Up
-- Logins of persons. A row can be read only by who names its issuer and subject, or by the person: nobody can list them.
create table person (
  person_id uuid constraint person_pkey primary key,
  created_at timestamptz not null
);
comment on table person is 'Everybody who ever logged in as a citizen. Nothing is known here but that.';

create table login (
  issuer text not null,
  subject text not null,
  person_id uuid not null constraint login_person_fkey references person (person_id),
  created_at timestamptz not null,
  constraint login_unique_subject primary key (issuer, subject)
);
create index login_person on login (person_id);
comment on table login is 'Which person a subject of a login provider is.';

alter table person enable row level security;
alter table person force row level security;
alter table login enable row level security;
alter table login force row level security;
create policy own on person to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid);
create policy own on login to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid);
create policy named on login for select to akashi_citizen
  using (encode(sha256(convert_to(issuer || chr(10) || subject, 'UTF8')), 'hex') = current_setting('app.login', true));
grant select, insert on person, login to akashi_citizen;

-- Staff of the bodies. Accounts and roles are written by the operator's commands alone, which run as the worker.
create table staff (
  id uuid constraint staff_pkey primary key,
  subject text not null constraint staff_unique_subject unique,
  name text not null,
  active boolean not null
);
comment on table staff is 'Accounts of staff, by the subject of the staff''s login provider.';

create table staff_role (
  staff_id uuid not null constraint staff_role_staff_fkey references staff (id),
  body_id text not null,
  role text not null constraint staff_role_known check (role in
    ('intake', 'reviewer', 'approver', 'register_keeper', 'statistician', 'auditor', 'admin')),
  granted_at timestamptz not null,
  granted_by text not null,
  until timestamptz,
  constraint staff_role_pkey primary key (staff_id, body_id, role, granted_at),
  constraint staff_role_span check (until is null or until >= granted_at)
);
create unique index staff_role_open on staff_role (staff_id, body_id, role) where until is null;
comment on table staff_role is 'Which role a member of staff has at a body, since when, by whose grant, until when.';

grant select on staff, staff_role to akashi_office, akashi_worker;
grant insert on staff, staff_role to akashi_worker;
grant update (name, active) on staff to akashi_worker;
grant update (until) on staff_role to akashi_worker;

-- +goose Down
drop table staff_role, staff, login, person;
