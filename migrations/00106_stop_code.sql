-- +goose Up
-- A code with which a holder stops all own credentials without a login: whoever has lost the card cannot log in. There is one for a
-- person, made while logged in and kept by the person alone. A row can be read only by the person, or by who names its code.
create table stop_code (
  person_id uuid constraint stop_code_pkey primary key constraint stop_code_person_fkey references person (person_id),
  digest bytea not null constraint stop_code_once unique constraint stop_code_digest check (length(digest) = 32),
  made_at timestamptz not null,
  used_at timestamptz constraint stop_code_used check (used_at >= made_at)
);
comment on table stop_code is 'SHA-256 of the code with which a person stops all own credentials without a login; the code itself is nowhere kept. used_at: it has stopped something and is good for nothing more.';
alter table stop_code enable row level security;
alter table stop_code force row level security;
create policy own on stop_code to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid);
create policy named on stop_code for select to akashi_citizen
  using (encode(digest, 'hex') = current_setting('app.stop_code', true));
grant select, insert, update (digest, made_at, used_at) on stop_code to akashi_citizen;

-- +goose Down
drop table stop_code;
