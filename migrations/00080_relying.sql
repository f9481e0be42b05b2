-- +goose Up
-- Registered verifiers: bodies that check many credentials by a program, under a name of their own. What they send to be
-- checked lies here sealed until it is checked and is then gone; what came of it lies here for a day. Watches let them
-- hear of a change of status, if the holder agrees, for as long as the holder agrees.
create table relying_client (
  id text constraint relying_client_pkey primary key,
  name text not null constraint relying_client_name check (char_length(name) between 1 and 100),
  webhook_url text not null default '',
  created_at timestamptz not null,
  closed_at timestamptz
);
comment on table relying_client is 'Registered verifiers. A closed one is not deleted: watches and the audit log name it.';
create table relying_key (
  id text constraint relying_key_pkey primary key,
  client_id text not null constraint relying_key_client_fkey references relying_client (id),
  secret_sha256 bytea not null constraint relying_key_secret check (octet_length(secret_sha256) = 32),
  label text not null constraint relying_key_label check (char_length(label) <= 100),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
comment on table relying_key is 'Keys by which registered verifiers are known: the hash of 32 random bytes, never the bytes.';
grant select on relying_client, relying_key to akashi_relying, akashi_worker;
grant select (id, name) on relying_client to akashi_citizen;
grant insert, update on relying_client, relying_key to akashi_worker;

create table bulk_check (
  client_id text not null constraint bulk_check_client_fkey references relying_client (id),
  id uuid not null,
  request_key text not null constraint bulk_check_request_key check (char_length(request_key) between 1 and 100),
  request_sha256 bytea not null,
  total integer not null constraint bulk_check_total check (total between 1 and 10000),
  done integer not null default 0,
  received_at timestamptz not null,
  finished_at timestamptz,
  constraint bulk_check_pkey primary key (client_id, id),
  constraint bulk_check_once unique (client_id, request_key),
  constraint bulk_check_done check (done between 0 and total and (finished_at is null) = (done < total))
);
create index bulk_check_received on bulk_check (received_at);
comment on table bulk_check is 'Questions about many credentials at once. They are deleted a day after they were answered.';
create table bulk_line (
  client_id text not null,
  check_id uuid not null,
  line integer not null,
  ref text not null constraint bulk_line_ref check (char_length(ref) <= 64),
  content bytea,
  verdict text,
  untampered text,
  issuer text,
  status text,
  status_since timestamptz,
  credential_id text,
  checked_at timestamptz,
  constraint bulk_line_pkey primary key (client_id, check_id, line),
  constraint bulk_line_check_fkey foreign key (client_id, check_id) references bulk_check (client_id, id) on delete cascade,
  constraint bulk_line_sealed_until_checked check ((content is null) = (verdict is not null))
);
create index bulk_line_waiting on bulk_line (client_id, check_id, line) where content is not null;
comment on table bulk_line is 'One credential of a question: sealed content until it is checked, the verdict afterwards, never both.';

alter table bulk_check enable row level security;
alter table bulk_check force row level security;
alter table bulk_line enable row level security;
alter table bulk_line force row level security;
create policy relying on bulk_check to akashi_relying, akashi_worker
  using (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true))
  with check (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true));
create policy relying on bulk_line to akashi_relying, akashi_worker
  using (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true))
  with check (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true));
grant select, insert, delete on bulk_check, bulk_line to akashi_relying;
grant select, update, delete on bulk_check, bulk_line to akashi_worker;

create table watch_state (
  state text constraint watch_state_pkey primary key,
  sentence text not null
);
create table watch_move (
  prior_state text not null,
  state text not null,
  constraint watch_move_pkey primary key (prior_state, state)
);
comment on table watch_state is 'States of a watch, the same as relying.WatchStates in Go; a test compares them.';
comment on table watch_move is 'The moves that are allowed, the same as relying.WatchMoves in Go; (asked, asked) lets a row be inserted.';
insert into watch_state (state, sentence) values
  ('asked', 'A verifier has asked to be told of changes; the holder has not answered.'),
  ('granted', 'The holder agrees, until the day that was asked for.'),
  ('refused', 'The holder does not agree, or nobody could be asked.'),
  ('ended', 'The holder or the verifier has ended it, or its day has passed.');
insert into watch_move (prior_state, state) values
  ('asked', 'asked'), ('asked', 'granted'), ('asked', 'refused'), ('asked', 'ended'), ('granted', 'ended');
grant select on watch_state, watch_move to akashi_relying, akashi_citizen, akashi_worker;

create table watch (
  register_id text not null,
  id uuid not null,
  registrar_id text not null,
  client_id text not null constraint watch_client_fkey references relying_client (id),
  credential_public_id text not null,
  credential_id uuid,
  entry_id uuid,
  person_ref uuid,
  ref text not null constraint watch_ref check (char_length(ref) <= 64),
  purpose text not null constraint watch_purpose check (char_length(purpose) between 1 and 200),
  until date not null,
  state text not null constraint watch_state_fkey references watch_state (state),
  prior_state text not null,
  told_state text,
  asked_at timestamptz not null,
  bound_at timestamptz,
  decided_at timestamptz,
  ended_at timestamptz,
  constraint watch_pkey primary key (register_id, id),
  constraint watch_move_fkey foreign key (prior_state, state) references watch_move (prior_state, state),
  constraint watch_credential_fkey foreign key (register_id, credential_id) references credential (register_id, id),
  constraint watch_granted_by_somebody check (state <> 'granted' or (person_ref is not null and credential_id is not null))
);
create unique index watch_once on watch (register_id, client_id, credential_public_id) where state in ('asked', 'granted');
create index watch_person_ref on watch (person_ref);
create index watch_credential on watch (register_id, credential_id) where state = 'granted';
create index watch_client on watch (client_id, id);
create index watch_waiting on watch (registrar_id) where state in ('asked', 'granted');
comment on table watch is 'Who wants to be told of a change of a credential''s status, why, until when, and whether its holder agrees.';
alter table watch enable row level security;
alter table watch force row level security;
create policy registrar on watch to akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy person_sees on watch for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy person_decides on watch for update to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy relying_sees on watch for select to akashi_relying
  using (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true));
create policy relying_asks on watch for insert to akashi_relying
  with check (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true)
    and state = 'asked' and person_ref is null and credential_id is null and entry_id is null);
create policy relying_ends on watch for update to akashi_relying
  using (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true))
  with check (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true) and state = 'ended');
grant select, update on watch to akashi_worker;
grant select on watch to akashi_citizen;
grant update (state, prior_state, decided_at, ended_at) on watch to akashi_citizen;
grant select (register_id, id, registrar_id, client_id, credential_public_id, ref, purpose, until, state, asked_at, decided_at, ended_at) on watch to akashi_relying;
grant insert (register_id, id, registrar_id, client_id, credential_public_id, ref, purpose, until, state, prior_state, asked_at) on watch to akashi_relying;
grant update (state, prior_state, ended_at) on watch to akashi_relying;

create table webhook_delivery (
  client_id text not null constraint webhook_delivery_client_fkey references relying_client (id),
  id uuid not null,
  body bytea not null,
  created_at timestamptz not null,
  tries integer not null default 0,
  answered integer,
  delivered_at timestamptz,
  given_up_at timestamptz,
  constraint webhook_delivery_pkey primary key (client_id, id)
);
create index webhook_delivery_created on webhook_delivery (created_at);
comment on table webhook_delivery is 'Notifications to registered verifiers, with the exact bytes that are signed and sent. A credential''s id and state, no name. Deleted thirty days after they were made.';
alter table webhook_delivery enable row level security;
alter table webhook_delivery force row level security;
create policy relying on webhook_delivery to akashi_relying, akashi_worker
  using (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true))
  with check (current_setting('app.door', true) = 'relying' and client_id = current_setting('app.client', true));
-- A change of status is seen in the registrar's door, and its notification is for a verifier.
create policy from_registrar on webhook_delivery for insert to akashi_worker
  with check (current_setting('app.door', true) = 'registrar');
grant select on webhook_delivery to akashi_relying;
grant select, insert, update, delete on webhook_delivery to akashi_worker;

grant select on registrar, register, signing_key to akashi_relying;
create policy relying_records on audit_event for insert to akashi_relying
  with check (current_setting('app.door', true) = 'relying' and actor_kind = 'relying' and actor_id = current_setting('app.client', true)
    and person_ref is null);
grant insert (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose, register_id, registrar_id, person_ref,
  case_id, entry_id, items, outcome, salt, commitment) on audit_event to akashi_relying;

-- +goose Down
drop policy relying_records on audit_event;
revoke all on audit_event, registrar, register, signing_key from akashi_relying;
drop table webhook_delivery, watch, watch_move, watch_state, bulk_line, bulk_check, relying_key, relying_client;
