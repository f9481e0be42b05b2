-- +goose Up
-- Issuance to wallets (OpenID for Verifiable Credential Issuance 1.0). A grant is filed under the register and the reference
-- by which its registrar knows the person, as a case is: the wallet's side (akashi_issuance) works through the registrar's
-- door and sees of credentials and cases what belongs to the one reference that it has narrowed its transaction to.
create table issuance_state (
  state text constraint issuance_state_pkey primary key,
  sentence text not null
);
create table issuance_move (
  prior_state text not null,
  state text not null,
  constraint issuance_move_pkey primary key (prior_state, state)
);
comment on table issuance_state is 'States of a grant to a wallet, the same as issuance.States in Go; a test compares them.';
comment on table issuance_move is 'The moves of a grant that are allowed, the same as issuance.Moves in Go.';
insert into issuance_state (state, sentence) values
  ('offered', 'The holder has made an offer; no wallet has taken it.'),
  ('authorized', 'The holder has agreed to a wallet''s request; the wallet has not redeemed its code.'),
  ('active', 'A wallet has tokens and may fetch copies.'),
  ('ended', 'Over: withdrawn, lapsed, or stopped because somebody misused it.');
insert into issuance_move (prior_state, state) values
  ('offered', 'offered'), ('offered', 'active'), ('offered', 'ended'),
  ('authorized', 'authorized'), ('authorized', 'active'), ('authorized', 'ended'),
  ('active', 'ended');
grant select on issuance_state, issuance_move to akashi_citizen, akashi_issuance, akashi_worker;

create table issuance_grant (
  register_id text not null,
  id uuid not null,
  registrar_id text not null,
  person_ref uuid not null,
  entry_id uuid,
  application_id uuid,
  configurations text[] not null constraint issuance_grant_configurations check (cardinality(configurations) > 0),
  identified boolean not null,
  client_id text not null,
  state text not null,
  prior_state text not null,
  cause text not null,
  code_digest bytea not null constraint issuance_grant_code check (length(code_digest) = 32),
  code_expires_at timestamptz not null,
  tx_digest bytea constraint issuance_grant_tx check (length(tx_digest) = 32),
  tries integer not null,
  challenge text not null,
  redirect_uri text not null,
  holder_key text not null,
  access_digest bytea constraint issuance_grant_access check (length(access_digest) = 32),
  access_expires_at timestamptz,
  refresh_digest bytea constraint issuance_grant_refresh check (length(refresh_digest) = 32),
  refresh_before bytea constraint issuance_grant_refresh_before check (length(refresh_before) = 32),
  refreshed_at timestamptz,
  copies integer not null,
  created_at timestamptz not null,
  redeemed_at timestamptz,
  ended_at timestamptz,
  expires_at timestamptz not null,
  constraint issuance_grant_pkey primary key (register_id, id),
  constraint issuance_grant_move_fkey foreign key (prior_state, state) references issuance_move (prior_state, state),
  constraint issuance_grant_subject check (num_nonnulls(entry_id, application_id) = 1)
) with (fillfactor = 70); -- tokens are renewed in place, and no index is written
create index issuance_grant_person on issuance_grant (person_ref, created_at desc);
comment on table issuance_grant is 'What a holder lets a wallet fetch: the credential of one entry, or of the entry that a case will lead to. Codes and tokens are kept as their SHA-256 only.';

create table issuance_deferral (
  register_id text not null,
  grant_id uuid not null,
  id uuid not null,
  registrar_id text not null,
  person_ref uuid not null,
  configuration text not null,
  keys jsonb not null,
  created_at timestamptz not null,
  done_at timestamptz,
  constraint issuance_deferral_pkey primary key (register_id, grant_id, id),
  constraint issuance_deferral_grant_fkey foreign key (register_id, grant_id) references issuance_grant (register_id, id)
);
comment on table issuance_deferral is 'Requests that were answered with a transaction id because the credential is not there yet, with the public keys that the copies will be bound to.';

create table issuance_response (
  register_id text not null,
  grant_id uuid not null,
  id uuid not null,
  registrar_id text not null,
  person_ref uuid not null,
  configuration text not null,
  copies uuid[] not null,
  at timestamptz not null,
  event text constraint issuance_response_event check (event in ('credential_accepted', 'credential_failure', 'credential_deleted')),
  notified_at timestamptz,
  constraint issuance_response_pkey primary key (register_id, grant_id, id),
  constraint issuance_response_grant_fkey foreign key (register_id, grant_id) references issuance_grant (register_id, id)
);
comment on table issuance_response is 'Copies that were handed to a wallet in one answer, and what the wallet told of them afterwards.';

alter table issuance_grant enable row level security;
alter table issuance_grant force row level security;
alter table issuance_deferral enable row level security;
alter table issuance_deferral force row level security;
alter table issuance_response enable row level security;
alter table issuance_response force row level security;
create policy registrar on issuance_grant to akashi_issuance
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy person on issuance_grant to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy holder on issuance_deferral to akashi_issuance
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy holder on issuance_response to akashi_issuance
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy person on issuance_response for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
grant select, insert, update (state, prior_state, cause, ended_at) on issuance_grant to akashi_citizen;
grant select, update (state, prior_state, cause, ended_at, tries, client_id, holder_key, identified, configurations, access_digest,
  access_expires_at, refresh_digest, refresh_before, refreshed_at, copies, redeemed_at) on issuance_grant to akashi_issuance;
grant select, insert, update (done_at) on issuance_deferral to akashi_issuance;
grant select, insert, update (event, notified_at) on issuance_response to akashi_issuance;
grant select on issuance_response to akashi_citizen;

-- Platform tables: they name no person and belong to no register.
create table issuance_request (
  digest bytea constraint issuance_request_pkey primary key constraint issuance_request_digest check (length(digest) = 32),
  registrar_id text not null,
  request jsonb not null,
  expires_at timestamptz not null
);
create index issuance_request_expiry on issuance_request (expires_at);
comment on table issuance_request is 'Pushed requests for authorization (RFC 9126), by the SHA-256 of their request_uri; taken out when the holder answers.';
create table issuance_seen (
  digest bytea constraint issuance_seen_pkey primary key constraint issuance_seen_digest check (length(digest) = 32),
  expires_at timestamptz not null
);
create index issuance_seen_expiry on issuance_seen (expires_at);
comment on table issuance_seen is 'What may be used once: ids of DPoP proofs and nonces of key proofs, as SHA-256, until nothing that carries them would be taken any more.';
grant insert on issuance_request to akashi_issuance;
grant select, delete on issuance_request to akashi_citizen, akashi_worker;
grant insert, select (digest) on issuance_seen to akashi_issuance;
grant select, delete on issuance_seen to akashi_worker;

-- What the wallet's side needs of the rest: of the one reference that the transaction was narrowed to, and no names beside
-- those that the credential itself shows.
create policy issuance on credential for select to akashi_issuance
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy issuance on credential_copy to akashi_issuance
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy issuance_taken on status_slot for select to akashi_issuance using (current_setting('app.door', true) = 'registrar');
create policy issuance on status_slot for insert to akashi_issuance
  with check (exists (select 1 from credential_copy c where c.register_id = status_slot.register_id and c.id = status_slot.copy_id
    and c.credential_id = status_slot.credential_id and c.registrar_id = status_slot.registrar_id offset 0));
create policy issuance on application for select to akashi_issuance
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy issuance on entry_history for select to akashi_issuance
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true)
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy issuance_records on audit_event for insert to akashi_issuance
  with check (current_setting('app.door', true) = 'registrar' and actor_kind in ('person', 'system')
    and registrar_id = current_setting('app.registrar', true) and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
grant select on credential to akashi_issuance;
grant select, insert, update (signature, signed_at, ended_at) on credential_copy to akashi_issuance;
grant insert, select (register_id, list_no, idx) on status_slot to akashi_issuance;
grant select, insert on status_list to akashi_issuance;
grant select on signing_key to akashi_issuance;
grant select (register_id, id, registrar_id, person_ref, state) on application to akashi_issuance;
grant select (register_id, entry_id, registrar_id, person_ref, application_id) on entry_history to akashi_issuance;
grant insert (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose, register_id, registrar_id, person_ref,
  case_id, entry_id, items, outcome, salt, commitment) on audit_event to akashi_issuance;

-- +goose Down
drop table issuance_seen, issuance_request, issuance_response, issuance_deferral, issuance_grant, issuance_move, issuance_state;
drop policy issuance on credential;
drop policy issuance on credential_copy;
drop policy issuance_taken on status_slot;
drop policy issuance on status_slot;
drop policy issuance on application;
drop policy issuance on entry_history;
drop policy issuance_records on audit_event;
revoke all on credential, credential_copy, status_slot, status_list, signing_key from akashi_issuance;
revoke select (register_id, id, registrar_id, person_ref, state) on application from akashi_issuance;
revoke select (register_id, entry_id, registrar_id, person_ref, application_id) on entry_history from akashi_issuance;
revoke insert (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose, register_id, registrar_id, person_ref,
  case_id, entry_id, items, outcome, salt, commitment) on audit_event from akashi_issuance;
