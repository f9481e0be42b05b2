-- +goose Up
create table signing_key (
  kid text constraint signing_key_pkey primary key,
  registrar_id text not null constraint signing_key_registrar_fkey references registrar (id),
  purpose text not null constraint signing_key_purpose check (purpose in ('credential')),
  public_jwk jsonb not null,
  not_before timestamptz not null,
  retired_at timestamptz,
  distrusted_at timestamptz
);
comment on table signing_key is 'Public halves of the keys that sign credentials, as published. retired: signs no more, earlier signatures stand; distrusted: nothing it signed is believed.';
grant select on signing_key to akashi_citizen, akashi_office, akashi_public, akashi_worker;
grant insert, update on signing_key to akashi_worker;

create table credential_state (
  state text constraint credential_state_pkey primary key,
  sentence text not null
);
create table credential_move (
  prior_state text not null,
  state text not null,
  constraint credential_move_pkey primary key (prior_state, state)
);
comment on table credential_state is 'States of a credential, the same as credential.States in Go; a test compares them.';
comment on table credential_move is 'The moves of a credential that are allowed, the same as credential.Moves in Go.';
insert into credential_state (state, sentence) values
  ('intended', 'The exact bytes to sign are recorded; the signature is not there yet.'),
  ('valid', 'Signed and in force.'),
  ('suspended', 'Not to be relied on for the time being.'),
  ('revoked', 'Ended: the registration was revoked or cancelled.'),
  ('replaced', 'Ended: a later credential of the same entry took its place.');
insert into credential_move (prior_state, state) values
  ('intended', 'intended'), ('intended', 'valid'), ('intended', 'suspended'), ('intended', 'revoked'), ('intended', 'replaced'),
  ('valid', 'suspended'), ('valid', 'revoked'), ('valid', 'replaced'),
  ('suspended', 'valid'), ('suspended', 'revoked'), ('suspended', 'replaced');
grant select on credential_state, credential_move to akashi_citizen, akashi_office, akashi_worker, akashi_public;

create table credential (
  register_id text not null,
  id uuid not null,
  public_id text not null,
  registrar_id text not null,
  entry_id uuid not null,
  person_ref uuid,
  version integer not null,
  state text not null,
  prior_state text not null,
  kid text not null constraint credential_kid_fkey references signing_key (kid),
  payload bytea not null,
  to_sign bytea not null,
  signature bytea,
  intended_at timestamptz not null,
  signed_at timestamptz,
  status_at timestamptz not null,
  constraint credential_pkey primary key (register_id, id),
  constraint credential_public_id_unique unique (register_id, public_id),
  constraint credential_version_unique unique (register_id, entry_id, version),
  constraint credential_signed check (state not in ('valid') or signature is not null),
  constraint credential_move_fkey foreign key (prior_state, state) references credential_move (prior_state, state),
  constraint credential_entry_fkey foreign key (register_id, entry_id) references entry (register_id, id)
);
create unique index credential_one_live on credential (register_id, entry_id) where state in ('intended', 'valid', 'suspended');
create index credential_unsigned on credential (intended_at) where signature is null;
create index credential_person_ref on credential (person_ref);
comment on table credential is 'Digital credentials: the bytes to sign are stored before they are signed; state is the one source of revocation.';
alter table credential enable row level security;
alter table credential force row level security;
create policy registrar on credential to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy person on credential for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy public_status on credential for select to akashi_public
  using (current_setting('app.door', true) = 'public');
grant select, insert, update on credential to akashi_office, akashi_worker;
grant select on credential to akashi_citizen;
grant select (register_id, public_id, registrar_id, version, state, kid, signed_at, status_at) on credential to akashi_public;

create table credential_history (
  register_id text not null,
  credential_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  state text not null,
  cause text not null,
  constraint credential_history_pkey primary key (register_id, credential_id, id),
  constraint credential_history_credential_fkey foreign key (register_id, credential_id) references credential (register_id, id)
);
comment on table credential_history is 'Every change of a credential''s state, with its cause. Append-only.';
alter table credential_history enable row level security;
alter table credential_history force row level security;
create policy with_credential on credential_history
  using (exists (select 1 from credential c where c.register_id = credential_history.register_id and c.id = credential_history.credential_id offset 0))
  with check (exists (select 1 from credential c where c.register_id = credential_history.register_id and c.id = credential_history.credential_id offset 0));
grant select, insert on credential_history to akashi_office, akashi_worker;
grant select on credential_history to akashi_citizen;

-- +goose Down
drop table credential_history, credential, credential_move, credential_state, signing_key;
